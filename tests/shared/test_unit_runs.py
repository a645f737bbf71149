"""A run over many units whose attempt ends before it is through: the next one goes on where it was."""

import dataclasses
from collections.abc import Sequence
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from shared.errors import Unavailable
from shared.unit_runs import unit_by_unit

pytestmark = pytest.mark.asyncio
UNITS = [UUID(int=number) for number in range(1, 7)]


class Office:
    """Does units, but for those that are broken, and none while it is away; attempt after attempt, as Temporal would have it."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.broken: set[int] = set()
        self.away_at = 0
        self._told: Sequence[object] = ()

    async def attempt(self, number: int, units: Sequence[UUID] = UNITS) -> int:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, attempt=number, heartbeat_details=self._told)
        environment.on_heartbeat = self._hear
        answer: int = await environment.run(unit_by_unit, units, self._do, 5)
        return answer

    def _hear(self, *told: object) -> None:
        self._told = told

    async def _do(self, unit_id: UUID) -> int:
        if unit_id.int == self.away_at:
            raise Unavailable("postgres")
        if unit_id.int in self.broken:
            raise ValueError
        self.done.append(unit_id.int)
        return 10


async def test_the_next_attempt_does_what_the_one_before_has_not_come_to_and_answers_for_both() -> None:
    office = Office()
    office.away_at = 4
    with pytest.raises(Unavailable):
        await office.attempt(1)
    office.away_at = 0

    assert await office.attempt(2) == 60
    assert office.done == [1, 2, 3, 4, 5, 6]


async def test_what_failed_is_tried_again_by_each_attempt_and_named_by_the_last() -> None:
    office = Office()
    office.broken, office.away_at = {1, 2}, 4
    with pytest.raises(Unavailable):
        await office.attempt(1)
    office.broken, office.away_at = {2}, 0
    with pytest.raises(ApplicationError) as failed:
        await office.attempt(2)
    with pytest.raises(ApplicationError) as at_last:
        await office.attempt(5)
    gone = await office.attempt(6, UNITS[2:])

    assert office.done == [3, 1, 4, 5, 6]
    assert [(each.value.details, each.value.non_retryable) for each in (failed, at_last)] == [
        (([str(UNITS[1])],), False),
        (([str(UNITS[1])],), True),
    ]
    assert gone == 50
