"""What every route stands on: the service's parts, and on whose behalf a write runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.roster.queries.establishments import Moment
from shared.auth import Who
from shared.clock import Clock
from shared.crypto import FieldCipher
from shared.db import By, Database
from shared.events.envelope import uuid7
from shared.law.working_days import Calendar
from shared.pages import Day


class Write(BaseModel):
    """The part all write bodies share. Blanks around a text are none of it: four of them are no reason."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field("", max_length=1000)
    document_no: str | None = Field(None, max_length=200)


@dataclass(frozen=True)
class Door:
    """The parts of the service behind this request. `whole`: the roster as the service sees it, for what is judged by all of it."""

    whole: Database
    cipher: FieldCipher
    clock: Clock
    calendar: Callable[[], Calendar]
    request: Request

    @property
    def database(self) -> Database:
        """As the caller may read it: the second wall, should a query forget its condition (docs/decisions/0051)."""
        who: Who = self.request.state.who
        return self.whole if who.units is None else self.whole.behind(scoped(who.units))

    def by(self, who: Who, key: str, write: Write) -> By:
        """The mandate of a write: who, when, why, on which document; the key is the caller's own."""
        return By(
            actor=who.name, as_of=self.clock.now(), key=f"{who.name}:{key}", reason=write.reason, document_no=write.document_no or None
        )

    def by_each_time(self, who: Who, key: str, write: Write) -> By:
        """The mandate of what is on record each time it is done: a repeat under the caller's key is another one."""
        return self.by(who, f"{key}/{uuid7()}", write)


async def _door(request: Request) -> Door:  # async: FastAPI sends a plain function through a thread
    state = request.app.state
    return Door(state.database, state.cipher, state.clock, state.calendar, request)


def scoped(units: tuple[UUID, ...]) -> str:
    """What narrows reads to these subtrees."""
    return f"SET LOCAL ROLE roster_scoped; SET LOCAL roster.scope = '{','.join(str(unit) for unit in units)}'"


InDoor = Annotated[Door, Depends(_door)]


class AsOf(BaseModel):
    """The day asked about; `known_on` means: as known at the end of that day."""

    as_of: Day | None = None
    known_on: Day | None = None

    @property
    def moment(self) -> Moment:
        """Neither: the latest state."""
        return Moment.of(self.as_of, self.known_on)


class OneQuery(AsOf):
    """One thing of a day; a parameter that it does not know is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")

    fields: str | None = Field(None, max_length=2_000, description="Only these fields, divided by commas.")


async def _moment(as_of: Day | None = None, known_on: Day | None = None) -> Moment:
    return AsOf(as_of=as_of, known_on=known_on).moment


AtMoment = Annotated[Moment, Depends(_moment)]


def fields(body: BaseModel) -> dict[str, object]:
    """The fields of a write body that are the command's, as they were given."""
    return {name: getattr(body, name) for name in body.model_fields_set - set(Write.model_fields)}
