"""Retrieval: similar photos by the VLM's own vision tower, and which of them may serve as reference photo."""
