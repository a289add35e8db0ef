"""What a station installs: one signed folder with the model, its words, its evidence and its proof."""
