"""The main job end to end: photos -> retrieval -> preferences -> alignment -> evaluation."""
