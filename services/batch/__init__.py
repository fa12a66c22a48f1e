"""A whole catalogue's features at once: read, computed where they are not known, written, by one process or by many."""
