"""The decoder's graph: our own where its modules are known, else torch's trace."""
