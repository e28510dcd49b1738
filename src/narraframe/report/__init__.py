"""Reports: one self-contained HTML page that shows themes, narratives and how far to trust them."""
