"""realign-edge: repair a vision-language model with the photos a plant already has, on its own premises."""

__version__ = "0.1.0"
