"""What the roster knows of the units and persons that a file speaks of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.models.facts import place_of
from services.roster.models.fields import SHEETS, UNITS
from services.roster.models.imports import Held, Job, KnownLoan, KnownPerson, KnownUnit, MappingFile, Standing
from services.roster.models.persons import SENSITIVE, TOLD
from services.roster.models.requests import KeptByUnit
from services.roster.queries.codes import Code, Codes
from services.roster.queries.facts import contract_of
from services.roster.queries.indexes import ASKED, asked_of
from services.roster.queries.seats import LAST, SEAT_NOW, seat_of
from services.roster.rules.imports.book import Words
from services.roster.rules.imports.cells import Choices
from shared.crypto import FieldCipher
from shared.db import Connection

_UNIT = [field.name for field in UNITS.fields if field.name not in {"second_names", "plates", "internal_units", "parent"}]
_POST = (
    *("entry_reason", "entry_source", "entered_on", "entry_document_no", "authorisation_no", "authorised_on"),
    *("over_quota_cause", "off_post_kind"),
)
_UNTOLD = {"entry_reason": {"first_load", "over_quota"}}
"""What the roster wrote because nobody told it."""


def choices_of(codes: Codes) -> dict[str, Choices]:
    """Every code set as cells are read by it."""
    own = {name: codes.of(name) for name in ("categories", "kinds", "fundings", "entry_reasons", "exit_reasons")}
    return {name: Choices.of([_words(code) for code in rows]) for name, rows in {**codes.sets, **own}.items()}


def readable(codes: Codes) -> dict[str, Choices]:
    """The same with the office's own codes that have ended: a file may say what the roster holds."""
    choices = choices_of(codes)
    for own in codes.ended:
        in_force = choices[own.set]
        choices[own.set] = replace(in_force, codes={**Choices.of([(own.code, own.label, own.aliases)]).codes, **in_force.codes})
    return choices


def _words(code: Code) -> tuple[str, str, list[str]]:
    """Code, label, and what else files write: older words, and the national standard's code."""
    return code.code, code.label, [*code.aliases, *filter(None, [code.standard])]


def words_of(codes: Codes) -> Words:
    """The labels that sentences need."""
    kinds, fundings, levels, categories = (
        {code.code: code.label for code in codes.of(name)} for name in ("kinds", "fundings", "leadership_levels", "categories")
    )
    fields = {field.name: field.codes for sheet in SHEETS.values() for field in sheet.fields if field.codes}
    ended = {name: frozenset(each.code for each in codes.ended if each.set == of_set) for name, of_set in fields.items()}
    return Words(kinds, fundings, levels, categories, codes.allowed_kinds, {name: each for name, each in ended.items() if each})


async def known_units(conn: Connection, scope: Collection[UUID] | None) -> dict[str, KnownUnit]:
    """All units that are not closed, by code, with what is approved for them."""
    quotas, seats, names, former = await _quotas(conn), await _seats(conn), await _names(conn), await _former_names(conn)
    rows = await conn.fetch(
        "SELECT units.id, units.code, record.*, parent.code AS parent_code, ($1::uuid[] IS NULL OR units.path && $1) AS visible"
        " FROM units JOIN unit_records record ON record.unit_id = units.id AND upper_inf(record.during) AND upper_inf(record.recorded)"
        " LEFT JOIN units parent ON parent.id = record.parent_id WHERE upper_inf(units.valid)",
        None if scope is None else list(scope),
    )
    return {
        row["code"]: KnownUnit(
            unit_id=row["unit_id"],
            code=row["code"],
            name=row["name"],
            uscc=row["uscc"],
            category=row["category"],
            parent=row["parent_code"],
            visible=row["visible"],
            today=_json({name: row[name] for name in _UNIT}) | names.get(row["unit_id"], {}),
            quotas=quotas.get(row["unit_id"], {}),
            seats=seats.get(row["unit_id"], {}),
            former=former.get(row["unit_id"], {}),
        )
        for row in rows
    }


async def _quotas(conn: Connection) -> dict[UUID, dict[tuple[str, str], Standing]]:
    rows = await conn.fetch(
        "SELECT unit_id, kind, funding, posts, document_no, lower(during) AS since, use_until FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)"
    )
    found: dict[UUID, dict[tuple[str, str], Standing]] = {}
    for row in rows:
        found.setdefault(row["unit_id"], {})[row["kind"], row["funding"]] = Standing(
            row["posts"], row["document_no"], row["since"], row["use_until"]
        )
    return found


async def _seats(conn: Connection) -> dict[UUID, dict[str, Standing]]:
    rows = await conn.fetch(
        "SELECT unit_id, level, approved, document_no, lower(during) AS since FROM seats WHERE upper_inf(during) AND upper_inf(recorded)"
    )
    found: dict[UUID, dict[str, Standing]] = {}
    for row in rows:
        found.setdefault(row["unit_id"], {})[row["level"]] = Standing(row["approved"], row["document_no"], row["since"])
    return found


async def _names(conn: Connection) -> dict[UUID, dict[str, list[str]]]:
    rows = await conn.fetch(
        "SELECT unit_id, role, array_agg(name ORDER BY position) AS names FROM unit_names WHERE upper_inf(during) AND upper_inf(recorded)"
        " GROUP BY unit_id, role"
    )
    found: dict[UUID, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(row["unit_id"], {})[row["role"]] = row["names"]
    return found


async def _former_names(conn: Connection) -> dict[UUID, dict[str, bool]]:
    found: dict[UUID, dict[str, bool]] = {}
    for row in await conn.fetch(_FORMER):
        found.setdefault(row["unit_id"], {})[row["name"]] = row["own"]
    return found


_FORMER = """
    WITH RECURSIVE led (from_id, to_id, open) AS (
        SELECT id, id, upper_inf(valid) FROM units
        UNION SELECT led.from_id, next.id, upper_inf(next.valid)
            FROM led JOIN unit_successors AS link ON link.unit_id = led.to_id AND NOT led.open JOIN units AS next ON next.id = link.successor_id
    ), ended AS (
        SELECT * FROM led WHERE open OR NOT EXISTS (SELECT FROM unit_successors AS link WHERE link.unit_id = led.to_id)
    ), called AS (
        SELECT unit_id, unnest(ARRAY[name, short_name]) AS name FROM unit_records WHERE upper_inf(recorded) AND NOT upper_inf(during)
    )
    SELECT (array_agg(to_id))[1] AS unit_id, name, bool_or(from_id = to_id) AS own FROM called JOIN ended ON from_id = called.unit_id
    WHERE name IS NOT NULL GROUP BY name HAVING count(DISTINCT to_id) = 1 AND bool_and(open)
"""
"""A closed unit leads to those that succeeded it; a name that leads to several units, or to one that was closed for good, leads to none."""


async def known_persons(conn: Connection, cipher: FieldCipher, numbers: Sequence[Mapping[int, bytes]]) -> dict[int, KnownPerson]:
    """By place in the sequence of numbers (blind indexes by key): who is known, where he stands or stood last, and what is recorded of him."""
    rows = await conn.fetch(
        f"SELECT asked.place, asked.person_id, {', '.join(f'record.{name}' for name in TOLD)},"
        f" {', '.join(f'post.{name}' for name in _POST)}, {seat_of('post', LAST)} AS seat_level, post.kind, post.funding, units.code AS unit_code, lower(post.during) AS started_on,"
        " upper(post.during) AS ended_on, CASE WHEN moved.placement_id IS NULL THEN post.internal_unit ELSE moved.internal_unit END AS internal_unit,"
        f" CASE WHEN moved.placement_id IS NULL THEN post.duty_status ELSE moved.duty_status END AS duty_status, {contract_of('moved', 'post')}"
        f" FROM ({ASKED}) AS asked JOIN person_records record ON record.person_id = asked.person_id AND upper_inf(record.during)"
        "  AND upper_inf(record.recorded)"
        " LEFT JOIN LATERAL (SELECT * FROM placements WHERE placements.person_id = asked.person_id AND upper_inf(recorded)"
        "  ORDER BY upper(during) DESC NULLS FIRST LIMIT 1) post ON true LEFT JOIN units ON units.id = post.unit_id"
        " LEFT JOIN LATERAL (SELECT * FROM post_changes WHERE post_changes.placement_id = post.placement_id"
        "  AND upper_inf(recorded) ORDER BY since DESC LIMIT 1) moved ON true",
        *asked_of(numbers),
    )
    return {row["place"]: _person(cipher, row) for row in rows}


def _person(cipher: FieldCipher, row: asyncpg.Record) -> KnownPerson:
    plain = {name: row[name] for name in (*TOLD, *_POST, "seat_level", *KeptByUnit.model_fields, "duty_status") if name not in SENSITIVE}
    for name in SENSITIVE.intersection(TOLD) - {"id_number"}:
        plain[name] = None if row[name] is None else cipher.decrypt(row[name], place_of(row["person_id"], name))
    for name, values in _UNTOLD.items():
        if plain[name] in values:
            del plain[name]
    return KnownPerson(
        person_id=row["person_id"],
        unit_code=row["unit_code"],
        kind=row["kind"],
        funding=row["funding"],
        started_on=_iso(row["started_on"]),
        ended_on=_iso(row["ended_on"]),
        today=_json(plain),
    )


async def times_told(conn: Connection, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """How often something was recorded of these people and of what their units keep of them: nothing of it is ever taken away."""
    rows = await conn.fetch(
        "SELECT id, (SELECT count(*) FROM person_records WHERE person_id = persons.id) + (SELECT count(*) FROM post_changes WHERE placement_id IN"
        " (SELECT placement_id FROM placements WHERE person_id = persons.id)) AS times FROM persons WHERE id = ANY($1)",
        list(person_ids),
    )
    return {row["id"]: row["times"] for row in rows}


async def known_loans(conn: Connection, person_ids: Collection[UUID]) -> dict[UUID, KnownLoan]:
    """The loans of these people that last."""
    rows = await conn.fetch(
        "SELECT person_id, lower(loan.during) AS started_on, until, ARRAY[borrower, units.name, units.code, units.uscc, record.short_name] AS called"
        " FROM secondments AS loan LEFT JOIN units ON units.id = borrower_id LEFT JOIN unit_records AS record ON record.unit_id = borrower_id"
        "  AND upper_inf(record.during) AND upper_inf(record.recorded)"
        " WHERE person_id = ANY($1) AND upper_inf(loan.during) AND upper_inf(loan.recorded)",
        list(person_ids),
    )
    return {
        row["person_id"]: KnownLoan(frozenset(filter(None, row["called"])), row["started_on"].isoformat(), row["until"].isoformat())
        for row in rows
    }


async def posts_held(conn: Connection, person_ids: Collection[UUID]) -> dict[UUID, frozenset[Held]]:
    """Every post that these people hold or held, as known now."""
    rows = await conn.fetch(
        "SELECT person_id, units.code, kind, funding, lower(during) AS started_on, upper(during) AS ended_on FROM placements"
        " JOIN units ON units.id = unit_id WHERE person_id = ANY($1) AND upper_inf(recorded)",
        list(person_ids),
    )
    found: dict[UUID, set[Held]] = {}
    for row in rows:
        held = Held(row["code"], row["kind"], row["funding"], row["started_on"].isoformat(), _iso(row["ended_on"]))
        found.setdefault(row["person_id"], set()).add(held)
    return {person_id: frozenset(held) for person_id, held in found.items()}


async def people_in_post(conn: Connection, unit_ids: Collection[UUID]) -> list[asyncpg.Record]:
    """How many stand on each (unit, kind, funding, seat level) today, by unit code."""
    return await conn.fetch(
        "SELECT code, kind, funding, seat_level, count(*) AS people FROM ("
        f"SELECT units.code, kind, funding, {SEAT_NOW} AS seat_level FROM placements JOIN units ON units.id = unit_id"
        " WHERE unit_id = ANY($1) AND upper_inf(during) AND upper_inf(recorded)) AS held GROUP BY code, kind, funding, seat_level",
        list(unit_ids),
    )


def as_job(row: asyncpg.Record | Mapping[str, Any]) -> Job:
    """A row of `imports`."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        file_name=row["file_name"],
        plain=row["plain"],
        mapping=None if row["mapping"] is None else MappingFile.model_validate(row["mapping"]),
        political_legal=row["political_legal"],
        actor=row["actor"],
        scope=None if row["scope"] is None else tuple(row["scope"]),
        attempt=row["attempt"],
        accept_valid=row["accept_valid"],
        document_no=row["document_no"],
        file_hash=row["file_hash"],
        checked_at=row["checked_at"],
    )


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _iso(value) if isinstance(value, date) else value for name, value in values.items()}


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
