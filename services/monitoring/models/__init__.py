"""Monitoring's values, refusals and words."""
