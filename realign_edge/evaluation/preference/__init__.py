"""The blind preference test: people choose between answers before and after, and do not know which is which."""
