"""Differences from the upper level's register as a list: to hand up (`leads=ours`), to take over (`theirs`), to decide (`ask`)."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.roster.models.facts import place_of
from services.roster.models.fields import SHEETS
from services.roster.queries.difference_values import NARROWED, label_of, may_see, number_of, opened_values, said, shown
from shared.auth import Who
from shared.crypto import FieldCipher, masked_id_number
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn, acted, labelled, wall_clock
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide
from shared.sheets.writing import Form
from shared.unit_copies import scope


def _source(who: Who, filters: Filters) -> Source:
    """Those that are not struck off or explained, unless a state or all are asked for."""
    rows = f"""
        FROM comparison_differences AS cases LEFT JOIN units ON units.id = cases.unit_id
        LEFT JOIN person_records AS person ON person.person_id = cases.person_id AND upper_inf(person.during) AND upper_inf(person.recorded)
        LEFT JOIN LATERAL (SELECT reason, actor, document_no FROM comparison_steps WHERE difference_id = cases.id AND action <> 'reveal'
            ORDER BY id DESC LIMIT 1) AS last ON true
        WHERE {may_see(who)} AND ($2::uuid IS NULL OR cases.id > $2) AND {NARROWED}
    """
    state = filters.get("state")
    asked = (
        filters.get("run"),
        state,
        filters.get("open_only", state is None),
        *(filters.get(name) for name in ("kind", "leads", "sheet", "field", "unit")),
    )
    return Source(rows, "units.code NULLS LAST, cases.sheet, cases.id", (scope(who), None, *asked, None))


def _value(name: str) -> Callable[[Eye], Turn]:
    """In words; a sensitive one in full only where that was granted."""
    place = ("ours", "theirs").index(name)

    def turn(eye: Eye) -> Turn:
        cipher = _cipher(eye)
        if not eye.unmasked:
            return lambda _, row: shown(cipher, row, eye.words)[name]
        return lambda _, row: said(row, opened_values(cipher, row)[place], eye.words)

    return turn


def _number(eye: Eye) -> Turn:
    """Of the person here, or of somebody unknown here."""
    cipher = _cipher(eye)

    def turn(number: bytes | None, row: asyncpg.Record) -> str | None:
        text = number_of(cipher, row) if number is None else cipher.decrypt(number, place_of(row["person_id"]))
        return text if text is None or eye.unmasked else masked_id_number(text)

    return turn


def _cipher(eye: Eye) -> FieldCipher:
    if eye.cipher is None:
        raise RuntimeError("the roster's worker has no key of the fields")
    return eye.cipher


_COLUMNS = (
    Column("unit_code", "单位编码", "units.code"),
    Column("unit", "单位", "units.name"),
    Column("sheet_title", "表", "cases.sheet", turn=lambda _: lambda value, __: SHEETS[value].title),
    Column("name", "对象", "cases.name"),
    Column("number", "公民身份号码", "person.id_number", turn=_number, sensitive=True),
    Column("kind_label", "差异", "cases.kind", turn=labelled),
    Column("field_label", "项目", "NULL", turn=lambda _: lambda __, row: label_of(row) or None),
    Column("our_value", "本系统", "NULL", turn=_value("ours"), sensitive=True),
    Column("their_value", "上级系统", "NULL", turn=_value("theirs"), sensitive=True),
    Column("side", "以谁为准", "coalesce(cases.decided, cases.leads)", turn=labelled),
    Column("state_label", "状态", "cases.state", turn=labelled),
    Column("found", "发现时间", wall_clock("cases.found_at"), Form.INSTANT),
    Column("reason", "最近处理", "last.reason"),
    Column("actor", "经办", "last.actor", turn=acted),
    Column("document_no", "文号", "last.document_no"),
    Column("difference", "差异编号", "cases.id::text"),
)
_ALWAYS = ", ".join(
    f"cases.{name}" for name in ("id", "sheet", "field", "person_id", "ours", "theirs", "ours_sealed", "theirs_sealed", "number_sealed")
)
DIFFERENCE_LISTS = (
    ExportList(
        "differences",
        "与上级实名制系统的差异",
        "persons.read",
        [Sheet("差异", _COLUMNS, _source, _ALWAYS)],
        {
            "unit": UUID,
            "run": UUID,
            "open_only": bool,
            "state": DifferenceState,
            "kind": DifferenceKind,
            "leads": LeadingSide,
            "sheet": str,
            "field": str,
        },
    ),
)
