"""What comes in: which photos, what is known about each, and opening them ahead."""
