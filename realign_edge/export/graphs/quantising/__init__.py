"""Graphs in fewer bits."""
