"""Classifiers on frozen embeddings and terms: calibrated probabilities, thresholds, decisions."""
