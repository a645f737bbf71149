"""Lists of people: who is in post with every field of the register, 编外 apart, what posts they held, and who is lent."""

from collections.abc import Mapping
from datetime import date
from typing import Literal
from uuid import UUID

import asyncpg

from services.roster.models.fields import OFF_ESTABLISHMENT, PERSONS, Field
from services.roster.queries.exports.columns import OF_UNITS, column, named, of_all_units, of_units, then, units_ever, units_then
from services.roster.queries.facts import as_person
from services.roster.queries.persons import IN_POST
from services.roster.rules.persons import retirement_category, retirement_fact
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn, coded, flagged, sorts_of, wall_clock
from shared.pages import Parameters, ordered
from shared.sheets.writing import Cell, Form

_KEY = f"(SELECT name_key FROM person_records AS named WHERE named.person_id = person.person_id AND {then('named')})"
_SORTS = {
    name: {column: kind, "person.person_id": "uuid"}
    for name, column, kind in (
        ("name", _KEY, "text"),
        ("birth_on", "person.birth_on", "date"),
        ("started_on", "person.started_on", "date"),
    )
}
"""The orders of the page of a unit's people."""
UNNAMED = "CASE WHEN {} IS NOT NULL THEN '（不公开）' END"
"""In place of a withheld unit's name."""
_CODE, _NAME = Column("unit_code", "单位编码", "units.code"), Column("unit", "单位", "was.name")
_LENT: Mapping[str, str] = {
    "unit": "was.name",
    "seconded_to": "coalesce((SELECT name FROM unit_records WHERE unit_id = borrower.id AND upper_inf(recorded)"
    f" ORDER BY lower(during) DESC NULLS LAST LIMIT 1), lent.borrower, {UNNAMED.format('lent.borrower_id')})",
    "seconded_from_on": "lower(lent.during)",
    "seconded_until": "lent.until",
    "secondment_document_no": "lent.document_no",
}


def persons_source(who: Who, filters: Filters) -> Source:
    """Who is in post on a day, under the unit that keeps the post; 机关事业 and 国资, or one of them."""
    return _in_post(who, filters, "person.population <> 'off_establishment' AND ($6::text IS NULL OR person.population = $6)")


def off_establishment_source(who: Who, filters: Filters) -> Source:
    """编外 of a day."""
    return _in_post(who, filters, "person.population = 'off_establishment' AND ($6::text IS NULL OR $6 = $6)")


def _in_post(who: Who, filters: Filters, population: str) -> Source:
    people = IN_POST.replace("$2", "$3").replace("$1", "$2")
    rows = f"""
        {units_then(who)} JOIN ({people}) AS person ON person.unit_id = units.id AND {population}
        LEFT JOIN secondments AS lent ON lent.person_id = person.person_id AND {then("lent")}
        LEFT JOIN units AS borrower ON borrower.id = lent.borrower_id AND {named(who, "borrower")}
    """
    put = Parameters((*of_units(who, filters), filters.get("population")))
    itself = f" WHERE {put(filters.get('below', True), 'boolean')} OR units.id = $5"
    order = ordered(filters["sort"], _SORTS).by if "sort" in filters else "units.code, person.kind, person.person_id"
    return Source(rows + itself, order, put)


def _columns(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    return (_CODE, *(column(each, _LENT.get(each.name, f"person.{each.name}")) for each in fields))


def _retirement(eye: Eye) -> Turn:
    words = eye.words.get("retirement_categories", {})

    def turn(_: object, row: asyncpg.Record) -> Cell:
        category = retirement_category(as_person(row))
        return words.get(category, category) if category else None

    return turn


def _retirement_month(_: Eye) -> Turn:
    def turn(_: object, row: asyncpg.Record) -> Cell:
        month = retirement_fact(as_person(row)).month
        return date.fromisoformat(f"{month}-01") if month else None

    return turn


_FOLLOWS = (
    Column("judged_retirement_category", "推定退休类别", "NULL", turn=_retirement),
    Column("retirement_month", "法定退休年月", "NULL", Form.MONTH, _retirement_month),
)
ALWAYS = ", ".join(
    f"person.{name}"
    for name in (
        *("person_id", "name", "sex", "birth_on", "certified_birth_on", "identity", "post_category", "title", "professional_title"),
        *("retirement_category", "leadership_level", "retirement_reason"),
    )
)
PERSON_COLUMNS = (*_columns(PERSONS.fields), *_FOLLOWS)


def placements_source(who: Who, filters: Filters) -> Source:
    """Every post that is or was held, as it is known now, under the unit that kept it."""
    rows = f"""
        {units_ever(who)} JOIN placements AS row ON row.unit_id = units.id AND upper_inf(row.recorded)
        JOIN person_records AS person ON person.person_id = row.person_id AND upper_inf(person.during) AND upper_inf(person.recorded)
    """
    return Source(rows, "units.code, lower(row.during), row.placement_id", of_all_units(who, filters))


_PERSON = PERSONS.by_name
_HELD = ("seat_level", "authorisation_no", "authorised_on", "over_quota_cause", "entry_reason", "entry_source", "entry_document_no")
PLACEMENT_COLUMNS = (
    _CODE,
    _NAME,
    column(_PERSON["name"], "person.name"),
    column(_PERSON["id_number"], "person.id_number"),
    column(_PERSON["kind"], "row.kind"),
    column(_PERSON["funding"], "row.funding"),
    column(_PERSON["started_on"], "lower(row.during)"),
    Column("ended_on", "出编时间", "upper(row.during)", Form.DAY),
    Column("exit_reason", "出编原因", "row.exit_reason", turn=coded("exit_reasons")),
    Column("exit_document_no", "出编文号", "CASE WHEN NOT upper_inf(row.during) THEN row.document_no END"),
    *(column(_PERSON[name], f"row.{name}") for name in _HELD),
    Column("transferred", "调动或划转", "row.transfer_id IS NOT NULL", turn=flagged),
    Column("recorded_at", "登记时间", wall_clock("lower(row.recorded)"), Form.INSTANT),
)


def secondments_source(who: Who, filters: Filters) -> Source:
    """Loans as they are known now, under the unit that lends and under the one that borrows."""
    rows = f"""
        {units_ever(who)} JOIN secondments AS lent ON units.id IN (lent.lender_id, lent.borrower_id) AND upper_inf(lent.recorded)
        JOIN person_records AS person ON person.person_id = lent.person_id AND upper_inf(person.during) AND upper_inf(person.recorded)
        LEFT JOIN units AS other ON other.id = CASE WHEN units.id = lent.lender_id THEN lent.borrower_id ELSE lent.lender_id END
            AND {named(who, "other")}
    """
    return Source(rows, "units.code, lower(lent.during), lent.secondment_id", of_all_units(who, filters))


SECONDMENT_COLUMNS = (
    _CODE,
    _NAME,
    Column("side", "借出或借入", "CASE WHEN units.id = lent.lender_id THEN '借出' ELSE '借入' END"),
    Column("other", "对方单位", f"coalesce(other.name, lent.borrower, {UNNAMED.format('lent.lender_id')})"),
    column(_PERSON["name"], "person.name"),
    column(_PERSON["id_number"], "person.id_number"),
    Column("form", "借调形式", "lent.form", turn=coded("duty_statuses")),
    column(_PERSON["seconded_from_on"], "lower(lent.during)"),
    column(_PERSON["seconded_until"], "lent.until"),
    Column("ended_on", "返回日期", "upper(lent.during)", Form.DAY),
    column(_PERSON["secondment_document_no"], "lent.document_no"),
)
_PEOPLE = "persons.read"
_ID = "person.person_id"
_OF_PEOPLE = OF_UNITS | {"below": bool, "sort": sorts_of(_SORTS)}
PERSON_LISTS = (
    ExportList(
        "roster",
        "在编人员名册",
        _PEOPLE,
        [Sheet(PERSONS.title, PERSON_COLUMNS, persons_source, ALWAYS)],
        _OF_PEOPLE | {"population": Literal["public", "state_enterprise"]},
    ),
    ExportList(
        "offestablishment",
        "编外人员名册",
        _PEOPLE,
        [Sheet(OFF_ESTABLISHMENT.title, _columns(OFF_ESTABLISHMENT.fields), off_establishment_source, _ID)],
        _OF_PEOPLE,
    ),
    ExportList("placements", "任职编制履历", _PEOPLE, [Sheet("履历", PLACEMENT_COLUMNS, placements_source, _ID)], {"unit": UUID}),
    ExportList("secondments", "借调人员", _PEOPLE, [Sheet("借调", SECONDMENT_COLUMNS, secondments_source, _ID)], {"unit": UUID}),
)
