"""Every write of identity, by area."""
