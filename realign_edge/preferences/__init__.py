"""Preference pairs: mask the true note, complete it on the wrong photo, keep it if it came out wrong."""
