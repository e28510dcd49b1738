"""Prepare posts: clean text, language, near-duplicates."""
