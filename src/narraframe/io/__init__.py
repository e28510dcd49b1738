"""Files, stores and servers: the only room, beside workflows, that touches them."""
