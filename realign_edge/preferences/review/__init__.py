"""People's decisions about pairs: which to look at first, what is decided, and what becomes of it in training."""
