"""How a checkpoint is served: HTTP only."""
