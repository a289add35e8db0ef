"""What decides whether work will succeed on this machine: each with its state, the fact, and what to do."""
