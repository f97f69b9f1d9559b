"""What a checkpoint can do: text in, predictions out. Knows neither torch nor Flask."""
