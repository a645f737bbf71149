"""The code lists of applications, as a form offers them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import asyncpg

from shared.db import Connection
from shared.glossary import LABELS, ApplicationState, ApplicationType, Role


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


@dataclass(frozen=True)
class ChainStep:
    """One step: who decides within how many working days, and when he is reminded (days to the end; 0 is the end)."""

    code: str
    label: str
    role: Role
    role_label: str
    budget_days: int
    reminders: list[int]


@dataclass(frozen=True)
class ShownChain:
    """The steps an application of a type takes, by version; those under way keep the version they were submitted under."""

    application_type: ApplicationType
    label: str
    version: int
    effective_on: date
    document_no: str
    steps: list[ChainStep]


async def chains(conn: Connection) -> list[ShownChain]:
    """All versions of all chains, the newest of each type first."""
    rows = await conn.fetch(
        "SELECT c.*, (SELECT json_agg(s ORDER BY position) FROM (SELECT position, code, label, role, budget_days, reminders FROM chain_steps"
        " WHERE application_type = c.application_type AND version = c.version) AS s) AS steps"
        " FROM chains c ORDER BY application_type, effective_on DESC, version DESC"
    )
    return [_chain(row) for row in rows]


def _chain(row: asyncpg.Record) -> ShownChain:
    kind = ApplicationType(row["application_type"])
    steps = [
        ChainStep(each["code"], each["label"], Role(each["role"]), LABELS[Role(each["role"])], each["budget_days"], each["reminders"])
        for each in row["steps"]
    ]
    return ShownChain(kind, LABELS[kind], row["version"], row["effective_on"], row["document_no"], steps)


def _labelled(members: Iterable[StrEnum]) -> list[Code]:
    return [Code(each.value, LABELS[each]) for each in members]
