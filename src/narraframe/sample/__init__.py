"""The sample corpus: written for this project, for demonstration; no data about the world."""
