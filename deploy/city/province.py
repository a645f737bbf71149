"""A province for measurements: some hundred counties, straight into the roster's tables by COPY. No events, no read models; never in production."""

import asyncio
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from deploy.city.bare_tables import put_back, without_indexes
from deploy.city.catalogue import BW
from deploy.city.city import SEED, City, city_of
from deploy.city.invented import Inventor
from deploy.city.plan import Cell, Cells
from deploy.city.words import CITY, SPOTS
from deploy.databases import logged_in
from deploy.local.place import Place, WrongPlace
from deploy.migrate import OWNER
from services.roster.commands.unit_records import FOUND_BY, found_by
from services.roster.models.facts import place_of
from services.roster.models.fields import OFF_ESTABLISHMENT, PERSONS, QUOTAS, SEATS, UNITS, Field, Kind
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.models.units import UnitRecord
from services.roster.rules.persons import title_level
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher, KeyRing, RingFile
from shared.events.envelope import uuid7
from shared.spelling import spelt_name

UNITS_OF_A_PROVINCE, PERSONS_OF_A_PROVINCE = 60_000, 3_000_000
_A_COUNTY = 620
_PROCESSES = 2
_DOCUMENT_NO = "期初建账-演示省"
_FIELDS = {each.name: each for sheet in (UNITS, QUOTAS, SEATS, OFF_ESTABLISHMENT, PERSONS) for each in sheet.fields}
_TABLES = {
    "units": ("id", "version", "parent_id", "path", "name", "code", "uscc", "category", "valid", "document_no", "withheld"),
    "unit_records": ("during", "recorded", *(each.name for each in fields(UnitRecord))),
    "unit_names": ("unit_id", "role", "name", "position", "during", "recorded", "document_no"),
    "quotas": ("unit_id", "kind", "funding", "posts", "during", "recorded", "change", "document_no", "document_on"),
    "seats": ("unit_id", "level", "approved", "during", "recorded", "document_no"),
    "persons": ("id", "version", "unit_id"),
    "person_indexes": ("key_id", "id_index", "person_id"),
    "unit_search": ("unit_id", *FOUND_BY),
    "person_records": ("person_id", "recorded", "document_no", "name_key", "letters", "initials", *RECORD),
    "placements": (
        *(
            "placement_id",
            "person_id",
            "unit_id",
            "kind",
            "funding",
            "during",
            "recorded",
            "entry_reason",
            "seat_level",
            "authorisation_no",
        ),
        *("authorised_on", "over_quota_cause", "document_no", "internal_unit", "duty_status", "entry_source", "entry_document_no"),
        *("entered_on", "off_post_kind", "employment_form", "dispatch_company", "contract_until"),
    ),
}
Values: TypeAlias = dict[str, Any]
Records: TypeAlias = dict[str, list[tuple[object, ...]]]


@dataclass
class _County:
    """One county on its way into the tables. `codes`: set to label to code. The inventor is that of all counties: no code occurs twice."""

    name: str
    inventor: Inventor
    at: datetime
    codes: Mapping[str, Mapping[str, str]]
    cipher: FieldCipher
    records: Records = field(default_factory=lambda: defaultdict(list))
    paths: dict[str, list[UUID]] = field(default_factory=dict)

    def values(self, cells: Cells) -> Values:
        """A row as the tables hold it: codes, days, flags."""
        return {name: self._value(_FIELDS[name], cell) for name, cell in cells.items() if cell is not None}

    def _value(self, of: Field, cell: Cell) -> object:
        if of.kind is Kind.CODE:
            return self.codes[of.codes or ""][str(cell)]
        if of.kind in {Kind.DAY, Kind.MONTH}:
            return date.fromisoformat(f"{cell}-01"[:10])
        return cell == "是" if of.kind is Kind.FLAG else cell

    def add(self, table: str, values: Values) -> None:
        """One more record; what is not told is none."""
        self.records[table].append(tuple(map(values.get, _TABLES[table])))


async def fill(place: Place, units: int, persons: int, tell: Callable[[int, int], None]) -> None:
    """Fill an empty roster. `tell` hears how many units and people are in after each county. WrongPlace in production, and where units are."""
    place.ensure_invented()
    cipher = FieldCipher(RingFile(place.secrets / "field.keys"))
    await fill_tables(place.database_url(OWNER), cipher, Clock(place.clock_file).now(), units, persons, tell)


async def fill_tables(address: str, cipher: FieldCipher, at: datetime, units: int, persons: int, tell: Callable[[int, int], None]) -> None:
    """The same for a database, as known from an instant on. `address`: that of the tables' owner, who takes the indexes away and puts them back."""
    async with logged_in(address) as conn:
        await put_back(conn)  # where an earlier filling was killed
        if await conn.fetchval("SELECT EXISTS (SELECT FROM roster.units)"):
            raise WrongPlace("系统中已有单位。全省规模的演示数据只装入空系统：先运行 bianban clean，再运行 bianban up --city none。")
        whole = _Province(address, at, units, persons, await _codes(conn), cipher.ring.text())
        async with without_indexes(conn, "roster", _TABLES):
            await _fill_by_parts(whole, tell)


@dataclass(frozen=True)
class _Province:
    """What each process that makes counties is told. `ring`: the keys of the fields, as the secret file has them."""

    address: str
    at: datetime
    units: int
    persons: int
    codes: Mapping[str, Mapping[str, str]]
    ring: str

    @property
    def counties(self) -> int:
        """Of about equal size."""
        return max(1, round(self.units / _A_COUNTY))

    def county(self, number: int, inventor: Inventor) -> _County:
        """One of them, made."""
        units, persons = (total * (number + 1) // self.counties - total * number // self.counties for total in (self.units, self.persons))
        names = [CITY, *(f"{spot}市" for spot in SPOTS), *(f"{spot[::-1]}县" for spot in SPOTS)]
        county = _County(names[number % len(names)], inventor, self.at, self.codes, FieldCipher(KeyRing.read(self.ring)))
        return _county_of(city_of(units, persons, SEED + number, business_day(self.at), inventor), county)


async def _fill_by_parts(whole: _Province, tell: Callable[[int, int], None]) -> None:
    """A process for each part of the counties; an inventor goes through those of its part, so that no number occurs twice."""
    done_units = done_persons = 0

    async def fill_part(part: int) -> None:
        nonlocal done_units, done_persons
        inventor = Inventor(f"province/{part}", part=part, parts=_PROCESSES)
        for number in range(part, whole.counties, _PROCESSES):
            inventor, units, persons = await asyncio.get_running_loop().run_in_executor(pool, _bring_in, whole, number, inventor)
            done_units, done_persons = done_units + units, done_persons + persons
            tell(done_units, done_persons)

    with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        await asyncio.gather(*(fill_part(part) for part in range(_PROCESSES)))


def _bring_in(whole: _Province, number: int, inventor: Inventor) -> tuple[Inventor, int, int]:
    county = whole.county(number, inventor)
    asyncio.run(_copy(whole.address, county.records))
    return inventor, len(county.records["units"]), len(county.records["persons"])


async def _copy(address: str, records: Records) -> None:
    async with logged_in(address) as conn, conn.transaction():
        for table, columns in _TABLES.items():
            await conn.copy_records_to_table(table, schema_name="roster", columns=columns, records=records[table])


async def _codes(conn: asyncpg.Connection) -> dict[str, dict[str, str]]:
    """Label to code, by the name that a field gives the set."""
    tables = {"categories": "unit_categories", "kinds": "establishment_kinds", "fundings": "fundings", "entry_reasons": "entry_reasons"}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in await conn.fetch("SELECT set, label, code FROM roster.codes"):
        found[row["set"]][row["label"]] = row["code"]
    for name, table in tables.items():
        found[name] = {row["label"]: row["code"] for row in await conn.fetch(f"SELECT label, code FROM roster.{table}")}
    return found


def _county_of(city: City, county: _County) -> _County:
    ranges = {"recorded": asyncpg.Range(county.at, None)}
    for cells in city.rows["units"]:
        _add_unit(county, cells, county.inventor.uscc(str(cells["uscc"])[:2]), ranges)
    for cells in city.rows["quotas"]:
        values = county.values(cells)
        during = asyncpg.Range(values["document_on"], None)
        county.add("quotas", values | ranges | {"unit_id": county.paths[values["unit"]][-1], "during": during, "change": "set"})
    for cells in city.rows["seats"]:
        values = county.values(cells)
        during = asyncpg.Range(values["document_on"], None)
        county.add("seats", values | ranges | {"unit_id": county.paths[values["unit"]][-1], "during": during})
    bw = {str(cells["unit"]): str(cells["funding"]) for cells in city.rows["quotas"] if cells["kind"] == BW}
    seen: set[Cell | None] = set()
    for cells in (*city.rows["roster"], *city.rows["offestablishment"]):
        if cells["id_number"] not in seen:
            seen.add(cells["id_number"])
            _add_person(county, cells, bw, ranges)
    return county


def _add_unit(county: _County, cells: Cells, code: str, ranges: Values) -> None:
    values = county.values(cells)
    path = [*county.paths.get(values.get("parent", ""), ()), uuid7()]
    county.paths[values["name"]] = path
    name = str(values["name"])
    mine = {
        "id": path[-1],
        "unit_id": path[-1],
        "parent_id": path[-2] if len(path) > 1 else None,
        "path": path,
        "version": 1,
        "name": name.replace(CITY, county.name) if CITY in name else county.name + name,
        "code": code,
        "uscc": code,
        "valid": asyncpg.Range(values["established_on"], None),
        "during": asyncpg.Range(values["established_on"], None),
    }
    for table in ("units", "unit_records"):
        county.add(table, values | ranges | mine)
    other = (name for role in ("second_names", "plates") for name in str(values.get(role, "")).split("、"))
    sought = found_by(str(mine["name"]), (code, str(mine["name"]), values.get("short_name"), *other))
    county.add("unit_search", mine | dict(zip(FOUND_BY, sought, strict=True)))
    for role in ("second_names", "plates", "internal_units"):
        for position, written in enumerate(str(values.get(role, "")).split("、")):
            if written:
                county.add("unit_names", values | ranges | mine | {"role": role, "position": position, "name": written})


def _add_person(county: _County, cells: Cells, bw: Mapping[str, str], ranges: Values) -> None:
    off: Cells = {} if "kind" in cells else {"kind": BW, "funding": bw[str(cells["unit"])], "entry_reason": "公开招聘"}
    values = county.values(cells | off)
    values["professional_title_level"] = title_level(str(values.get("professional_title", "")))
    person_id, unit_id = uuid7(), county.paths[values["unit"]][-1]
    sealed = {
        name: county.cipher.encrypt(str(values[name]), place_of(person_id, name)) for name in SENSITIVE if values.get(name) is not None
    }
    mine = {
        "id": person_id,
        "person_id": person_id,
        "placement_id": uuid7(),
        "unit_id": unit_id,
        "version": 1,
        "during": asyncpg.Range(values["started_on"], None),
        "document_no": _DOCUMENT_NO,
    }
    county.add("persons", mine)
    for key_id, index in county.cipher.indexes(str(values["id_number"])).items():
        county.add("person_indexes", mine | {"key_id": key_id, "id_index": index})
    sounds = spelt_name(str(values["name"]))
    spelling = {"name_key": sounds.key, "letters": sounds.letters, "initials": sounds.initials}
    county.add("person_records", values | ranges | mine | sealed | spelling)
    county.add("placements", {"entry_reason": "first_load", "duty_status": "on_duty"} | values | ranges | mine)
