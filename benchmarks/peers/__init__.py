"""What runs in the peers' own environment, `.venv/peers`: each module is a process that `benchmarks.peer` talks to."""
