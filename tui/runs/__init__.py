"""Every run: look, compare, make room."""
