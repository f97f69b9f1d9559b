"""Ours and the alternatives on the same work, in turn within one run: JSON, a plot, and the README's table."""
