"""The end of a check: what only the whole file shows. Set by set in the tables, since a file has as many persons as a county."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.roster.commands.import_gathered import PERSON_SHEETS, Check
from services.roster.commands.import_numbers import number_problems
from services.roster.models.fields import SHEETS
from services.roster.models.imports import ImportState, Problem, Verdict
from services.roster.models.loads import FirstLoadEnded
from services.roster.models.units import UnitClosedBefore
from services.roster.queries.import_facts import people_in_post
from services.roster.queries.loads import units_in_use
from services.roster.rules.imports.book import NAMED, Book, called_now, find_borrower, find_unit
from services.roster.rules.imports.posts import OFF_ESTABLISHMENT, approved, beyond_quota, beyond_seats
from services.roster.rules.imports.sheets import waiting_rows, waits
from shared.db import Connection

_PERSONS = "('roster', 'offestablishment')"
_WRITABLE = "('added', 'changed')"
_TITLES = " ".join(f"WHEN '{sheet}' THEN '“{SHEETS[sheet].title}”表'" for sheet in PERSON_SHEETS)
_COMPLAIN = "INSERT INTO import_problems (import_id, sheet, row, field, sentence, warning)"


async def close_check(check: Check, book: Book, now: datetime) -> None:
    """Everything that needs the whole file, in one transaction; then the import is checked."""
    check.warn(waiting_rows(book, check.held))
    await check.close(book)
    async with check.database.transaction() as conn:
        await check.ensure_mine(conn)
        import_id = check.job.id
        await _find_units(conn, import_id, book)
        await _no_more(conn, import_id, book)
        await _find_ceilings(conn, import_id, book)
        await _twice(conn, import_id)
        await _without_quota(conn, import_id, book)
        await _in_use(conn, check, book)
        await _refused_numbers(conn, import_id, book)
        await _of_bad_units(conn, import_id, book)
        await _find_borrowers(conn, import_id, book)
        await _beyond(conn, import_id, book)
        await _queue_units(conn, import_id, book)
        await _sum_up(conn, check, now)


async def _find_units(conn: Connection, import_id: UUID, book: Book) -> None:
    """Each row gets the code of its unit, unless it has it already; a row whose unit is nowhere is wrong."""
    rows = await conn.fetch(
        f"SELECT DISTINCT unit_ref FROM import_rows WHERE import_id = $1 AND sheet IN {_PERSONS} AND unit_ref IS NOT NULL", import_id
    )
    found = {row["unit_ref"]: find_unit(book, row["unit_ref"]) for row in rows}
    await _set_codes(conn, import_id, _PERSONS, {called: code for called, (code, _) in found.items()})
    lost = {called: wrong for called, (_, wrong) in found.items() if wrong}
    await _wrong(
        conn,
        import_id,
        f"SELECT sheet, number, 'unit', lost.sentence FROM import_rows JOIN unnest($2::text[], $3::text[]) AS lost (called, sentence)"
        f" ON unit_ref = called WHERE import_id = $1 AND sheet IN {_PERSONS} AND verdict <> 'left_out'",
        list(lost),
        list(lost.values()),
    )
    renamed = {called: said for called in found if (said := called_now(book, called))}
    await conn.execute(
        f"{_COMPLAIN} SELECT $1, sheet, number, 'unit', renamed.sentence, true FROM import_rows"
        " JOIN unnest($2::text[], $3::text[]) AS renamed (called, sentence) ON unit_ref = called"
        f" WHERE import_id = $1 AND sheet IN {_PERSONS} AND verdict <> 'left_out'",
        import_id,
        list(renamed),
        list(renamed.values()),
    )
    await conn.execute(
        "UPDATE import_rows SET unit_code = code FROM unnest($2::text[], $3::integer[], $4::text[]) AS held (of_sheet, of_number, code)"
        " WHERE import_id = $1 AND sheet = of_sheet AND number = of_number",
        import_id,
        [sheet for sheet, _ in book.unit_of],
        [number for _, number in book.unit_of],
        list(book.unit_of.values()),
    )


async def _set_codes(conn: Connection, import_id: UUID, sheets: str, codes: Mapping[str, str | None]) -> None:
    await conn.execute(
        "UPDATE import_rows SET unit_code = code FROM unnest($2::text[], $3::text[]) AS found (called, code)"
        f" WHERE import_id = $1 AND sheet IN {sheets} AND unit_ref = called AND unit_code IS DISTINCT FROM code",
        import_id,
        list(codes),
        list(codes.values()),
    )


async def _no_more(conn: Connection, import_id: UUID, book: Book) -> None:
    """A unit that was closed is not set up again by a file."""
    rows = await conn.fetch(
        "SELECT code, upper(valid) AS closed_on FROM units WHERE code = ANY($1) AND NOT upper_inf(valid)", list(book.units)
    )
    book.bad.update(row["code"] for row in rows)
    await _wrong(
        conn,
        import_id,
        "SELECT sheet, number, CASE WHEN sheet IN ('quotas', 'seats') THEN 'unit' ELSE 'uscc' END, sentence FROM import_rows"
        " JOIN unnest($2::text[], $3::text[]) AS gone (code, sentence) ON unit_code = code"
        f" WHERE import_id = $1 AND sheet NOT IN {_PERSONS} AND verdict IN {_WRITABLE}",
        [row["code"] for row in rows],
        [str(UnitClosedBefore(closed_on=row["closed_on"])) for row in rows],
    )


async def _find_ceilings(conn: Connection, import_id: UUID, book: Book) -> None:
    """编外人员 stand under their unit's 编外用工控制数, in the funding it was approved with."""
    rows = await conn.fetch(
        "SELECT DISTINCT unit_code FROM import_rows WHERE import_id = $1 AND sheet = 'offestablishment' AND unit_code IS NOT NULL",
        import_id,
    )
    fundings = {
        row["unit_code"]: min((funding for kind, funding in approved(book, row["unit_code"]) if kind == OFF_ESTABLISHMENT), default=None)
        for row in rows
    }
    await conn.execute(
        "UPDATE import_rows SET kind = $4, funding = ceiling.funding FROM unnest($2::text[], $3::text[]) AS ceiling (code, funding)"
        " WHERE import_id = $1 AND sheet = 'offestablishment' AND unit_code = code",
        import_id,
        list(fundings),
        list(fundings.values()),
        OFF_ESTABLISHMENT,
    )


async def _twice(conn: Connection, import_id: UUID) -> None:
    """One person, one row: the first stays, one who is in post before one who was; each is told with the others, since nobody knows which one is right."""
    await conn.execute(
        f"{_COMPLAIN} SELECT $1, sheet, number, 'id_number',"
        " '与' || others || '是同一人，只取本行，其余不导入。应以另一行为准的，请改正文件后重新导入', true"
        f" FROM ({_SAME}) AS same WHERE place = 1 AND verdict <> 'wrong'",
        import_id,
        NAMED,
    )
    await _wrong(
        conn,
        import_id,
        "SELECT sheet, number, 'id_number', '与' || others || '是同一人，' || CASE WHEN history"
        " THEN '同一文件中每人只取一行。以前的在编经历请另放一个文件，在期初建账结束前导入' ELSE '一人只能占一个编制，请核对' END"
        f" FROM ({_SAME}) AS same WHERE place > 1",
        NAMED,
    )


_SAME = f"""
    WITH people AS (
        SELECT mark, sheet, number, history, verdict, row_number() OVER (PARTITION BY mark ORDER BY history, sheet DESC, number) AS place
        FROM import_rows JOIN (SELECT mark FROM import_rows WHERE import_id = $1 AND mark IS NOT NULL AND verdict <> 'left_out'
            GROUP BY mark HAVING count(*) > 1) AS twice USING (mark)
        WHERE import_id = $1 AND verdict <> 'left_out'
    ), named AS (
        SELECT mark, count(*) - 1 AS more, array_agg(sheet ORDER BY place) FILTER (WHERE place <= $2 + 1) AS sheets,
            array_agg(number ORDER BY place) FILTER (WHERE place <= $2 + 1) AS numbers
        FROM people GROUP BY mark
    )
    SELECT people.*, (
        SELECT string_agg(CASE other.sheet WHEN people.sheet THEN '' {_TITLES} END || '第 ' || other.number || ' 行', '、' ORDER BY nth)
        FROM unnest(sheets, numbers) WITH ORDINALITY AS other (sheet, number, nth)
        WHERE (other.sheet, other.number) <> (people.sheet, people.number) AND nth <= $2 + (people.place <= $2)::integer
    ) || CASE WHEN more > $2 THEN '等 ' || more || ' 行' ELSE '' END AS others FROM people JOIN named USING (mark)
"""
"""Rows of one person, in the order in which they are taken, and the others ($2 of them) in words."""


async def _without_quota(conn: Connection, import_id: UUID, book: Book) -> None:
    """Nobody new stands on posts that nobody approved; who has left counts on none."""
    rows = await conn.fetch(
        f"SELECT DISTINCT unit_code FROM import_rows WHERE import_id = $1 AND sheet IN {_PERSONS} AND unit_code IS NOT NULL", import_id
    )
    bad = [code for code in book.bad if code not in book.known]
    keys = [(row["unit_code"], *key) for row in rows for key in approved(book, row["unit_code"])]
    await _wrong(
        conn,
        import_id,
        "SELECT sheet, number, CASE sheet WHEN 'roster' THEN 'kind' ELSE 'unit' END, CASE sheet"
        " WHEN 'roster' THEN '该单位没有核定此编制类型和经费形式，请改正，或先导入核定的编制数'"
        " ELSE '该单位没有核定编外用工控制数，请先导入（“编制”表，编制类型填“编外用工控制数”）' END"
        f" FROM import_rows WHERE import_id = $1 AND sheet IN {_PERSONS} AND NOT history AND unit_code IS NOT NULL AND unit_code <> ALL($5) AND (verdict = 'added' OR verdict = 'wrong'"
        " AND (sheet <> 'roster' OR kind IS NOT NULL AND funding IS NOT NULL)) AND NOT EXISTS"
        " (SELECT FROM unnest($2::text[], $3::text[], $4::text[]) AS there (code, of_kind, of_funding)"
        "  WHERE code = unit_code AND of_kind = kind AND of_funding = funding)",
        *([key[place] for key in keys] for place in range(3)),
        bad,
    )


async def _in_use(conn: Connection, check: Check, book: Book) -> None:
    """A unit in daily use takes nobody in by a file; who is wrong otherwise, and not on the roster, is told as well."""
    new = (
        f"import_id = $1 AND sheet IN {_PERSONS} AND (verdict = 'added' OR verdict = 'wrong' AND mark IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM person_indexes WHERE key_id = $2 AND id_index = mark))"
    )
    rows = await conn.fetch(f"SELECT DISTINCT unit_code FROM import_rows WHERE {new}", check.job.id, check.marking)
    ids = {book.known[row["unit_code"]].unit_id: row["unit_code"] for row in rows if row["unit_code"] in book.known}
    used = [ids[unit_id] for unit_id in await units_in_use(conn, list(ids))]
    await _wrong(
        conn,
        check.job.id,
        f"SELECT sheet, number, 'unit', $4 FROM import_rows WHERE {new} AND unit_code = ANY($3)",
        check.marking,
        used,
        str(FirstLoadEnded()),
    )


async def _refused_numbers(conn: Connection, import_id: UUID, book: Book) -> None:
    """Posts and leadership posts that the roster would refuse; the numbers in force stay."""
    found = await number_problems(conn, import_id, book)
    for told in found:
        book.refuse_number(told.sheet, told.row)
    await _wrong(
        conn,
        import_id,
        "SELECT * FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[])",
        *([getattr(told, name) for told in found] for name in ("sheet", "row", "field", "sentence")),
    )


async def _of_bad_units(conn: Connection, import_id: UUID, book: Book) -> None:
    """Good rows of a unit with a wrong one, and good persons of a new unit that is not written, wait for it: told once per unit, at the first."""
    rows = await conn.fetch(
        f"UPDATE import_rows SET verdict = 'wrong' WHERE import_id = $1 AND verdict IN {_WRITABLE}"
        f" AND (unit_code = ANY($2) OR unit_code = ANY($3) AND sheet NOT IN {_PERSONS}) RETURNING sheet, number, unit_code",
        import_id,
        sorted(code for code in book.bad if code not in book.known),
        sorted(book.bad),
    )
    by_unit: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        by_unit.setdefault(row["unit_code"], []).append((row["sheet"], row["number"]))
    causes = await _causes(conn, import_id, list(by_unit))
    for code, places in by_unit.items():
        told = waits(*min(places), len(places), book.name_of(code), causes.get(code))
        await conn.execute(f"{_COMPLAIN} VALUES ($1, $2, $3, $4, $5, false)", import_id, told.sheet, told.row, told.field, told.sentence)


async def _causes(conn: Connection, import_id: UUID, codes: Sequence[str]) -> dict[str, Problem]:
    """The first thing that is wrong of each of these units: in the row of the unit itself, else of its posts."""
    rows = await conn.fetch(
        "SELECT DISTINCT ON (unit_code) unit_code, import_problems.sheet, row, field, sentence FROM import_rows JOIN import_problems"
        " ON import_problems.import_id = $1 AND import_problems.sheet = import_rows.sheet AND row = number AND NOT warning"
        f" WHERE import_rows.import_id = $1 AND unit_code = ANY($2) AND import_rows.sheet NOT IN {_PERSONS}"
        " ORDER BY unit_code, starts_with(import_rows.sheet, 'units') DESC, row, import_problems.id",
        import_id,
        codes,
    )
    return {row["unit_code"]: Problem(row["sheet"], row["row"], row["field"], row["sentence"]) for row in rows}


async def _find_borrowers(conn: Connection, import_id: UUID, book: Book) -> None:
    """Each loan that is to be written gets the code of its borrower; one whose borrower is nowhere is recorded as a loan to a unit outside."""
    lent = f"import_id = $1 AND seconded AND verdict IN {_WRITABLE}"
    rows = await conn.fetch(f"SELECT DISTINCT borrower_ref FROM import_rows WHERE {lent}", import_id)
    found = [(row["borrower_ref"], *find_borrower(book, row["borrower_ref"])) for row in rows]
    arguments = import_id, *([each[place] for each in found] for place in range(3))
    of_row = f"unnest($2::text[], $3::text[], $4::text[]) AS found (called, code, sentence) WHERE {lent} AND borrower_ref = called"
    await conn.execute(f"UPDATE import_rows SET borrower_code = code FROM {of_row} AND code IS NOT NULL", *arguments)
    await conn.execute(
        f"{_COMPLAIN} SELECT $1, sheet, number, 'seconded_to', sentence, true FROM import_rows, {of_row} AND sentence <> ''", *arguments
    )


async def _beyond(conn: Connection, import_id: UUID, book: Book) -> None:
    """People beyond posts, and leaders beyond leadership posts: warnings, at the row of the posts where the file has it."""
    added = await conn.fetch(
        "SELECT unit_code AS code, kind, funding, seat_level, count(*) AS people, min(number) AS first, min(sheet) AS sheet FROM import_rows"
        f" WHERE import_id = $1 AND sheet IN {_PERSONS} AND verdict = 'added' AND unit_code IS NOT NULL AND NOT history GROUP BY 1, 2, 3, 4",
        import_id,
    )
    ids = {book.known[row["code"]].unit_id for row in added if row["code"] in book.known}
    people: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    seats: Counter[tuple[str, str]] = Counter()
    for row in [*added, *await people_in_post(conn, list(ids))]:
        people[row["code"]][row["kind"], row["funding"]] += row["people"]
        if row["seat_level"]:
            seats[row["code"], row["seat_level"]] += row["people"]
    first: dict[tuple[str, object], tuple[str, int]] = {}
    for row in added:
        for what in ((row["kind"], row["funding"]), row["seat_level"]):
            place = (row["sheet"], row["first"])
            first[row["code"], what] = min(first.get((row["code"], what), place), place)
    found: list[tuple[str, int, str, str]] = []
    for code in sorted({code for code, _ in first}):
        for key, sentence in beyond_quota(book, code, {key: number for key, number in people[code].items() if (code, key) in first}):
            posts = book.quota_rows.get((code, key))
            found.append((posts.sheet, posts.number, "posts", sentence) if posts else (*first[code, key], "kind", sentence))
    touched = {key: number for key, number in seats.items() if key in first}
    for code, level, sentence in beyond_seats(book, touched):
        seat = book.seat_rows.get((code, level))
        found.append((seat.sheet, seat.number, "approved", sentence) if seat else (*first[code, level], "seat_level", sentence))
    await conn.executemany(f"{_COMPLAIN} VALUES ($1, $2, $3, $4, $5, true)", [(import_id, *each) for each in found])


async def _queue_units(conn: Connection, import_id: UUID, book: Book) -> None:
    """What is to be written, unit by unit; new units in the order of their tree."""
    rows = await conn.fetch(
        f"SELECT DISTINCT unit_code FROM import_rows WHERE import_id = $1 AND verdict IN {_WRITABLE} AND unit_code IS NOT NULL", import_id
    )
    touched = {row["unit_code"] for row in rows}
    ordered = [code for code in book.order if code in touched]
    ordered += sorted(touched - set(ordered))
    await conn.executemany(
        "INSERT INTO import_units (import_id, position, unit_code, parent_code, name, state) VALUES ($1, $2, $3, $4, $5, 'waiting')",
        [(import_id, place, code, _parent(book, code), book.name_of(code)) for place, code in enumerate(ordered)],
    )


def _parent(book: Book, code: str) -> str | None:
    """The parent, where it is new too."""
    if code in book.known or code not in book.units:
        return None
    parent = book.code_of(book.units[code].values.get("parent"))
    return parent if parent in book.units and parent not in book.known else None


async def _sum_up(conn: Connection, check: Check, now: datetime) -> None:
    counts: dict[str, dict[str, int]] = {}
    for row in await conn.fetch(
        "SELECT sheet, verdict, count(*) AS rows FROM import_rows WHERE import_id = $1 GROUP BY 1, 2", check.job.id
    ):
        counts.setdefault(row["sheet"], dict.fromkeys(Verdict, 0))[row["verdict"]] = row["rows"]
    await conn.execute(
        "UPDATE imports SET state = $2, counts = $3, columns = $4, note = $5, checked_at = $6, step = step + 1,"
        " errors = (SELECT count(*) FROM import_problems WHERE import_id = $1 AND NOT warning),"
        " warnings = (SELECT count(*) FROM import_problems WHERE import_id = $1 AND warning),"
        " units_total = (SELECT count(*) FROM import_units WHERE import_id = $1) WHERE id = $1",
        check.job.id,
        ImportState.CHECKED,
        counts,
        check.columns,
        check.note,
        now,
    )


async def _wrong(conn: Connection, import_id: UUID, select: str, *arguments: Sequence[Any] | str | int) -> None:
    """Complain of the rows that a query finds (sheet, number, field, sentence), and keep them out."""
    await conn.execute(
        f"WITH found (sheet, number, field, sentence) AS ({select}), kept_out AS (UPDATE import_rows SET verdict = 'wrong', sealed = NULL"
        " FROM found WHERE import_rows.import_id = $1 AND import_rows.sheet = found.sheet AND import_rows.number = found.number)"
        f" {_COMPLAIN} SELECT $1, sheet, number, field, sentence, false FROM found",
        import_id,
        *arguments,
    )
