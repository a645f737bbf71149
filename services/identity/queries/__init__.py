"""What identity shows, by area."""
