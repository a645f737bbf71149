"""Changes to accounts and rights, against PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.identity import Account, cipher_of, first_passwords, load_accounts, one_time_password, seed_administrators
from deploy.local.place import Place
from services.identity.commands import rights as commands
from services.identity.models.accounts import EndProxy, GrantRole, RegisterUser, RevokeRole, SetProxy
from services.identity.models.refusals import AdministratorsSeparate, NameTaken, NotGranted, ProxyUnknown, SelfGrant, UserUnknown
from services.identity.queries import accounts as queries
from shared import db
from shared.db import By, Database
from shared.errors import DomainError
from shared.events import CATALOGUE
from shared.glossary import Role
from shared.unit_copies import UnitUnknown
from tests.identity.doors import Door

NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
REAL_NAME = "测试用户甲"


def by(actor: str = "secadmin") -> By:
    return By(actor=actor, as_of=NOW, key=f"{actor}:{uuid4()}", reason="测试")


@pytest_asyncio.fixture
async def identity(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("identity"), "identity") as connected:
        yield connected


async def register(identity: Database, *names: str) -> None:
    for name in names:
        await commands.register_user(identity, by("sysadmin"), RegisterUser(name=name, real_name=REAL_NAME))


async def make_unit(identity: Database, code: str = "330499001") -> UUID:
    unit_id = uuid4()
    await identity.pool.execute(
        "INSERT INTO unit_copies (id, path, name, code, category) VALUES ($1, ARRAY[$1]::uuid[], '某校', $2, 'institution')", unit_id, code
    )
    return unit_id


async def events(identity: Database) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await identity.pool.fetch("SELECT type, key, headers, body FROM outbox ORDER BY id")
    return found


@pytest.mark.asyncio
async def test_every_change_is_an_event_and_an_audit_row_with_a_rising_version_and_no_real_name(identity: Database) -> None:
    unit_id = await make_unit(identity)
    await register(identity, "zhang", "li")
    await commands.grant_role(identity, by(), GrantRole(user="zhang", role=Role.UNIT_CLERK, unit_ids=(unit_id,)))
    await commands.set_proxy(identity, by(), SetProxy(user="zhang", absent="li", until=NOW + timedelta(days=3)))
    await commands.revoke_role(identity, by(), RevokeRole(user="zhang", role=Role.UNIT_CLERK))

    sent = [row for row in await events(identity) if b'"zhang"' in row["body"]]
    kinds = ["user_registered", "role_granted", "proxy_set", "role_revoked"]
    assert [row["type"] for row in sent] == [f"identity.{kind}.v1" for kind in kinds]
    assert [CATALOGUE.read("identity.events", row["headers"], row["body"]).version for row in sent] == [1, 2, 3, 4]
    log = await identity.pool.fetch("SELECT actor, reason, body::text AS body FROM event_log ORDER BY event_id")
    assert [row["actor"] for row in log] == ["sysadmin", "sysadmin", "secadmin", "secadmin", "secadmin"]
    assert all(row["reason"] == "测试" and REAL_NAME not in row["body"] for row in log)


@pytest.mark.asyncio
async def test_a_token_speaks_for_the_roles_the_scope_and_the_proxies_of_the_instant(identity: Database) -> None:
    unit_id = await make_unit(identity)
    await register(identity, "zhang", "li")
    await commands.grant_role(identity, by(), GrantRole(user="zhang", role=Role.UNIT_CLERK, unit_ids=(unit_id,)))
    await commands.set_proxy(
        identity, by(), SetProxy(user="zhang", absent="li", begins_at=NOW + timedelta(days=1), until=NOW + timedelta(days=2))
    )

    async with identity.reading() as conn:
        today, then, after = [await queries.who(conn, "zhang", NOW + timedelta(days=days)) for days in (0, 1, 2)]

    assert (today.roles, today.units) == (frozenset({Role.UNIT_CLERK}), (unit_id,))
    assert [who.acts_for for who in (today, then, after)] == [(), ("li",), ()]


@pytest.mark.asyncio
async def test_a_proxy_that_was_ended_gives_nothing_any_more_and_is_told_as_a_deed(identity: Database) -> None:
    await register(identity, "zhang", "li")
    until = NOW + timedelta(days=3)
    now, later = [
        await commands.set_proxy(identity, by(), SetProxy(user="zhang", absent="li", begins_at=begins, until=until))
        for begins in (NOW, NOW + timedelta(days=1))
    ]
    for stranger in ("zhang", "secadmin"):  # who stands in ends nothing by himself
        with pytest.raises(ProxyUnknown):
            await commands.end_proxy(identity, by(stranger), EndProxy(proxy_id=now.id, of=stranger))

    answers = await asyncio.gather(
        *(commands.end_proxy(identity, by("li"), EndProxy(proxy_id=now.id, of="li")) for _ in range(2)), return_exceptions=True
    )
    async with identity.reading() as conn:
        left, today = await queries.proxies_of(conn, "li", NOW), await queries.who(conn, "zhang", NOW)
    await commands.end_proxy(identity, by(), EndProxy(proxy_id=later.id))
    async with identity.reading() as conn:
        tomorrow = await queries.who(conn, "zhang", NOW + timedelta(days=2))

    assert [type(answer) is ProxyUnknown for answer in answers].count(True) == 1
    assert ([each.id for each in left], today.acts_for, tomorrow.acts_for) == ([later.id], (), ())
    log = await identity.pool.fetch("SELECT actor FROM event_log WHERE type = 'identity.proxy_ended.v1' ORDER BY event_id")
    assert [row["actor"] for row in log] == ["li", "secadmin"]


@pytest.mark.asyncio
async def test_a_user_without_roles_sees_nothing(identity: Database) -> None:
    await register(identity, "zhang")

    async with identity.reading() as conn:
        who = await queries.who(conn, "zhang", NOW)

    assert who.units == ()


@pytest.mark.asyncio
async def test_two_administrator_roles_given_at_the_same_instant_leave_one(identity: Database) -> None:
    await register(identity, "zhang")

    answers = await asyncio.gather(
        *(commands.grant_role(identity, by(), GrantRole(user="zhang", role=role)) for role in (Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN)),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers].count(AdministratorsSeparate) == 1
    assert await identity.pool.fetchval("SELECT count(*) FROM grants") == 1


@pytest.mark.asyncio
async def test_the_database_itself_refuses_a_second_administrator_role(identity: Database) -> None:
    await seed_administrators(identity, NOW)

    with pytest.raises(asyncpg.UniqueViolationError):
        await identity.pool.execute(
            "INSERT INTO grants (id, user_id, role, granted_by, granted_at)"
            " SELECT gen_random_uuid(), id, 'audit_admin', 'x', now() FROM users WHERE name = 'sysadmin'"
        )


@pytest.mark.asyncio
async def test_refusals_leave_nothing_behind(identity: Database) -> None:
    await register(identity, "zhang", "secadmin")
    before = await events(identity)
    refused: list[tuple[type[DomainError], object]] = [
        (NameTaken, commands.register_user(identity, by(), RegisterUser(name="zhang", real_name="乙"))),
        (SelfGrant, commands.grant_role(identity, by(), GrantRole(user="secadmin", role=Role.OBSERVER))),
        (SelfGrant, commands.set_proxy(identity, by(), SetProxy(user="secadmin", absent="zhang", until=NOW + timedelta(days=1)))),
        (UserUnknown, commands.grant_role(identity, by(), GrantRole(user="nobody", role=Role.OBSERVER))),
        (UnitUnknown, commands.grant_role(identity, by(), GrantRole(user="zhang", role=Role.UNIT_CLERK, unit_ids=(uuid4(),)))),
        (NotGranted, commands.revoke_role(identity, by(), RevokeRole(user="zhang", role=Role.OBSERVER))),
    ]

    for kind, call in refused:
        with pytest.raises(kind):
            await call  # type: ignore[misc]  # a list of different commands

    assert await events(identity) == before
    assert await identity.pool.fetchval("SELECT count(*) FROM grants") == 0


@pytest.mark.asyncio
async def test_a_revoked_role_may_be_given_again_and_the_first_grant_stays_on_record(identity: Database) -> None:
    await register(identity, "zhang")
    for _ in range(2):
        await commands.grant_role(identity, by(), GrantRole(user="zhang", role=Role.SYSTEM_ADMIN))
        await commands.revoke_role(identity, by(), RevokeRole(user="zhang", role=Role.SYSTEM_ADMIN))

    await commands.grant_role(identity, by(), GrantRole(user="zhang", role=Role.AUDIT_ADMIN))

    assert await identity.pool.fetchval("SELECT count(*) FROM grants") == 3


@pytest.mark.asyncio
async def test_seeding_makes_three_people_once(identity: Database) -> None:
    assert await seed_administrators(identity, NOW) == ["sysadmin", "secadmin", "auditadmin"]
    assert await seed_administrators(identity, NOW) == []

    async with identity.reading() as conn:
        found = await queries.users(conn, "", 10)
    assert {user.name: [grant.role for grant in user.grants] for user in found} == {
        "auditadmin": [Role.AUDIT_ADMIN],
        "secadmin": [Role.SECURITY_ADMIN],
        "sysadmin": [Role.SYSTEM_ADMIN],
    }


@pytest.mark.asyncio
async def test_a_right_that_nobody_holds_any_more_is_given_back_to_its_first_account(identity: Database) -> None:
    """Else nobody could give rights again, once the last who may has lost his."""
    await seed_administrators(identity, NOW)
    await commands.revoke_role(identity, by(), RevokeRole(user="secadmin", role=Role.SECURITY_ADMIN))

    assert await seed_administrators(identity, NOW) == ["secadmin"]

    async with identity.reading() as conn:
        assert [grant.role for grant in (await queries.user(conn, "secadmin")).grants] == [Role.SECURITY_ADMIN]


@pytest.mark.asyncio
async def test_accounts_of_a_file_are_made_with_their_units_and_loading_again_changes_nothing(identity: Database) -> None:
    unit_id = await make_unit(identity, "330499007")
    accounts = [
        Account(name="zhang", real_name="甲", roles=(Role.UNIT_CLERK, Role.UNIT_HEAD), unit_codes=("330499007",)),
        Account(name="director", real_name="乙", roles=(Role.OFFICE_DIRECTOR,)),
    ]

    assert await load_accounts(identity, accounts, NOW) == 2
    assert await load_accounts(identity, accounts, NOW) == 0

    async with identity.reading() as conn:
        zhang, director = await queries.who(conn, "zhang", NOW), await queries.who(conn, "director", NOW)
    assert (zhang.roles, zhang.units, director.units) == (frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}), (unit_id,), None)


@pytest.mark.asyncio
async def test_the_first_administrators_are_told_their_passwords_once_and_sign_in_with_them(door: Door, environment: Place) -> None:
    cipher = cipher_of(environment)
    told = await first_passwords(door.database, cipher, NOW)
    passwords = dict(line.split() for line in told.splitlines()[1:-1])

    assert list(passwords) == ["sysadmin", "secadmin", "auditadmin"]
    entered = [(await door.sign_in(name, password)).json() for name, password in passwords.items()]
    assert [each["must_change_password"] for each in entered] == [True] * 3
    assert await first_passwords(door.database, cipher, NOW) == "三类管理员都已存在，无需建立。"


@pytest.mark.asyncio
async def test_who_has_the_machine_hands_a_locked_out_administrator_a_new_password(
    door: Door, environment: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cipher = cipher_of(environment)
    await first_passwords(door.database, cipher, NOW)
    for _ in range(5):
        await door.sign_in("sysadmin", "Nicht-das-Richtige-9")

    monkeypatch.setenv("IDENTITY_ONE_TIME_DAYS", "1")
    again = await one_time_password(door.database, cipher, "sysadmin", NOW)
    [until] = await door.rows(
        "SELECT one_time_until - now() AS left FROM credentials JOIN users ON users.id = user_id WHERE name = 'sysadmin'"
    )

    assert timedelta(hours=23) < until["left"] <= timedelta(days=1)
    assert (await door.sign_in("sysadmin", again)).status_code == 201
    assert ("one_time_password_handed_out", "sysadmin", "bianban") in await door.deeds()
