"""Texts to vectors: encoders, chunking and pooling of long posts, and the join with a cache."""
