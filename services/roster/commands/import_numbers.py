"""编制 and 领导职数 that a file sets on units that are there: judged by the check as the commands judge them that write them."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from services.roster.models.imports import JudgedRow, Problem, Verdict
from services.roster.models.refusals import QuotaBelowUse, SeatsBelowUse
from services.roster.queries.establishments import establishments_of
from services.roster.queries.facts import frozen_among
from services.roster.queries.loads import seats_standing, units_in_use
from services.roster.rules.imports.book import Book
from services.roster.rules.posts import ensure_above_use, ensure_may_grow, ensure_seats_above_use
from shared.db import Connection
from shared.errors import DomainError
from shared.glossary import FreezeScope

_NUMBERS = frozenset({"posts", "use_until", "approved"})
_INSTEAD: Mapping[type[DomainError], str] = {
    QuotaBelowUse: "文件中不能注明原因，请在该单位的“核定编制”页面办理。",
    SeatsBelowUse: "文件中不能注明原因，请在该单位的“核定领导职数”页面办理。",
}
_COMING = (
    "SELECT unit_code, kind, funding, seat_level, count(*) AS people FROM import_rows WHERE import_id = $1 AND verdict = 'added' AND NOT history"
    " AND sheet IN ('roster', 'offestablishment') GROUP BY 1, 2, 3, 4"
)
Told = dict[tuple[str, ...], JudgedRow]
"""Rows that set a number, by the code of the unit and what they set."""


async def number_problems(conn: Connection, import_id: UUID, book: Book) -> list[Problem]:
    """What would be refused of them at the writing, with the people counted whom the same file brings."""
    posts: Told = {(code, *key): row for (code, key), row in book.quota_rows.items() if _is_set(book, code, row)}
    seats: Told = {key: row for key, row in book.seat_rows.items() if _is_set(book, key[0], row)}
    coming = await conn.fetch(_COMING, import_id) if posts or seats else []
    used = await units_in_use(conn, {book.known[key[0]].unit_id for key in (*posts, *seats)})
    to_posts, to_seats = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for row in coming:
        to_posts[row["unit_code"], row["kind"], row["funding"]] += row["people"]
        to_seats[row["unit_code"], row["seat_level"]] += row["people"]
    return [*await _posts(conn, book, posts, to_posts, used), *await _seats(conn, book, seats, to_seats, used)]


def _is_set(book: Book, code: str, row: JudgedRow) -> bool:
    """Set on a unit that is there; a new unit has its first numbers by its first load."""
    verdict, changed = book.verdicts[row.place]
    return code in book.known and (verdict is Verdict.ADDED or (verdict is Verdict.CHANGED and not _NUMBERS.isdisjoint(changed)))


async def _posts(conn: Connection, book: Book, told: Told, coming: Counter[tuple[str, ...]], used: Collection[UUID]) -> list[Problem]:
    ids = {key: book.known[key[0]].unit_id for key in told}
    now = await establishments_of(conn, [(ids[key], key[1], key[2]) for key in told])
    frozen = await frozen_among(conn, {(ids[key], key[1]) for key in told}, FreezeScope.ORGANISATION)
    found: list[Problem] = []
    for key, row in told.items():
        state, in_use, wanted = now[ids[key], key[1], key[2]], ids[key] in used, row.values["posts"]
        if not in_use and (key[1], key[2]) not in book.known[key[0]].quotas:
            continue
        orders = frozen.get((ids[key], key[1]), ()) if in_use else ()
        try:
            ensure_may_grow(orders, wanted, state.quota, state.headcount)
            ensure_above_use(state.quota, state.model_copy(update={"quota": wanted, "headcount": state.headcount + coming[key]}), None)
        except DomainError as refusal:
            found.append(_problem(row, "posts", refusal))
    return found


async def _seats(conn: Connection, book: Book, told: Told, coming: Counter[tuple[str, ...]], used: Collection[UUID]) -> list[Problem]:
    ids = {key: book.known[key[0]].unit_id for key in told}
    now = await seats_standing(conn, [(ids[key], key[1]) for key in told])
    frozen = await frozen_among(conn, {(ids[key], None) for key in told}, FreezeScope.LEADERSHIP)
    found: list[Problem] = []
    for key, row in told.items():
        state, wanted = now[ids[key], key[1]], row.values["approved"]
        orders = frozen.get((ids[key], None), ()) if ids[key] in used else ()
        try:
            ensure_may_grow(orders, wanted, state.approved, state.used)
            ensure_seats_above_use(state.approved, state.model_copy(update={"approved": wanted, "used": state.used + coming[key]}), None)
        except DomainError as refusal:
            found.append(_problem(row, "approved", refusal))
    return found


def _problem(row: JudgedRow, name: str, refusal: DomainError) -> Problem:
    return Problem(row.sheet, row.number, name, f"{refusal}{_INSTEAD.get(type(refusal), '')}")
