"""Sign-in by an OpenID provider: a real one for what is right, a forger in its place for everything that is not."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from deploy.local.place import Place
from services.identity.settings import IdentitySettings
from tests import secret_files
from tests.identity.doors import Door, opened
from tests.identity.provider.forger import Forger
from tests.identity.provider.running import REDIRECT, SECRET, running, signed_in
from tests.servers import free_port, served

pytestmark = pytest.mark.asyncio


@pytest.fixture
def configured(environment: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Place]:
    """Identity with a provider of this issuer."""
    for name in ("token.pub", "token.key", "account.keys"):
        secret_files.write(tmp_path / name, (environment.home / "secrets" / name).read_text())
    secret_files.write(tmp_path / "oidc.secret", SECRET)

    def of(issuer: str) -> Place:
        monkeypatch.setenv("BIANBAN_SECRETS_DIR", str(tmp_path))
        monkeypatch.setenv("IDENTITY_OIDC_ISSUER", issuer)
        monkeypatch.setenv("IDENTITY_OIDC_CLIENT", "bianban")
        monkeypatch.setenv("IDENTITY_OIDC_REDIRECT", REDIRECT)
        return environment

    return of


@pytest.fixture(scope="module", params=[True, False], ids=["claim in the token", "claim beside it"])
def issuer(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(in_token=request.param) as address:
        yield address


async def begun(door: Door, return_to: str = "/tasks?tab=mine") -> dict[str, str]:
    answer = await door.client.post("/oidc/requests", json={"return_to": return_to})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def back(door: Door, begun: dict[str, str], sent: dict[str, str]) -> httpx.Response:
    return await door.client.post("/oidc/sessions", json={"code": sent["code"], "state": sent["state"], "kept": begun["kept"]})


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_whom_the_provider_vouches_for_is_signed_in_and_goes_where_he_wanted(configured: Callable[[str], Place], issuer: str) -> None:
    async with opened(configured(issuer)) as door:
        await door.register()
        begin = await begun(door)
        answer = await back(door, begin, await signed_in(begin["url"], "zhang"))
        held = (await door.in_session(answer.json()["session"])).json()
        deeds = await door.deeds()

    assert (answer.status_code, answer.json()["return_to"]) == (201, "/tasks?tab=mine")
    assert (held["name"], held["must_change_password"], held["roles"]) == ("zhang", False, {"observer": "协同部门"})
    assert deeds == [("signed_in", "zhang", "zhang")]


async def test_a_code_works_once(configured: Callable[[str], Place], issuer: str) -> None:
    async with opened(configured(issuer)) as door:
        await door.register()
        begin = await begun(door)
        sent = await signed_in(begin["url"], "zhang")

        assert (await back(door, begin, sent)).status_code == 201
        assert said(await back(door, begin, sent)) == (401, "provider_refused")


async def test_a_code_that_was_stolen_on_its_way_is_worth_nothing_without_what_this_browser_kept(
    configured: Callable[[str], Place], issuer: str
) -> None:
    async with opened(configured(issuer)) as door:
        await door.register()
        mine, theirs = await begun(door), await begun(door)
        sent = await signed_in(theirs["url"], "zhang")

        assert said(await back(door, mine, sent)) == (401, "provider_refused"), "the state is another"
        own_state = parse_qs(urlsplit(mine["url"]).query)["state"][0]
        assert said(await back(door, mine, sent | {"state": own_state})) == (401, "provider_refused"), "the verifier is another"


async def test_nobody_gets_an_account_by_himself(configured: Callable[[str], Place], issuer: str) -> None:
    async with opened(configured(issuer)) as door:
        begin = await begun(door)
        answer = await back(door, begin, await signed_in(begin["url"], "stranger"))

        assert said(answer) == (401, "provider_account_unknown")
        assert await door.rows("SELECT FROM users") == []
        assert await door.deeds() == [("sign_in_refused", None, "nobody")]


@asynccontextmanager
async def forged(configured: Callable[[str], Place]) -> AsyncIterator[tuple[Door, Forger]]:
    port = free_port()
    forger = Forger(f"http://127.0.0.1:{port}")
    async with served(forger.app(), port), opened(configured(forger.issuer)) as door:
        await door.register()
        yield door, forger


async def tried(door: Door, forger: Forger) -> httpx.Response:
    begin = await begun(door)
    asked = parse_qs(urlsplit(begin["url"]).query)
    forger.nonce = forger.nonce or asked["nonce"][0]
    return await back(door, begin, {"code": "code", "state": asked["state"][0]})


def with_public_key(forger: Forger) -> str:
    """By hand: the library lends nobody a public key as a shared secret."""
    parts = ({"alg": "HS256", "kid": "one"}, forger.claimed())
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    mac = hmac.digest(forger.key.as_pem(private=False), text, "sha256")
    return b".".join((text, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


def of_its_own(key: RSAKey) -> dict[str, Any]:
    return {"header": {"alg": "RS256", "jwk": key.as_dict(private=False)}, "signer": key}


FORGERIES: dict[str, Callable[[Forger], dict[str, Any]]] = {
    "another nonce": lambda _: {"nonce": "planted"},
    "no nonce": lambda _: {"claims": {"nonce": None}},
    "another issuer": lambda _: {"claims": {"iss": "https://elsewhere.example"}},
    "no issuer": lambda _: {"claims": {"iss": None}},
    "another audience": lambda _: {"claims": {"aud": "another-client"}},
    "no audience": lambda _: {"claims": {"aud": None}},
    "several audiences, for another party": lambda _: {"claims": {"aud": ["bianban", "x"], "azp": "x"}},
    "expired": lambda _: {"claims": {"exp": int(time.time()) - 60}},
    "without an end": lambda _: {"claims": {"exp": None}},
    "made in the future": lambda _: {"claims": {"iat": int(time.time()) + 600}},
    "alg none": lambda _: {"header": {"alg": "none"}, "signer": OctKey.generate_key(256)},
    "signed with the client's secret": lambda _: {"header": {"alg": "HS256"}, "signer": OctKey.import_key(SECRET)},
    "signed with the public key as a secret": lambda _: {"made": with_public_key},
    "signed with a key nobody published": lambda _: {"signer": RSAKey.generate_key(2048, {"kid": "one"})},
    "a key of its own in the header": lambda _: of_its_own(RSAKey.generate_key(2048)),
    "no token at all": lambda _: {"signed": "nonsense"},
    "half a token": lambda _: {"signed": "e30.e30"},
    "told beside about somebody else": lambda _: {
        "claims": {"preferred_username": None},
        "info": {"sub": "another", "preferred_username": "zhang"},
    },
    "no login name anywhere": lambda _: {"claims": {"preferred_username": None}, "info": {"sub": "subject"}},
    "a login name that is no text": lambda _: {"claims": {"preferred_username": ["zhang"]}},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_answer_is_refused(configured: Callable[[str], Place], forgery: str) -> None:
    async with forged(configured) as (door, forger):
        for name, value in FORGERIES[forgery](forger).items():
            setattr(forger, name, value)

        assert said(await tried(door, forger)) == (401, "provider_refused")
        assert await door.rows("SELECT FROM sessions") == []


async def test_the_same_answer_unforged_is_taken_and_a_new_key_of_the_provider_is_followed(configured: Callable[[str], Place]) -> None:
    async with forged(configured) as (door, forger):
        assert (await tried(door, forger)).status_code == 201
        forger.key, forger.header, forger.nonce = ECKey.generate_key("P-256", {"kid": "two"}), {"alg": "ES256", "kid": "two"}, ""
        assert (await tried(door, forger)).status_code == 201


async def test_what_the_browser_kept_ends_and_cannot_be_made_by_it(
    configured: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with forged(configured) as (door, forger):
        begin = await begun(door)
        asked = parse_qs(urlsplit(begin["url"]).query)
        sent, forger.nonce = {"code": "code", "state": asked["state"][0]}, asked["nonce"][0]
        for kept in ("00", "zz", "", begin["kept"][:-2] + "00"):
            answer = await back(door, begin | {"kept": kept}, sent)
            assert answer.status_code == (401 if kept else 422)
        now = time.time()
        monkeypatch.setattr("services.identity.api.provider.time", type("Later", (), {"time": staticmethod(lambda: now + 601)}))
        assert said(await back(door, begin, sent)) == (401, "provider_refused")


async def test_a_provider_that_calls_itself_by_another_name_is_refused(configured: Callable[[str], Place]) -> None:
    async with forged(configured) as (door, forger):
        forger.described = {"issuer": "https://elsewhere.example"}

        assert said(await door.client.post("/oidc/requests", json={})) == (401, "provider_refused")


async def test_a_provider_that_is_away_is_no_fault_of_the_user(configured: Callable[[str], Place]) -> None:
    async with opened(configured(f"http://127.0.0.1:{free_port()}")) as door:
        assert said(await door.client.post("/oidc/requests", json={})) == (503, "unavailable")


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", ""]
)
async def test_nobody_is_sent_to_another_site_afterwards(configured: Callable[[str], Place], elsewhere: str) -> None:
    async with opened(configured(f"http://127.0.0.1:{free_port()}")) as door:
        assert (await door.client.post("/oidc/requests", json={"return_to": elsewhere})).status_code == 422


async def test_where_no_provider_is_set_there_is_no_such_way_in(door: Door) -> None:
    assert (await door.client.post("/oidc/requests", json={})).status_code == 404


async def test_a_provider_is_set_whole_and_reached_by_https_in_production(
    configured: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured("http://127.0.0.1:1")
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "production")
    monkeypatch.setenv("IDENTITY_DEMO", "false")
    with pytest.raises(ValueError, match="https"):
        IdentitySettings()
    monkeypatch.setenv("IDENTITY_OIDC_CLIENT", "")
    with pytest.raises(ValueError, match="也须写 IDENTITY_OIDC_CLIENT"):
        IdentitySettings()
