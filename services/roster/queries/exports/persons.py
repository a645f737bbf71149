"""Lists of people: who is in post with every field of the register, 编外 apart; all there are, with a post or without one; what posts they held; who is
lent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal
from uuid import UUID

import asyncpg

from services.roster.models.fields import FROM_INSURANCE, OFF_ESTABLISHMENT, PERSONS, Field
from services.roster.models.people import OnRoster, PersonFilter, Population
from services.roster.queries.exports.columns import OF_UNITS, column, moment_of, named, of_all_units, of_units, then, units_ever, units_then
from services.roster.queries.facts import as_person
from services.roster.queries.person_lists import OF_POST, OF_RECORD, PersonPages
from services.roster.queries.person_lists import SORTS as PAGE_SORTS
from services.roster.queries.persons import IN_POST, persons_then
from services.roster.queries.seats import LAST, seat_of
from services.roster.rules.persons import retirement_category, retirement_fact
from shared.auth import Who
from shared.exports.filters import FILTERS, VALUES
from shared.exports.lists import (
    Column,
    ExportList,
    Eye,
    Filters,
    Several,
    Sheet,
    Sought,
    Source,
    Turn,
    as_page,
    coded,
    flagged,
    joined,
    sorts_of,
    wall_clock,
)
from shared.pages import Parameters, ordered
from shared.sheets.writing import Cell, Form
from shared.unit_copies import scope, visible

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
_CODES = (*OF_RECORD, *OF_POST, "duty_status")
UNNAMED = "CASE WHEN {} IS NOT NULL THEN '（不公开）' END"
"""In place of a withheld unit's name."""
_CODE, _NAME = Column("unit_code", "单位编码", "units.code"), Column("unit", "单位", "was.name")
_LENT: Mapping[str, str] = {
    "unit": "was.name",
    "seconded_to": "coalesce((SELECT name FROM unit_records AS called WHERE unit_id = borrower.id"
    f" ORDER BY {then('called')} DESC, upper_inf(recorded) DESC, lower(during) DESC NULLS LAST LIMIT 1),"
    f" lent.borrower, {UNNAMED.format('lent.borrower_id')})",
    "seconded_from_on": "lower(lent.during)",
    "seconded_until": "lent.until",
    "secondment_document_no": "lent.document_no",
    "exit_document_no": "CASE WHEN person.ended_on IS NOT NULL THEN person.document_no END",
}


def persons_source(who: Who, filters: Filters) -> Source:
    """Who is in post on a day, under the unit that keeps the post; 机关事业 and 国资, or one of them."""
    return _in_post(who, filters, "person.population <> 'off_establishment' AND ($6::text IS NULL OR person.population = $6)")


def off_establishment_source(who: Who, filters: Filters) -> Source:
    """编外 of a day."""
    return _in_post(who, filters, "person.population = 'off_establishment' AND ($6::text IS NULL OR $6 = $6)")


def _in_post(who: Who, filters: Filters, population: str) -> Source:
    people = IN_POST.replace("$2", "$3").replace("$1", "$2")
    rows = f"{units_then(who)} JOIN ({people}) AS person ON person.unit_id = units.id AND {population} {_lent(who)}"
    put = Parameters((*of_units(who, filters), filters.get("population")))
    itself = f" WHERE ({put(filters.get('below', True), 'boolean')} OR units.id = $5)"
    order = ordered(filters["sort"], _SORTS).by if "sort" in filters else "units.code, person.kind, person.person_id"
    return Source(" AND ".join([rows + itself, *_narrowed(filters, put)]), order, put)


def _lent(who: Who) -> str:
    return f"""
        LEFT JOIN secondments AS lent ON lent.person_id = person.person_id AND {then("lent")}
        LEFT JOIN units AS borrower ON borrower.id = lent.borrower_id AND {named(who, "borrower")}
    """


def everybody_source(who: Who, filters: Filters) -> Source:
    """Whom `GET /persons` finds, on all its pages: under the unit that keeps the post, or without a post under the unit he belongs to now. Where
    nothing is said of `on_roster`, both.
    """
    moment, put = moment_of(filters), Parameters()
    put += [scope(who), moment.on, moment.known]
    wanted = as_page(PersonFilter, {"on_roster": "all", **filters})
    pages = PersonPages(who, wanted, moment, ordered("name", PAGE_SORTS), ())  # the file has an order of its own
    rows = f"""
        FROM ({persons_then(then, "coalesce($2::date, 'infinity')", "{0}.recorded @> coalesce($3::timestamptz, 'infinity')")}) AS person
        JOIN persons AS home ON home.id = person.person_id
        LEFT JOIN units ON units.id = coalesce(person.unit_id, home.unit_id) AND {visible(who, row="units", table="units")}
        LEFT JOIN unit_records AS was ON was.unit_id = units.id AND {then("was")} {_lent(who)}
        WHERE person.person_id IN ({pages.everybody(put)})
    """
    return _found(Source(rows, "units.code, person.kind, person.person_id", put), filters, put)


def _found(source: Source, filters: Filters, put: Parameters) -> Source:
    """`persons`: whom a page found by a name or a number, which no file is asked for by, in their order there."""
    order = ordered(filters["sort"], _SORTS).by if "sort" in filters else source.order
    if "persons" not in filters:
        return replace(source, order=order)
    found = put(list(filters["persons"]), "uuid[]")
    order = order if "sort" in filters else f"array_position({found}, person.person_id)"
    return replace(source, rows=f"{source.rows} AND person.person_id = ANY({found})", order=order)


def _narrowed(filters: Filters, put: Parameters) -> Iterator[str]:
    """As the page of people is narrowed; `lent` is the loan of the day."""
    yield from (f"person.{name} = {put(filters[name], 'text')}" for name in _CODES if name in filters)
    if "title" in filters:
        yield f"person.title ^@ {put(filters['title'], 'text')}"
    if "lent" in filters:
        yield f"(lent.person_id IS NOT NULL) = {put(filters['lent'], 'boolean')}"


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


_INSURED = tuple(column(each, f"person.{each.name}") for each in FROM_INSURANCE)
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
PERSON_COLUMNS = (*_columns(PERSONS.fields), *_INSURED, *_FOLLOWS)
EVERYBODY_COLUMNS = (
    *PERSON_COLUMNS[:2],
    Column("on_roster", "是否在册", "person.placement_id IS NOT NULL", turn=flagged),
    Column(
        "population", FILTERS["population"], "person.population", turn=lambda _: lambda value, __: VALUES["population"].get(value, value)
    ),
    *PERSON_COLUMNS[2:],
    *(column(each, f"person.{each.name}") for each in OFF_ESTABLISHMENT.fields if each.name not in PERSONS.by_name),
)


def placements_source(who: Who, filters: Filters) -> Source:
    """Every post that is or was held, as it is known now, under the unit that kept it."""
    rows = f"""
        {units_ever(who)} JOIN placements AS row ON row.unit_id = units.id AND upper_inf(row.recorded)
        JOIN person_records AS person ON person.person_id = row.person_id AND upper_inf(person.during) AND upper_inf(person.recorded)
    """
    return Source(rows, "units.code, lower(row.during), row.placement_id", of_all_units(who, filters))


_PERSON = PERSONS.by_name
_HELD = ("authorisation_no", "authorised_on", "over_quota_cause", "entry_reason", "entry_source", "entered_on")
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
    column(_PERSON["seat_level"], seat_of("row", LAST)),
    *(column(_PERSON[name], f"row.{name}") for name in (*_HELD, "entry_document_no")),
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


_LOAN_DOCUMENTS = """(
    SELECT array_agg(document_no ORDER BY at) FROM (
        SELECT document_no, min(lower(recorded)) AS at FROM secondments AS version
        WHERE version.secondment_id = lent.secondment_id AND document_no IS NOT NULL GROUP BY document_no
    ) AS told
)"""
"""All that a loan rests on, in the order in which they were recorded."""
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
    Column("secondment_document_no", _PERSON["secondment_document_no"].label, _LOAN_DOCUMENTS, turn=joined),
)
_PEOPLE = "persons.read"
_ID = "person.person_id"
_OF_PEOPLE = OF_UNITS | {"below": bool, "sort": sorts_of(_SORTS)} | dict.fromkeys(_CODES, str) | {"title": Sought, "lent": bool}
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
        [Sheet(OFF_ESTABLISHMENT.title, (*_columns(OFF_ESTABLISHMENT.fields), *_INSURED), off_establishment_source, _ID)],
        _OF_PEOPLE,
    ),
    ExportList(
        "persons",
        "人员（含不在册）",
        _PEOPLE,
        [Sheet(PERSONS.title, EVERYBODY_COLUMNS, everybody_source, ALWAYS)],
        _OF_PEOPLE | {"population": Population, "on_roster": OnRoster, "persons": Several},
    ),
    ExportList("placements", "任职编制履历", _PEOPLE, [Sheet("履历", PLACEMENT_COLUMNS, placements_source, _ID)], {"unit": UUID}),
    ExportList("secondments", "借调人员", _PEOPLE, [Sheet("借调", SECONDMENT_COLUMNS, secondments_source, _ID)], {"unit": UUID}),
)
