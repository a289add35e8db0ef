"""The recipe of the embedded nano VLM (`models/nano`): architecture, tokenizer, training, scores."""
