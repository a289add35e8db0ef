"""Training: what a run is doing, whether all is well, and what to do."""
