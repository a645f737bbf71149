"""Sessions: what ends them, what changes their key, and who sees them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from services.identity.commands import hashing, sign_in
from services.identity.commands.passwords import change_password
from services.identity.commands.proofs import Proof, prove
from services.identity.commands.sessions import sweep
from services.identity.models.refusals import SignInRefused
from services.identity.models.sign_in import Knock, Opened, Tried
from shared.db import By
from shared.glossary import Role
from tests.identity.doors import ADDRESS, PASSWORD, Door, waiting

pytestmark = pytest.mark.asyncio
ANOTHER = "Zaunkönig_88_Tannen"


async def alive(door: Door, key: str) -> bool:
    answer = await door.in_session(key)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def test_no_key_and_a_wrong_one_are_no_session(door: Door) -> None:
    answers = [await door.client.post("/sessions/token"), await door.in_session("nonsense")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, "session_ended")] * 2


async def test_a_sign_in_gives_a_new_key_and_ends_the_session_before(door: Door) -> None:
    before = await door.account()
    after = (await door.sign_in(before=before)).json()["session"]

    assert before != after
    assert (await alive(door, before), await alive(door, after)) == (False, True)


async def test_a_sign_in_ends_the_session_before_also_under_the_key_that_it_had_a_moment_ago(door: Door) -> None:
    """Another tab has the new key, or the answer that held it was lost."""
    key = await door.account()
    await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": "commission"}, "secadmin")
    fresh = (await door.in_session(key)).json()["session"]

    again = (await door.sign_in(before=key)).json()["session"]

    assert fresh != key
    assert (await alive(door, fresh), await alive(door, again)) == (False, True)


async def test_a_key_that_somebody_else_planted_becomes_no_session(door: Door) -> None:
    await door.account()

    after = (await door.sign_in(before="planted")).json()["session"]

    assert after != "planted"
    assert not await alive(door, "planted")


async def test_a_sign_out_ends_the_session_on_the_server(door: Door) -> None:
    key = await door.account()
    token = await door.token(key)

    out = await door.in_session(key, "DELETE", "/sessions")

    assert out.status_code == 204
    assert not await alive(door, key)
    assert (await door.as_bearer(token, "POST", "/me/token")).status_code == 401, "its token is not renewed past it"
    assert (await door.deeds())[-1] == ("signed_out", "zhang", "zhang")


async def test_a_request_moves_the_idle_end_but_never_beyond_the_absolute_one(door: Door) -> None:
    key = await door.account()
    made = (await door.in_session(key)).json()
    now = datetime.now(UTC)
    await door.rows("UPDATE sessions SET idle_ends_at = now() + interval '1 minute', ends_at = now() + interval '20 minutes'")

    moved = (await door.in_session(key)).json()

    assert datetime.fromisoformat(made["idle_ends_at"]) - now < timedelta(minutes=31)
    assert datetime.fromisoformat(made["ends_at"]) - now < timedelta(hours=12, minutes=1)
    assert datetime.fromisoformat(moved["idle_ends_at"]) - now > timedelta(minutes=19)
    assert moved["idle_ends_at"] == moved["ends_at"]


@pytest.mark.parametrize("end", ["idle_ends_at", "ends_at"])
async def test_a_session_ends_when_nobody_uses_it_and_when_its_day_is_over(door: Door, end: str) -> None:
    key = await door.account()
    await door.rows(f"UPDATE sessions SET {end} = now() - interval '1 second'")

    assert not await alive(door, key)


async def test_a_token_tells_the_services_what_its_owner_is_called(door: Door) -> None:
    key = await door.account()

    assert jwt.decode(await door.token(key), options={"verify_signature": False})["name"] == "甲"


async def test_a_token_ends_with_its_session(door: Door) -> None:
    key = await door.account()
    await door.rows("UPDATE sessions SET ends_at = now() + interval '4 seconds'")
    token = await door.token(key)
    assert (await door.as_bearer(token, "GET", "/me")).status_code == 200

    await asyncio.sleep(4.1)

    assert (await door.as_bearer(token, "GET", "/me")).status_code == 401


async def test_another_role_gives_the_session_another_key_once_and_the_old_one_is_taken_for_a_moment_only(door: Door) -> None:
    before = await door.account()
    await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": "commission"}, "secadmin")

    twins = await asyncio.gather(*(door.in_session(before) for _ in range(4)))
    keys = {answer.json()["session"] for answer in twins}
    (after,) = keys - {before}
    held = (await door.in_session(after)).json()

    assert [answer.status_code for answer in twins] == [200] * 4
    assert (held["session"], set(held["roles"])) == (after, {"observer", "commission"})
    assert held["csrf"] == twins[0].json()["csrf"], "forms that are open stay good"
    await door.rows("UPDATE sessions SET rotated_at = now() - interval '61 seconds'")
    assert (await alive(door, before), await alive(door, after)) == (False, True)


async def test_a_password_change_ends_every_other_session_and_a_stolen_cookie(door: Door) -> None:
    stolen = await door.account()
    other = (await door.sign_in()).json()["session"]

    body = {"password": PASSWORD, "new_password": ANOTHER}
    changed = await door.as_bearer(await door.token(stolen), "POST", "/me/password", body)

    assert (await alive(door, stolen), await alive(door, other)) == (False, False)
    assert await alive(door, changed.json()["session"])


async def proven(door: Door) -> Proof:
    """A sign-in under way: the password was compared, the session is not begun."""
    return await prove(door.database, door.app.state.gate, by_zhang(), knock(), Tried("zhang", PASSWORD, None))


async def changed(door: Door) -> None:
    """The owner sets another password."""
    await change_password(door.database, door.app.state.gate, by_zhang(), knock(), Tried("zhang", PASSWORD, None), ANOTHER, None)


def by_zhang() -> By:
    return By("zhang", datetime.now(UTC), str(uuid4()))


def knock() -> Knock:
    return Knock(ADDRESS, "", datetime.now(UTC))


@pytest.mark.parametrize("rehashed", [None, "the hash of the password that was compared"])
async def test_a_sign_in_under_way_does_not_outlive_a_password_change_nor_put_the_old_password_back(
    door: Door, rehashed: str | None
) -> None:
    await door.account()
    proof = await proven(door)
    await changed(door)

    with pytest.raises(SignInRefused):
        await sign_in._begin(door.database, proof, None, rehashed)

    assert await door.rows("SELECT FROM sessions WHERE ended_at IS NULL") == []
    assert [(await door.sign_in(password=each)).status_code for each in (PASSWORD, ANOTHER)] == [401, 201]


async def test_a_sign_in_under_way_does_not_put_a_password_in_place_of_one_handed_out(door: Door) -> None:
    await door.account()
    proof = await proven(door)
    first = await door.one_time()

    with pytest.raises(SignInRefused):
        await sign_in._begin(door.database, proof, None, "the hash of the password that was compared")

    assert (await door.sign_in(password=first)).status_code == 201


async def test_a_sign_in_under_way_gets_no_session_without_the_code_that_is_asked_for_since(door: Door) -> None:
    await door.account()
    proof = await proven(door)
    await door.rows("INSERT INTO second_factors (user_id, secret, confirmed_at) SELECT id, '', now() FROM users")

    with pytest.raises(SignInRefused):
        await sign_in._begin(door.database, proof, None, None)

    assert len(await door.rows("SELECT FROM sessions")) == 1


async def test_a_sign_in_whose_password_changed_meanwhile_is_on_record_as_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.account()
    begin = sign_in._begin

    async def late(*given: Any) -> Opened:
        await changed(door)
        return await begin(*given)

    monkeypatch.setattr(sign_in, "_begin", late)

    assert (await door.sign_in()).status_code == 401
    assert [deed for deed, _, _ in await door.deeds()] == ["signed_in", "password_changed", "sign_in_refused"]


async def test_two_sign_ins_side_by_side_get_in_though_one_makes_the_hash_anew(door: Door) -> None:
    await door.account()
    one, other = await proven(door), await proven(door)

    for proof in (one, other):
        await sign_in._begin(door.database, proof, None, await hashing.hashed(PASSWORD))

    assert (await door.sign_in()).status_code == 201


async def test_a_password_change_waits_for_the_session_that_is_just_begun_and_ends_it(door: Door) -> None:
    await door.account()
    async with door.database.transaction() as conn:
        await conn.fetchrow("SELECT FROM users FOR UPDATE")
        change = asyncio.create_task(changed(door))
        await waiting(door)
        await conn.execute(
            "INSERT INTO sessions (id, user_id, key_hash, csrf, rights_version, way, address, agent, made_at, seen_at, idle_ends_at, ends_at)"
            " SELECT gen_random_uuid(), user_id, 'x', csrf, rights_version, way, address, agent, made_at, seen_at, idle_ends_at, ends_at"
            " FROM sessions"
        )
    await change

    assert await door.rows("SELECT FROM sessions WHERE ended_at IS NULL") == []


async def test_a_user_sees_and_ends_his_own_sessions_and_nobody_elses(door: Door) -> None:
    mine, theirs = await door.account(), await door.account("li")
    other = (await door.sign_in()).json()["session"]
    token = await door.token(mine)
    listed = (await door.as_bearer(token, "GET", "/me/sessions")).json()["items"]
    (foreign,) = [each["id"] for each in (await door.as_bearer(await door.token(theirs), "GET", "/me/sessions")).json()["items"]]

    assert [(each["current"], each["way_label"], each["address"]) for each in listed] == [(False, "密码", ADDRESS), (True, "密码", ADDRESS)]
    answers = [
        await door.as_bearer(token, "DELETE", f"/me/sessions/{each}") for each in (listed[0]["id"], listed[0]["id"], foreign, uuid4())
    ]

    assert [answer.status_code for answer in answers] == [204, 404, 404, 404]
    assert answers[2].json() == answers[3].json(), "a session of somebody else is one that is not there"
    assert (await alive(door, mine), await alive(door, other), await alive(door, theirs)) == (True, False, True)


async def test_the_system_administrator_ends_all_sessions_of_an_account(door: Door) -> None:
    keys = [await door.account(), (await door.sign_in()).json()["session"]]

    answer = await door.ask("DELETE", "/users/{name}/sessions", Role.SYSTEM_ADMIN, None, "sysadmin")

    assert answer.json() == {"sessions": 2}
    assert [await alive(door, key) for key in keys] == [False, False]
    assert (await door.deeds())[-1] == ("sessions_ended", "zhang", "sysadmin")


async def test_who_stands_in_for_whom_and_until_when_is_in_the_sessions_answer(door: Door) -> None:
    key = await door.account()
    await door.register("li")
    until = door.app.state.clock.now() + timedelta(days=3)
    await door.ask("POST", "/users/zhang/proxies", Role.SECURITY_ADMIN, {"absent": "li", "until": until.isoformat()}, "secadmin")

    held = (await door.in_session(key)).json()

    assert [(each["name"], each["real_name"], datetime.fromisoformat(each["until"])) for each in held["acts_for"]] == [("li", "甲", until)]
    assert (await door.as_bearer(held["token"], "GET", "/me")).json()["acts_for"] == ["li"]


async def test_a_proxy_that_was_ended_early_is_not_shown_any_more(door: Door) -> None:
    key = await door.account()
    await door.register("li")
    until = door.app.state.clock.now() + timedelta(days=3)
    made = await door.ask("POST", "/users/zhang/proxies", Role.SECURITY_ADMIN, {"absent": "li", "until": until.isoformat()}, "secadmin")
    await door.ask("POST", f"/proxies/{made.json()['id']}/end", Role.SECURITY_ADMIN, {"reason": "提前返岗"}, "secadmin")

    assert (await door.in_session(key)).json()["acts_for"] == []


async def test_sessions_that_ended_a_month_ago_and_attempts_of_yesterday_are_forgotten(door: Door) -> None:
    old, new = await door.account(), (await door.sign_in()).json()["session"]
    await door.sign_in("nobody", "Nicht-das-Richtige-9")
    await door.rows("UPDATE sessions SET idle_ends_at = now() - interval '31 days' WHERE made_at = (SELECT min(made_at) FROM sessions)")
    await door.rows("UPDATE sign_in_failures SET last_at = now() - interval '25 hours'")

    await sweep(door.database, datetime.now(UTC))

    assert (await alive(door, old), await alive(door, new)) == (False, True)
    assert len(await door.rows("SELECT FROM sessions")) == 1
    assert await door.rows("SELECT FROM sign_in_failures") == []
