"""The window of the blind preference test, and the same line by line."""
