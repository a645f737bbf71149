"""Every write of approval, by area."""
