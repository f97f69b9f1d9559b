"""Files that are translated whole: what of them is text, and how they are put together again."""
