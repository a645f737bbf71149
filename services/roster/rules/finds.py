"""Whether it is he: unit, name and number as they were told agree with one person in post."""

from services.roster.models.finds import Placed, Told
from shared.spelling import written_plainly

MOST_MISSES = 20
"""In a day, of one caller: more than slips of the pen, too few to try the numbers that a day of birth leaves open (docs/decisions/0059)."""


def agrees(told: Told, placed: Placed) -> bool:
    """The number was looked up: the name must be his, the unit's name or code that of the unit whose post he holds. It is not the one that asks."""
    called = {written_plainly(each) for each in placed.unit_called}
    named = written_plainly(told.name) == written_plainly(placed.name)
    return named and written_plainly(told.from_unit) in called and placed.unit_id != told.unit_id
