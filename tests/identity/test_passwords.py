"""Passwords that may be set and those that may not, and who may set them; the second factor."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import httpx
import pyotp
import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from services.identity.commands import hashing
from services.identity.models.refusals import PasswordGuessable, PasswordHoldsName, PasswordTooPlain, PasswordTooShort
from services.identity.models.sign_in import Policy
from services.identity.rules import passwords, second_factors
from shared.auth import Who
from shared.errors import DomainError
from shared.glossary import Role
from tests.identity.doors import PASSWORD, Door, waiting

MINUTE = timedelta(minutes=1)
SYSTEM = Who("sysadmin", frozenset({Role.SYSTEM_ADMIN}))
POLICY = Policy(MINUTE, MINUTE, 5, MINUTE, 10, 3, 5, None, MINUTE, second_factor=False)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("Ab3!ef7#k", PasswordTooShort),
        ("qvmxrtzkwplhd", PasswordTooPlain),
        ("Qvmxrtzkwplhd", PasswordTooPlain),
        ("Qv7-Zhangwei-x9m", PasswordHoldsName),
        ("Qv7-iewgnahz-x9m", PasswordHoldsName),
        ("Password123!", PasswordGuessable),
        ("Qwer1234!@#$", PasswordGuessable),
        ("Aa1!Aa1!Aa1!", PasswordGuessable),
        ("Haining@2026", PasswordGuessable),
        ("Bianban20260918", PasswordGuessable),
    ],
)
def test_a_password_that_is_easily_found_is_refused_by_what_is_wrong_with_it(password: str, refusal: type[DomainError]) -> None:
    with pytest.raises(refusal):
        passwords.ensure_fit(POLICY, password, "zhangwei")


@pytest.mark.parametrize("password", [PASSWORD, "竹林深处-听雨-Q7", "7gK!rw2pQz"])
def test_a_good_one_is_not(password: str) -> None:
    passwords.ensure_fit(POLICY, password, "zhangwei")


def test_a_password_to_hand_out_is_another_each_time_and_easily_read() -> None:
    drawn = {passwords.one_time() for _ in range(100)}

    assert len(drawn) == 100
    assert {len(each) for each in drawn} == {19}
    assert not set("".join(drawn)) & set("01lIioO")


def test_a_password_costs_what_the_rfc_asks_for_whether_there_is_an_account_or_not() -> None:
    """Must fail when the pace of the other tests (`hash_quickly`) is the house's."""
    made = hashing._HASHER.hash(PASSWORD)

    assert extract_parameters(made) == extract_parameters(hashing.NOBODYS) == RFC_9106_LOW_MEMORY


@pytest.mark.parametrize("seconds", [0, 29, -30])
def test_a_code_is_that_of_rfc_6238_within_a_step_of_the_clock(seconds: int) -> None:
    # appendix B: secret "12345678901234567890", T = 0x23523EC at 1111111109 gives 07081804 (its last six digits)
    at = datetime.fromtimestamp(1111111109, UTC)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    assert second_factors.step_of(secret, "081804", at + timedelta(seconds=seconds)) == 0x23523EC
    assert second_factors.step_of(secret, "081804", at + timedelta(seconds=90)) is None
    assert second_factors.step_of(secret, "081805", at) is None


async def change(door: Door, key: str, new: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    body = {"password": password, "new_password": new, **more}
    return await door.as_bearer(await door.token(key), "POST", "/me/password", body)


@pytest.mark.asyncio
async def test_the_last_five_passwords_are_not_taken_again_and_the_one_before_them_is(door: Door) -> None:
    key, used = await door.account(), [PASSWORD, *(f"Zaunkönig_{number}_Tannen" for number in (81, 82, 83, 84, 85))]
    for before, new in pairwise(used):
        key = (await change(door, key, new, before)).json()["session"]

    for again in used[1:]:
        assert said(await change(door, key, again, used[-1])) == (409, "password_used_before")
    assert (await change(door, key, used[0], used[-1])).status_code == 200


@pytest.mark.asyncio
async def test_a_password_handed_out_is_none_of_the_last_five(door: Door) -> None:
    key, used = await door.account(), [PASSWORD, *(f"Zaunkönig_{number}_Tannen" for number in (81, 82, 83, 84, 85))]
    for before, new in pairwise(used):
        key = (await change(door, key, new, before)).json()["session"]
    first = await door.one_time()
    key = (await door.sign_in(password=first)).json()["session"]

    for again in (*used[1:], first):
        assert said(await change(door, key, again, first)) == (409, "password_used_before")
    assert (await change(door, key, used[0], first)).status_code == 200


@pytest.mark.asyncio
async def test_a_borrowed_session_cannot_set_a_password_and_guessing_in_it_locks_the_account(door: Door) -> None:
    key = await door.account()

    answers = [said(await change(door, key, "Zaunkönig_88_Tannen", f"guess-{number}")) for number in range(6)]

    assert answers == [(403, "password_wrong")] * 5 + [(401, "account_locked")]
    assert said(await door.sign_in()) == (401, "account_locked")
    assert ("account_locked", "zhang", "zhang") in await door.deeds()


@pytest.mark.asyncio
async def test_a_new_password_has_to_keep_the_rules(door: Door) -> None:
    key = await door.account()

    answers = [said(await change(door, key, new)) for new in ("short", "Password123!", "Qv7-zhang-x9mT", PASSWORD)]

    assert [code for _, code in answers] == ["password_too_short", "password_guessable", "password_holds_name", "password_used_before"]
    assert (await door.sign_in()).status_code == 201


@pytest.mark.asyncio
async def test_nobody_sets_the_password_of_an_administrator_by_a_page(door: Door) -> None:
    for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN):
        await door.register(role.replace("_", "-"), role)
        answer = await door.ask("POST", f"/users/{role.replace('_', '-')}/one-time-password", Role.SYSTEM_ADMIN, {}, "sysadmin")
        assert said(answer) == (403, "password_of_administrator")

    assert await door.rows("SELECT FROM credentials") == []


@pytest.mark.asyncio
async def test_who_becomes_an_administrator_while_a_password_is_handed_out_gets_none(door: Door) -> None:
    await door.register()
    async with door.database.transaction() as conn:
        await conn.execute("SELECT FROM users WHERE name = 'zhang' FOR UPDATE")
        handing_out = asyncio.create_task(door.ask("POST", "/users/zhang/one-time-password", Role.SYSTEM_ADMIN, {}, "sysadmin"))
        await waiting(door)
        await conn.execute(
            "INSERT INTO grants (id, user_id, role, granted_by, granted_at)"
            " SELECT gen_random_uuid(), id, 'security_admin', 'secadmin', now() FROM users WHERE name = 'zhang'"
        )

    assert said(await handing_out) == (403, "password_of_administrator")
    assert await door.rows("SELECT FROM credentials") == []


@pytest.mark.asyncio
@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
async def test_nobody_becomes_an_administrator_while_another_knows_his_password(door: Door, role: Role) -> None:
    """Whoever handed it out would sign in as both of them."""
    await door.register(role=None)
    handed_out = await door.one_time()

    refused = await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": role}, "secadmin")
    other = await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": Role.OBSERVER}, "secadmin")
    key = (await door.sign_in(password=handed_out)).json()["session"]
    await change(door, key, PASSWORD, handed_out)
    granted = await door.ask("POST", "/users/zhang/roles", Role.SECURITY_ADMIN, {"role": role}, "secadmin")

    assert (said(refused), other.status_code) == ((409, "one_time_password_out"), 201)
    assert granted.status_code == 201


@pytest.mark.asyncio
async def test_a_repeat_of_handing_out_does_not_hand_out_another(door: Door) -> None:
    await door.register()
    headers = {"idempotency-key": "hand-out-1", "authorization": f"Bearer {door.signer.issue(SYSTEM, datetime.now(UTC))}"}

    first, again = [await door.client.post("/users/zhang/one-time-password", json={}, headers=headers) for _ in range(2)]

    assert (first.status_code, said(again)) == (201, (409, "key_reused"))
    assert (await door.sign_in(password=first.json()["one_time_password"])).status_code == 201


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "path"), [("DELETE", "/users/zhang/sessions"), ("POST", "/users/zhang/release")])
async def test_a_release_or_an_end_of_sessions_that_is_repeated_gets_its_first_answer_and_is_done_once(
    door: Door, method: str, path: str
) -> None:
    await door.account()
    headers = {"idempotency-key": "again-001", "authorization": f"Bearer {door.signer.issue(SYSTEM, datetime.now(UTC))}"}
    body: dict[str, str] | None = None if method == "DELETE" else {}

    first = await door.client.request(method, path, json=body, headers=headers)
    once = await door.deeds()
    again = await door.client.request(method, path, json=body, headers=headers)

    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert await door.deeds() == once


@pytest.mark.asyncio
async def test_a_password_handed_out_ends_the_sessions_and_the_lock(door: Door) -> None:
    key = await door.account()
    for _ in range(5):
        await door.sign_in(password="Nicht-das-Richtige-9")

    first = await door.one_time()

    assert (await door.in_session(key)).status_code == 401
    assert (await door.sign_in(password=first)).status_code == 201


async def factor(door: Door, key: str) -> pyotp.TOTP:
    """Set up a second factor; its app."""
    made = (await door.as_bearer(await door.token(key), "POST", "/me/totp", {"password": PASSWORD})).json()
    app = pyotp.parse_uri(made["uri"])
    assert isinstance(app, pyotp.TOTP)
    answer = await door.as_bearer(await door.token(key), "POST", "/me/totp/confirmation", {"code": app.now()})
    assert answer.status_code == 204, answer.text
    return app


def later(app: pyotp.TOTP) -> str:
    """The next code, which the door takes half a minute early."""
    return app.at(datetime.now(UTC), counter_offset=1)


@pytest.mark.asyncio
async def test_with_a_second_factor_the_password_alone_is_not_enough_and_a_code_works_once(door: Door) -> None:
    app = await factor(door, await door.account())
    code = later(app)

    answers = [await door.sign_in(), await door.sign_in(code="000000"), await door.sign_in(code=code), await door.sign_in(code=code)]

    assert [said(answer)[1] for answer in answers] == ["code_needed", "sign_in_refused", "", "sign_in_refused"]
    held = await door.as_bearer(await door.token(answers[2].json()["session"]), "GET", "/me/sessions")
    assert held.json()["items"][0]["way_label"] == "密码和动态口令"


@pytest.mark.asyncio
async def test_of_two_requests_with_one_code_one_gets_in(door: Door) -> None:
    app = await factor(door, await door.account())
    code = later(app)

    answers = await asyncio.gather(*(door.sign_in(code=code) for _ in range(3)))

    assert sorted(answer.status_code for answer in answers) == [201, 401, 401]


@pytest.mark.asyncio
async def test_the_code_that_set_it_up_does_not_sign_in_too(door: Door) -> None:
    key = await door.account()
    app = pyotp.parse_uri((await door.as_bearer(await door.token(key), "POST", "/me/totp", {"password": PASSWORD})).json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    code = app.now()
    await door.as_bearer(await door.token(key), "POST", "/me/totp/confirmation", {"code": code})

    assert said(await door.sign_in(code=code)) == (401, "sign_in_refused")


@pytest.mark.asyncio
async def test_guessing_codes_locks_and_leaving_the_code_out_does_not_start_the_count_anew(door: Door) -> None:
    await factor(door, await door.account())

    codes = []
    for number in range(6):
        codes.append(said(await door.sign_in(code=f"00000{number}"))[1])
        codes.append(said(await door.sign_in())[1])

    assert codes[:10] == ["sign_in_refused", "code_needed"] * 4 + ["sign_in_refused", "account_locked"]
    assert set(codes[10:]) <= {"account_locked", "too_many_requests"}


@pytest.mark.asyncio
async def test_a_secret_counts_after_its_first_code_only_and_is_sealed_where_it_lies(door: Door) -> None:
    key = await door.account()
    token = await door.token(key)
    made = (await door.as_bearer(token, "POST", "/me/totp", {"password": PASSWORD})).json()

    wrong = await door.as_bearer(token, "POST", "/me/totp/confirmation", {"code": "000000"})

    assert said(wrong) == (403, "code_wrong")
    assert (await door.sign_in()).status_code == 201
    ((secret,),) = await door.rows("SELECT secret FROM second_factors")
    assert made["secret"].encode() not in secret


@pytest.mark.asyncio
async def test_a_borrowed_session_alone_sets_up_no_second_factor(door: Door) -> None:
    """Else whoever sits down at somebody's browser has the code from then on, and its owner is out."""
    token = await door.token(await door.account())
    await door.as_bearer(token, "POST", "/me/totp", {"password": PASSWORD})
    ((kept,),) = await door.rows("SELECT secret FROM second_factors")

    without = await door.as_bearer(token, "POST", "/me/totp")
    guessed = [said(await door.as_bearer(token, "POST", "/me/totp", {"password": f"Guess-{number}-at-it"})) for number in range(6)]

    assert without.status_code == 422
    assert guessed == [(403, "password_wrong")] * 4 + [(403, "password_wrong"), (401, "account_locked")]
    assert [secret for (secret,) in await door.rows("SELECT secret FROM second_factors")] == [kept]
    assert (await door.deeds()).count(("sign_in_refused", "zhang", "zhang")) >= 5


@pytest.mark.asyncio
@pytest.mark.parametrize("meanwhile", ["confirmed_at = now()", "secret = 'another'"])
async def test_of_a_secret_that_was_confirmed_or_replaced_meanwhile_nothing_is_confirmed_nor_on_record(door: Door, meanwhile: str) -> None:
    token = await door.token(await door.account())
    app = pyotp.TOTP((await door.as_bearer(token, "POST", "/me/totp", {"password": PASSWORD})).json()["secret"])
    async with door.database.transaction() as conn:
        await conn.execute("SELECT FROM second_factors FOR UPDATE")
        confirming = asyncio.create_task(door.as_bearer(token, "POST", "/me/totp/confirmation", {"code": app.now()}))
        await waiting(door)
        await conn.execute(f"UPDATE second_factors SET {meanwhile}")

    assert said(await confirming) == (409, "factor_missing")
    assert ("second_factor_added", "zhang", "zhang") not in await door.deeds()


@pytest.mark.asyncio
async def test_a_second_factor_is_not_replaced_by_whoever_has_the_session_and_goes_with_password_and_code(door: Door) -> None:
    key = await door.account()
    app = await factor(door, key)
    token = await door.token(key)

    async def remove(body: dict[str, str]) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return await door.client.request("DELETE", "/me/totp", json=body, headers=headers)

    answers = [
        await door.as_bearer(token, "POST", "/me/totp", {"password": PASSWORD}),
        await remove({"password": PASSWORD}),
        await remove({"password": PASSWORD, "code": later(app)}),
        await remove({"password": PASSWORD}),
    ]

    assert [said(answer)[1] for answer in answers] == ["factor_present", "code_needed", "", "factor_missing"]
    assert (await door.sign_in()).status_code == 201


@pytest.mark.asyncio
async def test_a_code_is_used_up_by_a_removal_that_is_done_and_by_no_other(door: Door, database: Callable[[str], str]) -> None:
    """Must fail when the code goes in a transaction of its own: whoever is interrupted waits for another one, with the factor still there."""
    key = await door.account()
    code = later(await factor(door, key))
    headers = {"authorization": f"Bearer {await door.token(key)}"}
    owner = await asyncpg.connect(database("bianban"))
    await owner.execute("ALTER TABLE identity.account_records ADD CONSTRAINT broken CHECK (deed <> 'second_factor_removed') NOT VALID")

    async def remove() -> int:
        return (await door.client.request("DELETE", "/me/totp", json={"password": PASSWORD, "code": code}, headers=headers)).status_code

    interrupted = await remove()
    await owner.execute("ALTER TABLE identity.account_records DROP CONSTRAINT broken")
    await owner.close()

    assert (interrupted, await remove()) == (500, 204)


@pytest.mark.asyncio
async def test_a_code_that_removed_the_factor_or_set_a_password_is_used_up_too(door: Door) -> None:
    key = await door.account()
    app = await factor(door, key)
    code = later(app)

    assert (await change(door, key, "Zaunkönig_88_Tannen", code=code)).status_code == 200
    assert said(await door.sign_in(password="Zaunkönig_88_Tannen", code=code)) == (401, "sign_in_refused")


@pytest.mark.asyncio
async def test_with_the_telephone_gone_the_administrator_takes_the_second_factor_off(door: Door) -> None:
    await factor(door, await door.account())

    first = await door.one_time(factor_lost=True)

    assert (await door.sign_in(password=first)).status_code == 201
    assert ("second_factor_removed", "zhang", "sysadmin") in await door.deeds()
