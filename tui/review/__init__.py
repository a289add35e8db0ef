"""The window in which people look over pairs, and the same line by line."""
