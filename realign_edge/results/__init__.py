"""A station's results: what was inspected, refused and decided by people, in a chained, append-only file."""
