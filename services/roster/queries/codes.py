"""The code tables as data."""

from datetime import date

from pydantic import BaseModel

from shared.db import Connection


class Code(BaseModel):
    """One code in force on the day asked about."""

    code: str
    label: str
    document_no: str


class Kind(Code):
    """`counted`: whether the kind is 编制 in law."""

    counted: bool


class Codes(BaseModel):
    """Everything a form must choose from."""

    categories: list[Code]
    kinds: list[Kind]
    fundings: list[Code]
    entry_reasons: list[Code]
    exit_reasons: list[Code]
    allowed_kinds: dict[str, list[str]]


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
    )


async def _table(conn: Connection, table: str, on: date) -> list[Code]:
    return [
        Code(**row) for row in await conn.fetch(f"SELECT code, label, document_no FROM {table} WHERE valid @> $1::date ORDER BY code", on)
    ]
