"""Evaluation: hallucination, recall and question accuracy on held-out photos, with intervals, before and after."""
