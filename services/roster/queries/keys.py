"""What is under which key: counted, so that a key is taken away only when nothing needs it."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.roster.models.persons import SENSITIVE
from shared.db import Connection
from shared.exports.shelf import Shelf

SEALED = {
    "person_records": tuple(sorted(SENSITIVE)),
    "person_changes": ("sealed_before", "sealed_after"),
    "person_requests": ("asked",),
    "import_rows": ("sealed",),
    "import_files": ("content",),
    "comparison_files": ("content",),
    "comparison_differences": ("number_sealed", "ours_sealed", "theirs_sealed"),
}
"""Every column that holds sealed values; beside them `pending_changes.sealed` (in JSON) and the files of the exports."""
_UNDER = " UNION ALL ".join(
    f"SELECT '{table}' AS place, get_byte(substring(value for 1), 0) AS key_id, count(*) AS held FROM {table}"
    f" CROSS JOIN LATERAL unnest(ARRAY[{', '.join(columns)}]) AS value WHERE value IS NOT NULL GROUP BY 2"
    for table, columns in SEALED.items()
)
_UNDER += (
    " UNION ALL SELECT 'pending_changes', get_byte(decode(left(value, 2), 'hex'), 0), count(*) FROM pending_changes"
    " CROSS JOIN LATERAL jsonb_each_text(sealed) WHERE value IS NOT NULL GROUP BY 2"
)


@dataclass(frozen=True)
class KeyRow:
    """What the tables know of a key."""

    id: int
    suite: str
    since: datetime
    needed_since: datetime | None
    complete_at: datetime | None
    retired_at: datetime | None


async def key_rows(conn: Connection) -> dict[int, KeyRow]:
    """Every key that was ever begun, by id. The first key of an installation has no row."""
    rows = await conn.fetch("SELECT id, suite, since, needed_since, complete_at, retired_at FROM field_keys ORDER BY id")
    return {row["id"]: KeyRow(**row) for row in rows}


async def under_keys(conn: Connection, shelves: Iterable[Shelf]) -> Counter[tuple[str, int]]:
    """How many sealed values there are in each place under each key; of the shelves, files."""
    found = Counter({(row["place"], row["key_id"]): row["held"] for row in await conn.fetch(_UNDER)})
    for shelf in shelves:
        found.update(await asyncio.to_thread(_files_under, shelf))
    return found


def _files_under(shelf: Shelf) -> list[tuple[str, int]]:
    return [(str(shelf.folder), key_id) for name in whole_files(shelf) for key_id in shelf.keys(name)]


def whole_files(shelf: Shelf) -> list[str]:
    """What is finished; a file on its way has a dot in its name."""
    return [name for name in shelf.names() if "." not in name]


async def without_index(conn: Connection, key_id: int) -> int:
    """How many persons have no index under a key. Who was erased has neither record nor number."""
    persons: int = await conn.fetchval(
        "SELECT count(*) FROM persons WHERE NOT EXISTS (SELECT FROM person_indexes WHERE person_id = persons.id AND key_id = $1)"
        " AND EXISTS (SELECT FROM person_records WHERE person_id = persons.id)",
        key_id,
    )
    return persons
