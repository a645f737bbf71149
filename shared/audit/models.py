"""What stands under the audit's seal, seals and their chain, and what may be found broken."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

START = bytes(32)


@dataclass(frozen=True)
class Audited:
    """A table whose rows are never changed. `key` tells them apart, `covers` is what a seal covers, `written` the column with the machine's time."""

    table: str
    key: str
    covers: Sequence[str]
    written: str = "kept_at"

    def leaves(self) -> str:
        """One row per record: when it was written, key and hash. $1, $2: written not before (NULL: ever), written before."""
        said = f"concat('{self.table}/', {self.key}, ' ', jsonb_build_array({', '.join(self.covers)}))"
        return (
            f"SELECT {self.written} AS written, ({self.key})::text AS key, sha256('\\x00'::bytea || convert_to({said}, 'UTF8')) AS leaf"
            f" FROM {self.table} WHERE {self.written} >= coalesce($1, '-infinity'::timestamptz) AND {self.written} < $2 ORDER BY ({self.key})::text COLLATE \"C\""
        )


EVENT_LOG = Audited(
    "event_log",
    "event_id",
    (
        "aggregate_type",
        "aggregate_id",
        "version",
        "unit_id",
        "type",
        "occurred_at",
        "actor",
        "reason",
        "document_no",
        "case_id",
        "headers",
        "body",
    ),
    "recorded_at",
)
DOWNLOADS = Audited("export_downloads", "id", ("export_id", "actor", "at"))
EXPORTS = Audited("exports", "id", ("list", "format", "filters", "fields", "unmasked", "reason", "actor", "roles", "scope", "asked_at"))
"""What was asked; what became of it goes on."""
GIVEN_UP = Audited(
    "given_up",
    "id",
    (
        *("deed", "consumer", "topic", "partition", "at_offset", "next_offset", "key", "event_id", "type", "error", "parked_at"),
        *("actor", "reason"),
    ),
)
"""Letters that were dropped, and records that a consumer was led past or read again."""


@dataclass(frozen=True)
class Seal:
    """One seal: what was written before `until` and not before the seal before, so many records."""

    number: int
    until: datetime | None
    records: int
    root: bytes
    head: bytes


FIRST = Seal(0, None, 0, START, START)


@dataclass(frozen=True)
class Broken:
    """Something that is not as it was sealed: `what` is altered, removed, inserted, leaves, root, records, chain or head; a record has its table and key.

    `leaves`: the hashes kept of the records are not those that were sealed; the records are. `root`: neither tells which record it is. `records`: how
    many it says there are; the root tells.
    """

    seal: int
    what: str
    table: str = ""
    key: str = ""


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, as RFC 6962 splits them."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:half]) + merkle_root(leaves[half:])).digest()


def head_of(before: bytes, number: int, until: datetime, root: bytes) -> bytes:
    """The head of the chain with one more seal."""
    return hashlib.sha256(before + number.to_bytes(8, "big") + until.isoformat().encode() + root).digest()
