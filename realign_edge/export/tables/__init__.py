"""The tables of station.json: how photos become pixels, and how they stand in prompts."""
