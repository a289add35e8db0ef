"""What is known about a run, live or finished: facts and plain words, for windows, logs and screen readers."""
