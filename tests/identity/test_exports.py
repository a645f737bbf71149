"""Lists out of identity: the rows of their pages in the order of their pages, to who may read them, and nothing anybody signs in with."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.auth import Who
from shared.clock import CHINA, Clock
from shared.exports.running import Office
from shared.exports.shelf import Shelf
from shared.glossary import Role
from tests.exports.exporting import Taken, asked, taken, working
from tests.identity.doors import PASSWORD, Door, kept_hash
from tests.identity.test_accounts_shown import LATEST, unit

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(door: Door, database: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Door]:
    """With a worker."""
    door.app.state.shelf = Shelf(tmp_path, door.app.state.gate.cipher)
    office = Office(
        door.database, database("identity"), door.app.state.exports, door.app.state.shelf, Clock(None), timedelta(days=1), "演示数据"
    )
    async with working(office):
        yield door


def as_(door: Door, role: Role) -> dict[str, str]:
    token = door.signer.issue(Who(f"{role}-user", frozenset({role})), datetime.now(UTC))
    return {"authorization": f"Bearer {token}", "idempotency-key": f"key-{datetime.now(UTC).timestamp()}"}


async def take(door: Door, name: str, role: Role = Role.AUDIT_ADMIN, **more: Any) -> Taken:
    return await taken(door.client, as_(door, role), name, **more)


async def test_accounts_go_out_with_their_roles_and_the_names_of_their_units(house: Door) -> None:
    school, hidden = await unit(house, "第一小学"), await unit(house, "不宜公开", withheld=True)
    await house.register("ann", Role.OBSERVER)
    for name, role, units in (
        ("bob", Role.UNIT_CLERK, [school, hidden]),
        ("bob", Role.UNIT_HEAD, [school, hidden]),
        ("cai", None, None),
    ):
        await house.register(name, None)
        if role:
            given = {"role": role, "unit_ids": [str(each) for each in units or ()]}
            await house.ask("POST", f"/users/{name}/roles", Role.SECURITY_ADMIN, given, "secadmin")
    page = (await house.ask("GET", "/users", Role.SYSTEM_ADMIN)).json()["items"]

    records = {each["登录名"]: each for each in (await take(house, "users", Role.SYSTEM_ADMIN)).records()}
    clerks = await take(house, "users", Role.SECURITY_ADMIN, filters={"role": "unit_clerk"}, format="csv")

    assert list(records) == [each["name"] for each in page] == ["ann", "bob", "cai"]
    assert [(each["姓名"], each["角色"], each["范围"]) for each in records.values()] == [
        ("甲", "协同部门", "全市"),
        ("甲", "单位经办、单位负责人", "第一小学、（不公开的单位）"),
        ("甲", "", ""),
    ]
    assert [line[0] for line in clerks.lines()[2:]] == ["bob"]
    assert "角色为单位经办" in clerks.lines()[0][0]


async def test_the_records_go_out_as_their_pages_show_them(house: Door) -> None:
    await house.account("li")
    await house.register("absent")
    until = datetime.now(UTC) + timedelta(days=400)
    proxy = {"absent": "absent", "until": until.isoformat(), "reason": "休假"}
    await house.ask("POST", "/users/li/proxies", Role.SECURITY_ADMIN, proxy, "secadmin")
    await house.one_time("absent")
    await house.sign_in("li", "not-this-one-9A")
    changed = (await house.ask("GET", f"/audit?before={LATEST}", Role.AUDIT_ADMIN)).json()["items"]
    signed = (await house.ask("GET", f"/audit/sign-ins?before={LATEST}&user=li", Role.AUDIT_ADMIN)).json()["items"]

    changes = (await take(house, "account_changes")).records()
    sign_ins = (await take(house, "sign_ins", filters={"user": "li"})).records()

    assert [each["记录编号"] for each in changes] == [each["id"] for each in changed]
    latest, *_, first = changes
    labels = ("变动", "登录名", "姓名", "代谁办理（登录名）", "代谁办理", "经办账号", "事由")
    assert [latest[each] for each in labels] == ["代办已设置", "li", "甲", "absent", "甲", "secadmin", "休假"]
    assert (first["变动"], first["范围"], first["代办到"]) == ("账号已建立", "", "")
    assert f"{latest['代办到']:%Y-%m-%d %H:%M}" == f"{until.astimezone(CHINA):%Y-%m-%d %H:%M}"
    assert [(each["角色"], each["范围"]) for each in changes if each["变动"] == "角色已授予"] == [("协同部门", "全市")] * 2
    assert [(each["记录编号"], each["事项"], each["地址"]) for each in sign_ins] == [
        (each["id"], each["label"], each["address"]) for each in signed
    ]
    assert [(each["事项"], each["登录名"], each["姓名"], each["经办人"]) for each in sign_ins] == [
        ("登录未通过", "li", "甲", "甲"),
        ("登录", "li", "甲", "甲"),
    ]
    assert {each["登录名"] for each in (await take(house, "sign_ins")).records()} == {"li", "absent"}


async def test_nobody_takes_a_list_whose_page_is_closed_to_him(house: Door) -> None:
    offered = {}
    for role in frozenset(Role) - {Role.SERVICE}:
        lines = (await house.client.get("/exports/lists", headers=as_(house, role))).json()["items"]
        offered[role] = {each["name"] for each in lines}
        for name in {"users", "account_changes", "sign_ins"} - offered[role]:
            assert (await asked(house.client, as_(house, role), name))["code"] == "export_list_unknown"

    assert {role: lists for role, lists in offered.items() if lists} == {
        Role.SYSTEM_ADMIN: {"users", "dead_letters_identity"},
        Role.SECURITY_ADMIN: {"users"},
        Role.AUDIT_ADMIN: {"users", "account_changes", "sign_ins", "dead_letters_identity", "trail_identity"},
    }


async def test_nothing_anybody_signs_in_with_is_in_a_list_and_no_name_lies_on_the_shelf(house: Door, tmp_path: Path) -> None:
    key = await house.account("li")
    factor = (await house.as_bearer(await house.token(key), "POST", "/me/totp", {"password": PASSWORD})).json()["secret"]
    await house.register("ann")
    secrets = [
        factor,
        kept_hash(),
        key,
        await house.one_time("ann"),
        *(row["csrf"] for row in await house.rows("SELECT csrf FROM sessions")),
    ]

    texts = [(await take(house, name, format="csv")).content.decode() for name in ("users", "account_changes", "sign_ins")]
    lying = b"".join(each.read_bytes() for each in tmp_path.iterdir())

    assert all("li" in text for text in texts)
    assert [secret for secret in secrets for text in texts if secret in text] == []
    assert lying
    assert "甲".encode() not in lying
