"""What the library says in English when something is wrong, in Japanese: for windows, and lines of a run's story."""
