"""What identity listens to: units, so that a row scope names one that exists."""

from shared.consumer import Handlers
from shared.unit_copies import unit_handlers

TOPICS = ("roster.events",)


def handlers() -> Handlers:
    """Everything identity listens to."""
    return unit_handlers()
