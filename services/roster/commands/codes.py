"""An office's own codes: added to a set from a day on, and ended from a day on, each on a document; nothing else of a code is altered."""

from datetime import date

from services.roster.commands.mandate import document_of
from services.roster.models.codes import (
    CLOSED,
    AddCodes,
    CodeEnded,
    CodeEndsTooEarly,
    CodeNotOwn,
    CodesAdded,
    CodesWrong,
    EndCode,
    NoSuchCode,
    OwnCode,
)
from services.roster.rules.codes import is_code, judged, set_of
from services.roster.rules.imports.cells import folded
from shared.db import By, Connection, command

SHOWN = 100


@command
async def add_codes(conn: Connection, by: By, what: AddCodes) -> CodesAdded:
    """Add codes, all or none. Raises CodesWrong, with what is wrong in each row."""
    document_of(by)
    await _one_by_one(conn)
    found = judged(what.codes, await _known(conn), await _own(conn))
    if found.problems:
        left = len(found.problems) - SHOWN
        shown = found.problems[:SHOWN] + ([f"其余 {left} 处略。"] if left > 0 else [])
        raise CodesWrong(count=len(found.problems), problems="\n".join(shown))
    for each in found.new:
        await _add(conn, by, each)
    return CodesAdded(added=len(found.new), same=found.same)


@command
async def end_code(conn: Connection, by: By, what: EndCode) -> None:
    """End a code that the office added, once. Raises NoSuchCode, CodeNotOwn, CodeEnded and CodeEndsTooEarly."""
    document_no, code_set = document_of(by), set_of(what.set)
    if code_set is None or not is_code(what.code):
        raise NoSuchCode
    await _one_by_one(conn)
    await _ensure_may_end(conn, code_set, what)
    await conn.execute(
        "INSERT INTO code_endings (set, code, ended_on, document_no, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(code_set, what.code, what.effective_on, document_no, by.reason, by.actor, by.as_of),
    )
    await conn.execute(
        "UPDATE codes SET valid = daterange(lower(valid), $3) WHERE set = $1 AND code = $2", code_set, what.code, what.effective_on
    )


async def _ensure_may_end(conn: Connection, code_set: str, what: EndCode) -> None:
    own = await conn.fetchrow(
        "SELECT label, since, ended_on FROM code_additions LEFT JOIN code_endings USING (set, code) WHERE set = $1 AND code = $2",
        code_set,
        what.code,
    )
    if own is None:
        there = code_set in CLOSED or await conn.fetchval(
            "SELECT EXISTS (SELECT FROM codes WHERE set = $1 AND code = $2)", code_set, what.code
        )
        raise CodeNotOwn if there else NoSuchCode
    ended_on: date | None = own["ended_on"]
    if ended_on is not None:
        raise CodeEnded(label=own["label"], ended_on=ended_on)
    if what.effective_on <= own["since"]:
        raise CodeEndsTooEarly(label=own["label"], since=own["since"])


async def _one_by_one(conn: Connection) -> None:
    """Of two who add or end codes, the second sees what the first did."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('roster.codes'))")


async def _add(conn: Connection, by: By, code: OwnCode) -> None:
    given = (code.set, code.code, code.label, list(code.aliases), code.since, by.document_no)
    await conn.execute(
        "INSERT INTO codes (set, code, label, position, aliases, valid, document_no)"
        " SELECT $1, $2, $3, coalesce(max(position), 0) + 1, $4, daterange($5, NULL), $6 FROM codes WHERE set = $1",
        *given,
    )
    await conn.execute(
        "INSERT INTO code_additions (set, code, label, aliases, since, document_no, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *(*given, by.reason, by.actor, by.as_of),
    )


async def _known(conn: Connection) -> dict[str, dict[str, str]]:
    """By set, every word that ever meant a code."""
    known: dict[str, dict[str, str]] = {}
    for row in await conn.fetch("SELECT set, code, label, aliases, standard FROM codes ORDER BY position DESC"):
        words = (*row["aliases"], row["standard"], row["code"], row["label"])
        known.setdefault(row["set"], {}).update({folded(word): row["label"] for word in words if word})
    return known


async def _own(conn: Connection) -> list[OwnCode]:
    return [OwnCode(**row) for row in await conn.fetch("SELECT set, code, label, aliases, since FROM code_additions")]
