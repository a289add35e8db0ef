"""The plant's vocabulary, and reading parts, defects and places out of texts."""
