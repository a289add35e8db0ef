"""Vision-language models: families as data, loading, prompts, cached vision features, generation."""
