"""All that is held of one person, for himself; and what he asked."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.concerned import RequestUnknown, place_of_words
from services.roster.models.facts import place_of
from services.roster.models.fields import FROM_INSURANCE, OFF_ESTABLISHMENT, PERSONS
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.queries.difference_values import label_of as field_label
from services.roster.queries.difference_values import opened_values, said
from services.roster.queries.exports.columns import words
from services.roster.queries.persons import LABELS, RecordedPlacement, RevealView, ensure_visible, history, label_of, opened, reveals
from services.roster.queries.secondments import SecondmentView, secondment_views
from services.roster.queries.units import seen
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.glossary import LABELS as SPOKEN
from shared.glossary import DifferenceKind, DifferenceState
from shared.unit_copies import scope

PURPOSE = "机构编制实名制管理：核定、使用和监督机构编制"
BASIS = "《个人信息保护法》第十三条第一款第三项（为履行法定职责所必需）、第三十四条"
RETENTION = "编制实名制记录（含已出编人员的）长期保存，用于核对以往各时点的编制使用情况；单位上传的文件在保存期满后删除"
PENDING = {"open": "待申请", "claimed": "已核准，正在生效", "applied": "已生效"}
_MOST = 10_000
Words: TypeAlias = Mapping[str, Mapping[str, str]]
_FIELDS = OFF_ESTABLISHMENT.by_name | PERSONS.by_name | {each.name: each for each in FROM_INSURANCE}


class RequestView(BaseModel):
    """One request; `asked` in the person's own words, `fields` what he wants corrected, by its label in the register. `overdue`: not answered, though
    his day is over.
    """

    request_id: UUID
    kind: str
    asked: str
    fields: list[str]
    proof: str
    received_at: datetime
    received_by: str
    due_on: date
    overdue: bool
    outcome: str | None
    ground: str | None
    answer: str | None
    decided_at: datetime | None
    decided_by: str | None


class ListedRequest(RequestView):
    """A request with whose it is; `name`: none of somebody who was erased."""

    person_id: UUID
    name: str | None
    unit_id: UUID
    unit: str


class CopiedRecord(BaseModel):
    """What was recorded of him, by the labels of the register: so from `since` until `until`, as known between the instants."""

    since: date | None
    until: date | None
    recorded_from: datetime
    recorded_until: datetime | None
    document_no: str | None
    values: dict[str, str]


class CopiedChange(BaseModel):
    """One change of one field, in full."""

    label: str
    since: date | None
    before: str | None
    after: str | None
    at: datetime
    actor: str
    reason: str
    document_no: str | None


class CopiedPlacement(RecordedPlacement):
    """A post he holds or held; `values`: all that is kept of it, by the labels of the register and in words."""

    unit: str
    values: dict[str, str]


class PendingCopy(BaseModel):
    """A change that waits for its case, or was carried out by it, in words."""

    registered_at: datetime
    registered_by: str
    state: str
    reason: str
    document_no: str
    values: dict[str, str | None]


class CopiedDifference(BaseModel):
    """In what the upper level's register was found to differ about him, in full and in words."""

    label: str
    ours: str | None
    theirs: str | None
    state: str
    found_at: datetime
    moved_at: datetime


class PersonCopy(BaseModel):
    """Everything the roster holds of one person, for himself, and who saw his number in full."""

    person_id: UUID
    purpose: str = PURPOSE
    basis: str = BASIS
    retention: str = RETENTION
    records: list[CopiedRecord]
    placements: list[CopiedPlacement]
    secondments: list[SecondmentView]
    changes: list[CopiedChange]
    pending: list[PendingCopy]
    differences: list[CopiedDifference]
    reveals: list[RevealView]
    requests: list[RequestView]


async def ensure_request_visible(conn: Connection, request_id: UUID, who: Who) -> None:
    """The request exists, of a person in the caller's scope. Raises RequestUnknown, PersonUnknown."""
    person_id = await conn.fetchval("SELECT person_id FROM person_requests WHERE id = $1", request_id)
    if person_id is None:
        raise RequestUnknown
    await ensure_visible(conn, person_id, who)


async def requests_of(conn: Connection, cipher: FieldCipher, person_id: UUID, today: date) -> list[RequestView]:
    """What one person asked, oldest first."""
    rows = await conn.fetch("SELECT *, id AS request_id FROM person_requests WHERE person_id = $1 ORDER BY id", person_id)
    return [_request(cipher, row, today) for row in rows]


_LISTED = """
    SELECT asked.*, asked.id AS request_id, units.id AS unit_id, units.name AS unit, record.name
    FROM person_requests asked JOIN persons ON persons.id = asked.person_id JOIN units ON units.id = persons.unit_id
    LEFT JOIN person_records record ON record.person_id = asked.person_id AND upper_inf(during) AND upper_inf(recorded)
"""


async def listed_requests(
    conn: Connection, cipher: FieldCipher, who: Who, today: date, *, open_only: bool, before: UUID | None, limit: int
) -> list[ListedRequest]:
    """Those of people in the caller's scope, the latest first."""
    rows = await conn.fetch(
        f"{_LISTED} WHERE {seen(who)} AND (outcome IS NULL OR NOT $2) AND ($3::uuid IS NULL OR asked.id < $3) ORDER BY asked.id DESC LIMIT $4",
        *(scope(who), open_only, before, limit),
    )
    return [_listed(cipher, row, today) for row in rows]


async def one_request(conn: Connection, cipher: FieldCipher, request_id: UUID, who: Who, today: date) -> ListedRequest:
    """One of them. Raises RequestUnknown."""
    row = await conn.fetchrow(f"{_LISTED} WHERE {seen(who)} AND asked.id = $2", scope(who), request_id)
    if row is None:
        raise RequestUnknown
    return _listed(cipher, row, today)


def _listed(cipher: FieldCipher, row: asyncpg.Record, today: date) -> ListedRequest:
    mine = _request(cipher, row, today).model_dump()
    return ListedRequest(**mine, **{name: row[name] for name in ("person_id", "name", "unit_id", "unit")})


def _request(cipher: FieldCipher, row: asyncpg.Record, today: date) -> RequestView:
    overdue = row["outcome"] is None and row["due_on"] < today
    asked, fields = cipher.decrypt(row["asked"], place_of_words(row["id"])), [label_of(name) for name in row["fields"]]
    return RequestView(**{**row, "asked": asked, "fields": fields, "overdue": overdue})


async def person_copy(conn: Connection, cipher: FieldCipher, person_id: UUID, who: Who, today: date) -> PersonCopy:
    """The whole of it. The caller has recorded that it is handed out."""
    labels = await words(conn)
    records = await conn.fetch(
        "SELECT * FROM person_records WHERE person_id = $1 ORDER BY lower(recorded), lower(during) NULLS FIRST", person_id
    )
    changes = await conn.fetch("SELECT * FROM person_changes WHERE person_id = $1 ORDER BY id", person_id)
    pending = await conn.fetch("SELECT * FROM pending_changes WHERE person_id = $1 ORDER BY id", person_id)
    return PersonCopy(
        person_id=person_id,
        records=[_record(cipher, row, labels) for row in records],
        placements=await _placements(conn, person_id, who, labels),
        secondments=await _secondments(conn, person_id, today),
        changes=[_change(cipher, row, labels) for row in changes],
        pending=[_pending(cipher, row, labels) for row in pending],
        differences=await _differences(conn, cipher, person_id, labels),
        reveals=await reveals(conn, person_id, None, None, _MOST),
        requests=await requests_of(conn, cipher, person_id, today),
    )


def _record(cipher: FieldCipher, row: asyncpg.Record, labels: Words) -> CopiedRecord:
    values = {}
    for name in RECORD:
        value = opened(cipher, row["person_id"], name, row[name]) if name in SENSITIVE else row[name]
        if value is not None:
            values[LABELS.get(name, name)] = _in_words(name, value, labels)
    return CopiedRecord(
        since=row["during"].lower,
        until=row["during"].upper,
        recorded_from=row["recorded"].lower,
        recorded_until=row["recorded"].upper,
        document_no=row["document_no"],
        values=values,
    )


async def _placements(conn: Connection, person_id: UUID, who: Who, labels: Words) -> list[CopiedPlacement]:
    held = await history(conn, person_id, who)
    names = await _names(conn, [each.unit_id for each in held])
    return [
        CopiedPlacement(
            **each.model_dump(),
            unit=names.get(each.unit_id, "—"),
            values=_values_of(each, labels),
        )
        for each in held
    ]


def _values_of(post: RecordedPlacement, labels: Words) -> dict[str, str]:
    told = {name: value for name, value in post.model_dump().items() if name in _FIELDS and value is not None}
    return {label_of(name): _in_words(name, value, labels) for name, value in told.items()}


async def _secondments(conn: Connection, person_id: UUID, today: date) -> list[SecondmentView]:
    lent = await secondment_views(conn, person_id, today)
    names = await _names(conn, [each.borrower_id for each in lent])
    return [each.model_copy(update={"borrower": each.borrower or names.get(each.borrower_id)}) for each in lent]


async def _names(conn: Connection, unit_ids: Sequence[UUID | None]) -> dict[UUID | None, str]:
    return {row["id"]: row["name"] for row in await conn.fetch("SELECT id, name FROM units WHERE id = ANY($1)", list(unit_ids))}


async def _differences(conn: Connection, cipher: FieldCipher, person_id: UUID, labels: Words) -> list[CopiedDifference]:
    rows = await conn.fetch("SELECT * FROM comparison_differences WHERE person_id = $1 ORDER BY id", person_id)
    return [
        CopiedDifference(
            label=field_label(row) or SPOKEN[DifferenceKind(row["kind"])],
            **{side: said(row, text, labels) for side, text in zip(("ours", "theirs"), opened_values(cipher, row), strict=True)},
            state=SPOKEN[DifferenceState(row["state"])],
            found_at=row["found_at"],
            moved_at=row["moved_at"],
        )
        for row in rows
    ]


def _in_words(name: str, value: object, labels: Words) -> str:
    field = _FIELDS.get(name)
    return (field and field.said(value, labels)) or str(value)


def _change(cipher: FieldCipher, row: asyncpg.Record, labels: Words) -> CopiedChange:
    name = row["field"]
    values = {
        when: opened(cipher, row["person_id"], name, row[f"sealed_{when}"]) if name in SENSITIVE else row[when]
        for when in ("before", "after")
    }
    spoken = {when: value and _in_words(name, value, labels) for when, value in values.items()}
    return CopiedChange(**{**row, **spoken}, label=label_of(name))


def _pending(cipher: FieldCipher, row: asyncpg.Record, labels: Words) -> PendingCopy:
    secret = {
        name: value and cipher.decrypt(bytes.fromhex(value), place_of(row["person_id"], name)) for name, value in row["sealed"].items()
    }
    told = row["record"] | row["post"] | secret
    values = {label_of(name): None if value is None else _in_words(name, value, labels) for name, value in told.items()}
    return PendingCopy(**{**row, "state": PENDING[row["state"]]}, values=values)
