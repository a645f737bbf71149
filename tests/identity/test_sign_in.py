"""Signing in by password: what is refused, in which words, how often, and what is on record of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from deploy.local.place import Place
from services.identity.commands import hashing
from services.identity.settings import IdentitySettings
from shared.glossary import Role
from tests.identity.doors import ADDRESS, PASSWORD, Door, opened

pytestmark = pytest.mark.asyncio
WRONG = "Nicht-das-Richtige-9"


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of every hash that is compared; none matches."""
    compared: list[str] = []

    def compare(kept: str, _: str) -> bool:
        compared.append(kept.rsplit("$", 2)[0])
        return False

    monkeypatch.setattr(hashing, "_matches", compare)
    return compared


async def test_a_one_time_password_opens_a_session_in_which_nothing_but_a_new_password_is_allowed(door: Door) -> None:
    await door.register(role=Role.AUDIT_ADMIN)
    refused = await door.ask("POST", "/users/{name}/one-time-password", Role.SYSTEM_ADMIN, {}, "sysadmin")
    await door.register("li", Role.OBSERVER)
    first = await door.one_time("li")

    entered = (await door.sign_in("li", first)).json()
    held = (await door.in_session(entered["session"])).json()
    changed = await door.as_bearer(held["token"], "POST", "/me/password", {"password": first, "new_password": PASSWORD})
    after = (await door.in_session(changed.json()["session"])).json()

    assert said(refused) == (403, "password_of_administrator")
    assert (entered["must_change_password"], held["must_change_password"], after["must_change_password"]) == (True, True, False)
    assert (held["roles"], held["unit_ids"], after["roles"]) == ({}, [], {"observer": "协同部门"})
    assert said(await door.sign_in("li", first)) == (401, "sign_in_refused")
    assert (await door.sign_in("li")).status_code == 201


async def test_without_rights_of_an_audit_administrator_who_must_change_his_password_reads_no_audit(door: Door) -> None:
    await door.register("audit", Role.AUDIT_ADMIN)
    await door.rows(
        "INSERT INTO credentials (user_id, password_hash, set_at, one_time_until) SELECT id, $1, now(), now() + interval '1 day' FROM users",
        await hashing.hashed(PASSWORD),
    )
    key = (await door.sign_in("audit")).json()["session"]

    assert (await door.as_bearer(await door.token(key), "GET", "/audit")).status_code == 403


async def test_a_one_time_password_ends(door: Door) -> None:
    await door.register()
    first = await door.one_time()
    await door.rows("UPDATE credentials SET one_time_until = now() - interval '1 second'")

    assert said(await door.sign_in(password=first)) == (401, "one_time_password_over")


async def test_an_unknown_account_and_a_wrong_password_get_the_same_words(door: Door) -> None:
    await door.account()

    known, unknown, without = [await door.sign_in(name, WRONG) for name in ("zhang", "nobody", "zhang-li")]

    assert known.status_code == 401
    assert known.json() == unknown.json() == without.json()
    assert dict(known.headers).keys() == dict(unknown.headers).keys()


async def test_an_unknown_account_costs_the_same_comparison(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.account()
    await door.register("li")
    compared = watched(monkeypatch)

    for name in ("zhang", "nobody", "li"):
        await door.sign_in(name, WRONG)

    assert len(compared) == 3
    assert len(set(compared)) == 1, "other parameters take another time"


@pytest.mark.parametrize("name", ["zhang", "nobody"])
async def test_five_failures_lock_a_name_whether_there_is_such_an_account_or_not_and_the_lock_ends_by_itself(door: Door, name: str) -> None:
    await door.account()

    answers = [await door.sign_in(name, WRONG) for _ in range(5)]
    locked = await door.sign_in(name)

    assert [said(answer) for answer in answers] == [(401, "sign_in_refused")] * 5
    assert said(locked) == (401, "account_locked")
    ends = datetime.fromisoformat(locked.json()["facts"]["ends_at"])
    assert timedelta(minutes=14) < ends - datetime.now(UTC) <= timedelta(minutes=15)
    await door.rows("UPDATE sign_in_failures SET locked_until = now() - interval '1 second'")
    assert (await door.sign_in(name)).status_code == (201 if name == "zhang" else 401)
    assert (await door.sign_in(name, WRONG)).json()["code"] == "sign_in_refused"


async def test_the_system_administrator_releases_a_lock_and_it_is_on_record(door: Door) -> None:
    await door.account()
    for _ in range(5):
        await door.sign_in(password=WRONG)

    released = await door.ask("POST", "/users/{name}/release", Role.SYSTEM_ADMIN, {"reason": "本人来电"}, "sysadmin")

    assert released.json() == {"was_locked": True}
    assert (await door.sign_in()).status_code == 201
    deeds = await door.deeds()
    assert deeds.count(("sign_in_refused", "zhang", "zhang")) == 5
    assert deeds[-3:] == [("account_locked", "zhang", "zhang"), ("account_unlocked", "zhang", "sysadmin"), ("signed_in", "zhang", "zhang")]


async def test_guesses_side_by_side_are_no_more_than_guesses_in_turn(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.account()
    compared = watched(monkeypatch)

    answers = await asyncio.gather(*(door.sign_in(password=f"{WRONG}{number}") for number in range(9)))

    assert len(compared) == 5
    assert {said(answer)[1] for answer in answers} == {"sign_in_refused", "account_locked"}


async def test_failures_before_a_success_do_not_count(door: Door) -> None:
    await door.account()
    for _ in range(2):
        for _ in range(4):
            assert said(await door.sign_in(password=WRONG)) == (401, "sign_in_refused")
        assert (await door.sign_in()).status_code == 201


async def test_more_than_ten_attempts_in_five_minutes_are_not_even_compared(door: Door) -> None:
    answers = [await door.sign_in(f"nobody{number}", WRONG) for number in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_an_office_behind_one_address_signs_in_as_often_as_it_likes(door: Door) -> None:
    await door.account()

    assert {(await door.sign_in()).status_code for _ in range(12)} == {201}


async def test_what_was_typed_stands_in_no_table_and_no_log(door: Door, capfd: pytest.CaptureFixture[str]) -> None:
    key = await door.account()
    typed = "Mein-Passwort-im-Namensfeld-1"
    await door.sign_in(typed.lower(), WRONG)
    await door.sign_in(password=WRONG)
    token = await door.token(key)

    tables = await door.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_migrations'")
    texts = []
    for (table,) in tables:
        texts += [str(row[0]) for row in await door.rows(f"SELECT t::text FROM {table} t")]
    everything = "\n".join([*texts, *capfd.readouterr()])

    assert "signed_in" in everything
    assert [secret for secret in (PASSWORD, WRONG, key, token, typed.lower()) if secret in everything] == []


async def test_every_line_of_the_record_has_the_address_and_is_read_by_the_audit_administrator(door: Door) -> None:
    await door.account()
    for _ in range(2):
        await door.sign_in(password=WRONG)

    page = (await door.ask("GET", "/audit/sign-ins?limit=2", Role.AUDIT_ADMIN)).json()
    rest = (await door.ask("GET", f"/audit/sign-ins?after={page['next']}&user=zhang", Role.AUDIT_ADMIN)).json()

    assert [row["label"] for row in page["items"] + rest["items"]] == ["登录", "登录未通过", "登录未通过"]
    assert {row["address"] for row in page["items"] + rest["items"]} == {ADDRESS}


async def test_the_service_may_neither_change_nor_delete_the_record(door: Door) -> None:
    await door.account()

    for statement in ("UPDATE account_records SET actor = 'x'", "DELETE FROM account_records", "TRUNCATE account_records"):
        with pytest.raises(Exception, match="permission denied"):
            await door.rows(statement)


async def test_an_old_password_is_changed_first(door: Door) -> None:
    await door.account()
    await door.rows("UPDATE credentials SET set_at = now() - interval '91 days'")

    assert (await door.sign_in()).json()["must_change_password"] is True


async def test_a_hash_of_other_parameters_is_made_anew_at_sign_in(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.account()
    before = await door.rows("SELECT password_hash FROM credentials")
    monkeypatch.setattr(hashing, "is_outdated", lambda _: True)

    await door.sign_in()

    after = await door.rows("SELECT password_hash FROM credentials")
    assert before[0][0] != after[0][0]
    assert (await door.sign_in()).status_code == 201


async def test_where_the_house_asks_for_a_second_factor_it_is_set_up_first(environment: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_SECOND_FACTOR", "true")
    async with opened(environment) as door:
        await door.account()
        answer = await door.sign_in()
        held = (await door.in_session(answer.json()["session"])).json()

    assert (answer.json()["needs_code"], held["needs_code"], held["roles"]) == (True, True, {})


async def test_demo_users_are_refused_in_production_and_absent_where_they_are_not_set(
    environment: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
    with pytest.raises(ValueError, match="不能用于生产环境"):
        IdentitySettings()
    monkeypatch.setenv("IDENTITY_DEMO", "false")
    async with opened(environment) as door:
        await door.register()
        answers = [await door.client.get("/demo/users"), await door.client.post("/demo/sessions", json={"name": "zhang"})]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_all_sessions_of_an_account_are_told_the_key_of_its_drafts_and_no_other_account_is(door: Door) -> None:
    await door.register()
    await door.register("wang")
    entered = [await door.client.post("/demo/sessions", json={"name": name}) for name in ("zhang", "zhang", "wang")]
    first, again, other = [(await door.in_session(each.json()["session"])).json()["draft_key"] for each in entered]

    assert first == again
    assert first != other
    assert first not in (await door.client.get("/demo/users")).text


async def test_in_the_demo_one_picks_whom_to_be(door: Door) -> None:
    await door.register()

    shown = (await door.client.get("/demo/users")).json()["items"]
    entered = await door.client.post("/demo/sessions", json={"name": "zhang"})
    held = (await door.in_session(entered.json()["session"])).json()

    assert shown == [{"name": "zhang", "real_name": "甲", "roles": {"observer": "协同部门"}, "units": []}]
    assert (held["name"], held["real_name"], held["must_change_password"]) == ("zhang", "甲", False)
    assert (await door.client.post("/demo/sessions", json={"name": "nobody"})).status_code == 404
