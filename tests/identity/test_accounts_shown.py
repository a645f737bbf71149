"""What administrators are shown of accounts: found by name or role, one as it stands, units of a scope, the latest of the records first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.events.envelope import uuid7
from shared.glossary import Role
from tests.identity.doors import Door

pytestmark = pytest.mark.asyncio
LATEST = UUID(int=2**128 - 1)


async def unit(door: Door, name: str, *, withheld: bool = False) -> UUID:
    (row,) = await door.rows(
        "INSERT INTO unit_copies (id, path, name, code, category, withheld) VALUES ($1, ARRAY[$1]::uuid[], $2, 'C-' || $2, 'SY-1', $3) RETURNING id",
        uuid7(),
        name,
        withheld,
    )
    return UUID(str(row["id"]))


async def test_accounts_are_found_by_words_of_either_name_and_by_a_role_held_now(door: Door) -> None:
    await door.register("ann.clerk", Role.OBSERVER)
    await door.register("bob", Role.COMMISSION)
    await door.register("cai", Role.OBSERVER)
    await door.ask("POST", "/users/cai/roles/observer/revocation", Role.SECURITY_ADMIN, {}, "secadmin")
    await door.ask("POST", "/users", Role.SYSTEM_ADMIN, {"name": "wang", "real_name": "王一鸣"})

    async def found(**asked: object) -> list[str]:
        answer = await door.ask("POST", "/users/search", Role.SECURITY_ADMIN, asked)
        return [each["name"] for each in answer.json()["items"]]

    observers = (await door.ask("GET", "/users?role=observer", Role.AUDIT_ADMIN)).json()
    assert [each["name"] for each in observers["items"]] == ["ann.clerk"]
    assert await found(words="CLERK") == ["ann.clerk"]
    assert await found(words="一鸣") == ["wang"]
    assert await found(words="a", limit=1) == ["ann.clerk"]
    assert await found(words="b", role="observer") == []
    assert await found(words="%") == []


async def test_one_account_tells_its_scope_its_proxies_and_how_it_stands_with_signing_in(door: Door) -> None:
    school = await unit(door, "第一小学")
    await door.register("li", None)
    given = {"role": "unit_clerk", "unit_ids": [str(school)]}
    await door.ask("POST", "/users/li/roles", Role.SECURITY_ADMIN, given, "secadmin")
    await door.register("absent")
    until = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    await door.ask("POST", "/users/li/proxies", Role.SECURITY_ADMIN, {"absent": "absent", "until": until}, "secadmin")
    bare = (await door.ask("GET", "/users/li", Role.SYSTEM_ADMIN)).json()["account"]
    await door.one_time("li")
    for _ in range(9):
        await door.sign_in("li", "not-this-one-9A")
    told = (await door.ask("GET", "/users/li", Role.AUDIT_ADMIN)).json()
    other = (await door.ask("GET", "/users/absent", Role.AUDIT_ADMIN)).json()

    assert (bare["has_password"], bare["one_time_until"], bare["locked_until"], bare["sessions"]) == (False, None, None, 0)
    assert (told["account"]["has_password"], told["account"]["second_factor"]) == (True, False)
    assert told["account"]["one_time_until"] is not None
    assert told["account"]["locked_until"] is not None
    assert told["units"] == {str(school): "第一小学"}
    assert [(each["user"], each["absent"]) for each in told["account"]["proxies"]] == [("li", "absent")]
    assert other["account"]["proxies"] == told["account"]["proxies"]
    assert "password_hash" not in str(told)
    assert (await door.ask("GET", "/users/nobody", Role.AUDIT_ADMIN)).json()["code"] == "user_unknown"


async def test_a_session_that_goes_on_is_counted(door: Door) -> None:
    await door.account("li")
    before = (await door.ask("GET", "/users/li", Role.SYSTEM_ADMIN)).json()["account"]["sessions"]
    await door.ask("DELETE", "/users/li/sessions", Role.SYSTEM_ADMIN, name="sysadmin")

    assert (before, (await door.ask("GET", "/users/li", Role.SYSTEM_ADMIN)).json()["account"]["sessions"]) == (1, 0)


async def test_units_of_a_scope_are_found_by_name_or_code_but_not_the_withheld_nor_the_closed(door: Door) -> None:
    for name in ("第一小学", "第一小学城东校区", "第二小学"):
        await unit(door, name)
    hidden = await unit(door, "第一小学内部", withheld=True)
    closed = await unit(door, "第一小学旧址")
    await door.rows("UPDATE unit_copies SET closed_on = '2020-01-01' WHERE id = $1", closed)
    await door.register("li", None)
    await door.ask("POST", "/users/li/roles", Role.SECURITY_ADMIN, {"role": "unit_clerk", "unit_ids": [str(hidden)]}, "secadmin")

    async def found(words: str) -> list[str]:
        return [each["name"] for each in (await door.ask("GET", f"/scopes?words={words}", Role.SECURITY_ADMIN)).json()]

    assert await found("第一小学") == ["第一小学", "第一小学城东校区"]
    assert await found("C-第二小学") == ["第二小学"]
    assert (await door.ask("GET", "/users/li", Role.SECURITY_ADMIN)).json()["units"] == {}


async def test_changes_and_sign_ins_are_read_from_the_latest_back(door: Door) -> None:
    for name in ("ann", "bob", "cai"):
        await door.register(name, None)
        await door.one_time(name)

    async def page(path: str, before: object) -> tuple[list[str], str | None]:
        found = (await door.ask("GET", f"{path}?before={before}&limit=2", Role.AUDIT_ADMIN)).json()
        return [each.get("user") or each["change"]["user"] for each in found["items"]], found["next"]

    for path in ("/audit", "/audit/sign-ins"):
        latest, next_ = await page(path, LATEST)
        earliest, end = await page(path, next_)
        assert (latest, earliest, end) == (["cai", "bob"], ["ann"], None)


@pytest.mark.parametrize("said", [{"until": "9999-12-31T23:59:59-12:00"}, {"begins_at": "0001-01-01T00:00:00+14:00"}])
async def test_a_proxy_of_an_instant_that_no_calendar_has_is_malformed(door: Door, said: dict[str, str]) -> None:
    """In another time zone its day is beyond the last that there is."""
    await door.register()
    await door.register("li")
    body = {"absent": "li", "until": "2030-01-01T00:00:00Z"} | said
    answer = await door.ask("POST", "/users/zhang/proxies", Role.SECURITY_ADMIN, body, "secadmin")

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert [each["field"] for each in answer.json()["fields"]] == list(said)
