"""The demo's city: how large it is, and the units of its story. What is in it is made by deploy/city."""

from deploy.city.city import PERSONS, TODAY, UNITS, units_of
from deploy.city.plan import Unit
from deploy.local.place import Environment

COUNTY = (UNITS, PERSONS)
"""Units and people of `make demo`: a whole county."""
STORY = (60, 3_000)
"""Of the city that the tests' stacks are filled with, anew in every run; its units, with their names, codes and logins, stand in any larger city."""


def size(environment: Environment) -> tuple[int, int]:
    """How large the city of a stack is."""
    return STORY if environment == "test" else COUNTY


def city() -> list[Unit]:
    """The units that the story may choose from, parents first, with their codes and numbers: the same every time."""
    return units_of(*STORY, today=TODAY)
