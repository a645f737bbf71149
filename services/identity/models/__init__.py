"""What identity knows, what it is asked, and how it refuses."""
