"""Everything approval shows, by area."""
