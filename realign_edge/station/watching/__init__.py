"""A folder that photos arrive in: what is ready, each exactly once, where it goes, and is the watcher alive."""
