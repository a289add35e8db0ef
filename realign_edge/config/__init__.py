"""Configuration: TOML into frozen dataclasses, closed, with every problem reported at once."""
