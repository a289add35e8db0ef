"""A disk that is full at every write."""
