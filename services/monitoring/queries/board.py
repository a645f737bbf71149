"""Reads of the light board (亮灯): units by rules, and what has turned since somebody looked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.monitoring.models.words import GROUNDS, REMARK_TITLES, RULE_TITLES, matter_of
from services.monitoring.queries.settled import UNSETTLED
from services.monitoring.rules import RULES
from shared.auth import Who
from shared.db import Connection
from shared.glossary import LABELS, IssueState, Light
from shared.unit_copies import scope, visible


class Rule(BaseModel):
    """A column: a rule in force, by its code, and on how many of the chosen units it has something open."""

    code: str
    title: str
    ground: str
    units: int


class Lit(BaseModel):
    """How many of the chosen units have a colour."""

    code: Light
    label: str
    count: int


class Found(BaseModel):
    """What a rule has open on a unit: how many issues, their worst level, and the one to look at first."""

    rule: str
    level: Light
    label: str
    issues: int
    issue_id: UUID
    state: IssueState
    state_label: str
    due_at: datetime | None


class Remark(BaseModel):
    """What a rule knows of a unit that is no issue (满编)."""

    rule: str
    code: str
    title: str


class BoardLine(BaseModel):
    """A row: a unit with its light, and what rules found on it."""

    unit_id: UUID
    unit: str
    light: Light
    label: str
    since: datetime | None
    issues: list[Found]
    remarks: list[Remark]


class Board(BaseModel):
    """The matrix unit × rule, the worst light first; `next` is the cursor of the page after it, `turn` the number of the last change that it may show.

    `rules` and `lights` count the units of the caller's choice whatever their colour or rule.
    """

    rules: list[Rule]
    lights: list[Lit]
    items: list[BoardLine]
    next: str | None
    turn: int


class Turned(BaseModel):
    """A light that has turned, with what turned it in one sentence each."""

    number: int
    unit_id: UUID
    unit: str
    light: Light
    label: str
    before: Light
    since: datetime
    matters: list[str]


@dataclass(frozen=True)
class Chosen:
    """Which rows: of a colour, with something of a rule, of a subtree, with these words in the name; or the one of a unit."""

    color: Light | None = None
    rule: str | None = None
    unit: UUID | None = None
    name: str | None = None
    only: UUID | None = None


LOOK_BACK, MOST_TURNED = 100, 500
"""A change with a lower number may be seen after one with a higher: so far back is looked for it."""
ROWS = "FROM unit_copies u LEFT JOIN lights l ON l.unit_id = u.id"
PLACE = "array_position(ARRAY['red', 'yellow', 'unverified', 'green'], coalesce(l.light, 'green')), u.code, u.id"
LIT_BY = (
    "($5::text IS NULL OR coalesce(l.light, 'green') = $5)"
    f" AND ($6::text IS NULL OR EXISTS (SELECT FROM issues i WHERE i.unit_id = u.id AND i.rule = $6 AND {UNSETTLED}))"
)
"""$5 a colour, $6 a rule that has something open."""
_BOARD = f"""
    SELECT u.id AS unit_id, u.name AS unit, coalesce(l.light, 'green') AS light, l.changed_at AS since,
        (SELECT coalesce(json_agg(found), '[]') FROM (
            SELECT DISTINCT ON (rule) rule, level, count(*) OVER (PARTITION BY rule) AS issues, id AS issue_id, state, due_at
            FROM issues WHERE unit_id = u.id AND {UNSETTLED} ORDER BY rule, level, id) AS found) AS issues,
        (SELECT coalesce(json_agg(known), '[]') FROM (
            SELECT DISTINCT rule, code FROM remarks WHERE unit_id = u.id ORDER BY rule, code) AS known) AS remarks
    {ROWS}
    WHERE {{chosen}} AND {LIT_BY}
        AND ($7::uuid IS NULL OR ({PLACE}) > (SELECT {PLACE} {ROWS} WHERE u.id = $7 AND {{seen}}))
    ORDER BY {PLACE} LIMIT $8
"""
_LIT = f"SELECT coalesce(l.light, 'green') AS code, count(*) {ROWS} WHERE {{chosen}} GROUP BY 1"
_RULED = f"""
    SELECT i.rule, count(DISTINCT u.id) {ROWS} JOIN issues i ON i.unit_id = u.id AND i.{UNSETTLED} WHERE {{chosen}} GROUP BY i.rule
"""


def chosen_by(who: Who) -> str:
    """$2 a subtree, $3 words in the name, $4 one unit; one that is no more only while something is open on it."""
    return (
        f"{visible(who)} AND (u.closed_on IS NULL OR l.light <> 'green') AND ($2::uuid IS NULL OR $2 = ANY (u.path))"
        " AND ($3::text IS NULL OR strpos(u.name, $3) > 0) AND ($4::uuid IS NULL OR u.id = $4)"
    )


async def board(conn: Connection, who: Who, chosen: Chosen, after: UUID | None, limit: int) -> Board:
    """The units in the caller's scope, with what each rule in force has open on them, and what is known that is no issue."""
    turn, asked, condition = await last_turn(conn), (scope(who), chosen.unit, chosen.name, chosen.only), chosen_by(who)
    rows = await conn.fetch(_BOARD.format(chosen=condition, seen=visible(who)), *asked, chosen.color, chosen.rule, after, limit)
    lit = {row["code"]: row["count"] for row in await conn.fetch(_LIT.format(chosen=condition), *asked)}
    ruled = {row["rule"]: row["count"] for row in await conn.fetch(_RULED.format(chosen=condition), *asked)}
    return Board(
        rules=[Rule(code=code, title=RULE_TITLES[code], ground=GROUNDS[code], units=ruled.get(code, 0)) for code, _ in RULES],
        lights=[Lit(code=each, label=LABELS[each], count=lit.get(each, 0)) for each in Light],
        items=[_line(row) for row in rows],
        next=str(rows[-1]["unit_id"]) if len(rows) == limit else None,
        turn=turn,
    )


def _line(row: asyncpg.Record) -> BoardLine:
    found = [Found(**each, label=LABELS[Light(each["level"])], state_label=LABELS[IssueState(each["state"])]) for each in row["issues"]]
    known = [Remark(**each, title=REMARK_TITLES[each["code"]]) for each in row["remarks"]]
    return BoardLine(**{**row, "issues": found, "remarks": known}, label=LABELS[Light(row["light"])])


async def last_turn(conn: Connection) -> int:
    """The number of the latest change of any light."""
    number: int = await conn.fetchval("SELECT coalesce(max(id), 0) FROM light_changes")
    return number


async def turns_mark(conn: Connection) -> tuple[int, int]:
    """The same as long as no light turns. Changes are numbered before they are committed, so the last few are counted too."""
    row = await conn.fetchrow(
        "SELECT last, (SELECT count(*) FROM light_changes WHERE id > last - $1) AS known FROM (SELECT max(id) AS last FROM light_changes) newest",
        LOOK_BACK,
    )
    return (row["last"] or 0, row["known"]) if row else (0, 0)


async def turned(conn: Connection, who: Who, after: int, told: Collection[int]) -> list[Turned]:
    """What has turned in the caller's scope since change `after`, but what was `told`; oldest first, at most MOST_TURNED."""
    rows = await conn.fetch(
        "SELECT c.id AS number, c.unit_id, u.name AS unit, c.light, c.before, c.since, c.reasons FROM light_changes c"
        f" JOIN unit_copies u ON u.id = c.unit_id WHERE {visible(who)} AND c.id > $2 AND c.id <> ALL ($3::bigint[]) ORDER BY c.id LIMIT {MOST_TURNED}",
        scope(who),
        after,
        list(told),
    )
    return [_turned(row) for row in rows]


def _turned(row: asyncpg.Record) -> Turned:
    matters = [matter_of(reason["rule"], reason["inputs"]) for reason in row["reasons"]]
    return Turned(**{**row, "matters": matters}, label=LABELS[Light(row["light"])])
