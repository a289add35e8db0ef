"""The same questions put to torch model and graphs, and how far apart the answers are."""
