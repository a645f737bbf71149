"""`rules.SETTLED` for statements; the index `issues_open` has the same words."""

from services.monitoring.rules import SETTLED

_STATES = ", ".join(f"'{state}'" for state in sorted(SETTLED))
UNSETTLED = f"state NOT IN ({_STATES})"
"""The condition on issues that colour a light and stand on lists."""
