"""Builders for roster tests: everything is made through the commands; all people and units are invented."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from services.roster.commands.claims import claim_post
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit
from services.roster.commands.persons import register_person
from services.roster.commands.placements import place_person, record_over_quota_fact, release_person
from services.roster.commands.quotas import set_quota
from services.roster.commands.units import register_unit
from services.roster.models.people import PersonFilter
from services.roster.models.persons import RegisterPerson
from services.roster.models.requests import (
    FreezeUnit,
    PlacePerson,
    RecordOverQuota,
    RegisterUnit,
    ReleasePerson,
    SetQuota,
    TakeEffect,
)
from services.roster.queries.establishments import Moment, establishment, establishments
from services.roster.queries.person_lists import FIELDS, PersonPages
from services.roster.queries.person_lists import SORTS as PERSON_SORTS
from services.roster.queries.persons import CHANGE_SORTS, ChangeView, changes_page
from services.roster.queries.unit_lists import SORTS as UNIT_SORTS
from services.roster.queries.unit_lists import UnitFilter, UnitPages
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher, FieldKey, KeyRing, Suite
from shared.db import By, Connection, Database
from shared.events import CATALOGUE
from shared.events.envelope import Event
from shared.events.roster import EstablishmentState
from shared.glossary import ApplicationType, FreezeScope, OverQuotaCause, PersonIdentity, PostCategory
from shared.law.citizen_id import check_digit
from shared.law.retirement import Sex
from shared.pages import Cursors, Paging, ordered, question
from workflows.roster import Evidence, GiveBack, PostRequest

NOW = datetime(2026, 9, 18, 2, tzinfo=UTC)
TODAY = business_day(NOW)
CIPHER = FieldCipher(KeyRing((FieldKey(1, Suite.AES, b"k" * 32, b"i" * 32),)))
OFFICE = Who("officer", frozenset())
DOCUMENT = "海测编〔2026〕1号"
BORN = date(1986, 3, 5)
_numbers = count(1)


@dataclass(frozen=True)
class Row:
    """One (unit, kind, funding)."""

    unit_id: UUID
    kind: str = "SY"
    funding: str = "full"

    @property
    def key(self) -> dict[str, object]:
        return {"unit_id": self.unit_id, "kind": self.kind, "funding": self.funding}


def by(document_no: str | None = DOCUMENT, *, at: datetime = NOW, key: str | None = None) -> By:
    """A mandate; each has a key of its own."""
    return By(actor="tester", as_of=at, key=key or f"test:{uuid4()}", reason="测试", document_no=document_no)


def by_saying(reason: str) -> By:
    """A mandate with a reason of its own."""
    return replace(by(), reason=reason)


def id_number(number: int, born: date = BORN, sex: Sex = Sex.FEMALE) -> str:
    """A synthetic ID number of the area that was never assigned."""
    first = f"330499{born:%Y%m%d}{number // 2 % 50:02d}{number % 5 * 2 + (sex is Sex.MALE)}"
    return first + check_digit(first)


def guessed(mask: str, born: date = BORN) -> str:
    """A masked number as who reads the day of birth beside it would complete it."""
    return f"{mask[:6]}{born:%Y%m%d}{mask[14:]}"


async def unit(database: Database, parent: UUID | None = None, category: str = "SY-1") -> UUID:
    number = next(_numbers)
    what = RegisterUnit(name=f"测试单位{number}", code=f"T{number:05d}", category=category, parent_id=parent, valid_from=date(2020, 1, 1))
    return await register_unit(database, by(), what)


async def row(database: Database, posts: int, parent: UUID | None = None, kind: str = "SY", category: str = "SY-1") -> Row:
    """A unit with a quota on one row."""
    made = Row(await unit(database, parent, category), kind)
    await quota(database, made, posts)
    return made


async def quota(database: Database, row: Row, posts: int, effective_on: date = date(2020, 1, 1)) -> None:
    await set_quota(database, by(), SetQuota(**row.key, posts=posts, effective_on=effective_on, document_on=effective_on))


def name_of(number: int) -> str:
    """A name of somebody invented, without digits."""
    return "测试人员" + str(number).translate(str.maketrans("0123456789", "〇一二三四五六七八九"))


async def person(database: Database, unit_id: UUID, born: date | None = None, sex: Sex = Sex.FEMALE) -> UUID:
    number = next(_numbers)
    birth = born or date(1975 + number // 250 % 25, number // 25 % 12 + 1, number % 25 + 1)
    what = RegisterPerson(
        unit_id=unit_id,
        name=name_of(number),
        id_number=id_number(number, birth, sex),
        sex=sex,
        birth_on=birth,
        identity=PersonIdentity.PROFESSIONAL,
        post_category=PostCategory.TECHNICAL,
    )
    return await register_person(database, CIPHER, by(), what)


def placement(row: Row, person_id: UUID, started_on: date = TODAY) -> PlacePerson:
    return PlacePerson(
        **row.key,
        person_id=person_id,
        started_on=started_on,
        entry_reason="open_recruitment",
        authorisation_no="用编〔2026〕1号",
        authorised_on=min(started_on, date(2026, 9, 1)),
    )


async def in_post(database: Database, row: Row, started_on: date = date(2026, 9, 2)) -> tuple[UUID, UUID]:
    """A new person on a free post: person id, placement id."""
    person_id = await person(database, row.unit_id)
    return person_id, await place_person(database, by(), placement(row, person_id, started_on))


async def release(database: Database, placement_id: UUID, ended_on: date = TODAY) -> None:
    await release_person(database, by(), ReleasePerson(placement_id=placement_id, ended_on=ended_on, exit_reason="resignation"))


async def over_quota(database: Database, row: Row, cause: OverQuotaCause = OverQuotaCause.VIOLATION) -> tuple[UUID, UUID]:
    person_id = await person(database, row.unit_id)
    what = RecordOverQuota(**row.key, person_id=person_id, started_on=date(2026, 9, 2), cause=cause)
    return person_id, await record_over_quota_fact(database, by(), what)


async def state(database: Database, row: Row) -> EstablishmentState:
    async with database.reading() as conn:
        return await establishment(conn, row.unit_id, row.kind, row.funding)


async def headcount(database: Database, row: Row, on: date, known: datetime | None = None) -> int:
    """实有人数 of a row on a day, as known at an instant."""
    async with database.reading() as conn:
        rows = await establishments(conn, row.unit_id, Moment(on, known))
    return next((each.headcount for each in rows if (each.kind, each.funding) == (row.kind, row.funding)), 0)


async def reserved(database: Database, row: Row, on: date) -> int:
    """已核未用 of a row at the end of a day."""
    async with database.reading() as conn:
        rows = await establishments(conn, row.unit_id, Moment(on))
    return next((each.reserved for each in rows if (each.kind, each.funding) == (row.kind, row.funding)), 0)


async def published(database: Database) -> Sequence[Event]:
    """What waits in the outbox, as a consumer would read it."""
    rows = await database.pool.fetch("SELECT destination, headers, body FROM outbox ORDER BY id")
    return [CATALOGUE.read(each["destination"], each["headers"], bytes(each["body"])) for each in rows]


async def last_event(database: Database) -> Event:
    return (await published(database))[-1]


def request(row: Row, kind: ApplicationType, **more: object) -> PostRequest:
    """What an application asks for; each is one of its own."""
    facts: dict[str, object] = {"application_id": uuid4(), "revision": 1, "application_type": kind, **row.key}
    return PostRequest.model_validate(facts | more)


def entry(row: Row, person_id: UUID, reservation_id: UUID, **more: object) -> PostRequest:
    facts: dict[str, object] = {"person_id": person_id, "reservation_id": reservation_id, "reason_code": "open_recruitment"}
    return request(row, ApplicationType.ENTRY, **(facts | more))


def effect(asked: PostRequest, expires_on: date = date(2027, 9, 20), authorised_on: date = TODAY) -> TakeEffect:
    evidence = Evidence(actor="director", role="office_director", update_id="u1")
    return TakeEffect(
        request=asked, evidence=evidence, authorisation_no="用编〔2026〕9号", authorised_on=authorised_on, expires_on=expires_on
    )


def back(asked: PostRequest, revision: int | None = None) -> GiveBack:
    evidence = Evidence(actor="clerk", role="unit_clerk", update_id="u2")
    return GiveBack(application_id=asked.application_id, revision=revision or asked.revision, unit_id=asked.unit_id, evidence=evidence)


async def claimed(database: Database, asked: PostRequest) -> PostRequest:
    await claim_post(database, by(), asked)
    return asked


async def reservation(database: Database, row: Row, posts: int = 1, expires_on: date = date(2027, 9, 20)) -> UUID:
    """An authorised use of so many posts."""
    asked = await claimed(database, request(row, ApplicationType.POST_USE, posts=posts))
    authorised_on = min(TODAY, expires_on)
    done = await take_effect(database, by(), effect(asked, expires_on, authorised_on))
    assert done.reservation_id is not None
    return done.reservation_id


async def frozen(database: Database, unit_id: UUID, *scopes: FreezeScope) -> UUID:
    order_id = uuid4()
    what = FreezeUnit(order_id=order_id, unit_id=unit_id, scopes=scopes or (FreezeScope.POST_USE, FreezeScope.ENTRY))
    await freeze_unit(database, by(), what)
    return order_id


async def versions_of(database: Database, unit_id: UUID) -> list[int]:
    """The versions of a unit's published events, in outbox order."""
    rows = await database.pool.fetch("SELECT headers FROM outbox WHERE key = $1 ORDER BY id", str(unit_id))
    return [int(each["headers"]["ce_sequence"]) for each in rows if each["headers"]["ce_subject"] == f"unit/{unit_id}"]


async def people_of(conn: Connection, unit_id: UUID, moment: Moment) -> list[dict[str, Any]]:
    """Who holds a post of the unit itself, as the office's list shows them."""
    lines = PersonPages(OFFICE, PersonFilter(unit=unit_id, below=False), moment, ordered("name", PERSON_SORTS), FIELDS)
    person_ids, _ = await lines.chosen(conn, CIPHER, "", 10_000)
    return await lines.shown(conn, CIPHER, person_ids)


async def changes_of(conn: Connection, person_id: UUID, cipher: FieldCipher = CIPHER) -> list[ChangeView]:
    """Every change of somebody, oldest first."""
    order = ordered("at", CHANGE_SORTS)
    lines, _ = await changes_page(conn, Cursors(cipher, question("changes", order)), person_id, order, Paging(limit=200))
    return [ChangeView(**line) for line in lines]


async def units_of(conn: Connection, who: Who, moment: Moment, parent: UUID | None = None) -> list[UUID]:
    """The units that somebody sees, by code."""
    lines = UnitPages(who, UnitFilter(parent=parent), moment, ordered("code", UNIT_SORTS), ["id"])
    return [each["id"] for each in (await lines.page(conn, CIPHER, "", 10_000))[0]]
