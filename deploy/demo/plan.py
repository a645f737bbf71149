"""The demo's city: how large it is. What is in it is made by deploy/city."""

from datetime import date

from deploy.city import catalogue
from deploy.city.city import TODAY, units_of
from deploy.city.plan import Unit

UNITS, PERSONS = 60, 3_000
"""Of `make demo` and of the tests. A whole county is 620 units and 36 000 people."""
EDUCATION = catalogue.EDUCATION


def city(today: date = TODAY) -> list[Unit]:
    """Its units, parents first, with their codes and numbers: the same every time."""
    return units_of(UNITS, PERSONS, today=today)
