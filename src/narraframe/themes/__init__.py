"""Themes: what recurs in a corpus, found without labels."""
