"""The terminal windows: training, pair review, blind test, runs, inspections. They show and ask; the library works."""
