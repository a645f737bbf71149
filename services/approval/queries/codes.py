"""The code lists of applications, as a form offers them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.db import Connection
from shared.glossary import LABELS, ApplicationState, ApplicationType


@dataclass(frozen=True)
class Code:
    """A code and what it is called."""

    code: str
    label: str


@dataclass(frozen=True)
class Codes:
    """Application types that can be submitted and return reasons, both as of a day, and the states an application passes."""

    application_types: list[Code]
    states: list[Code]
    return_reasons: list[Code]


async def codes(conn: Connection, on: date) -> Codes:
    """The codes in force on a day."""
    types = await conn.fetch("SELECT DISTINCT application_type FROM chains WHERE effective_on <= $1", on)
    reasons = await conn.fetch(
        "SELECT code, label FROM return_reasons WHERE effective_on <= $1 AND (ended_on IS NULL OR ended_on > $1) ORDER BY code = 'other', code",
        on,
    )
    in_force = {row["application_type"] for row in types}
    return Codes(
        application_types=_labelled(each for each in ApplicationType if each in in_force),
        states=_labelled(ApplicationState),
        return_reasons=[Code(**row) for row in reasons],
    )


def _labelled(members: Iterable[StrEnum]) -> list[Code]:
    return [Code(each.value, LABELS[each]) for each in members]
