"""How a checkpoint is made: data, cells, models, the training loop, evaluation and export."""
