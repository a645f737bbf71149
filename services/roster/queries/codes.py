"""The code tables as data."""

from datetime import date

from pydantic import BaseModel

from shared.db import Connection


class Code(BaseModel):
    """One code in force on the day asked about. `aliases`: words of older registers; `standard`: the national standard's code where ours is another."""

    code: str
    label: str
    document_no: str
    aliases: list[str] = []
    standard: str | None = None


class Kind(Code):
    """`counted`: whether the kind is 编制 in law. `population`: 机关事业 (public), 编外 (off_establishment), 国资 (state_enterprise)."""

    counted: bool
    population: str


class Codes(BaseModel):
    """Everything a form must choose from. `sets`: all further sets, by the name of `Field.codes`, each in its form's order."""

    categories: list[Code]
    kinds: list[Kind]
    fundings: list[Code]
    entry_reasons: list[Code]
    exit_reasons: list[Code]
    allowed_kinds: dict[str, list[str]]
    sets: dict[str, list[Code]]

    def of(self, name: str) -> list[Code]:
        """The set of this name, whichever table holds it. Raises KeyError."""
        own: list[Code] | None = getattr(self, name, None)
        return self.sets[name] if own is None else own


async def codes(conn: Connection, on: date) -> Codes:
    """The codes in force on a day."""
    allowed = await conn.fetch(
        "SELECT category, array_agg(kind ORDER BY kind) AS kinds FROM allowed_kinds WHERE valid @> $1::date GROUP BY category", on
    )
    return Codes(
        categories=await _table(conn, "unit_categories", on),
        kinds=[Kind(**row) for row in await conn.fetch("SELECT * FROM establishment_kinds WHERE valid @> $1::date ORDER BY code", on)],
        fundings=await _table(conn, "fundings", on),
        entry_reasons=await _table(conn, "entry_reasons", on),
        exit_reasons=await _table(conn, "exit_reasons", on),
        allowed_kinds={row["category"]: row["kinds"] for row in allowed},
        sets=await _sets(conn, on),
    )


async def _table(conn: Connection, table: str, on: date) -> list[Code]:
    return [
        Code(**row) for row in await conn.fetch(f"SELECT code, label, document_no FROM {table} WHERE valid @> $1::date ORDER BY code", on)
    ]


async def _sets(conn: Connection, on: date) -> dict[str, list[Code]]:
    rows = await conn.fetch(
        "SELECT set, code, label, aliases, standard, document_no FROM codes WHERE valid @> $1::date ORDER BY set, position", on
    )
    sets: dict[str, list[Code]] = {}
    for row in rows:
        sets.setdefault(row["set"], []).append(Code(**row))
    return sets
