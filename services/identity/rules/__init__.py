"""What identity allows. Pure."""
