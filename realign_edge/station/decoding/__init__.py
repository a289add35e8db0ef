"""The exported decoder with its cache, and the whole model: it sees photos, answers, says how likely an answer is."""
