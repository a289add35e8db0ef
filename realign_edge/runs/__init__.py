"""Runs: their folders, events, status, requests and the lock that keeps two from sharing a machine."""
