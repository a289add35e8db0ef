"""Prompts and answers as token ids: chat template and tokenizer, both bounded since they come from outside."""
