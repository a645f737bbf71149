"""Every operation of every service, asked for anything its description allows and more: no server error, and answers as described.

`FUZZ_EXAMPLES=100 FUZZ_SEED=7` asks more, or something else; the suite asks the same few each time.
"""

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.local.place import PROJECT, SERVICES, Place, Service
from services.monitoring.api import board
from shared import db
from shared.auth import Tokens, Who
from shared.glossary import Role
from shared.progress import EVENTS
from tests import secret_files
from tests.fuzz.ground import applications, made
from tests.fuzz.learned import Learned
from tests.fuzz.service import served
from tests.identity.doors import hash_quickly
from tests.identity.provider.forger import Forger

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
MODES = {GenerationMode.POSITIVE: EXAMPLES, GenerationMode.NEGATIVE: EXAMPLES // 2}
LIMITS = settings(database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
TELLING = 5
ROLES = (frozenset(Role), *(frozenset({role}) for role in Role))
MORE = 8
"""Times as many of what is asked with whole bodies."""
BEYOND = {"taken", "not_ready", "cause_unknown", "cause_unfit"}
"""Answers that need the roster's: the second, as no worker has begun the case that is asked."""


@dataclass
class Fuzz:
    """Asks one service, and keeps what it should not have answered."""

    address: str
    tokens: list[str]
    learned: Learned
    http: requests.Session = field(default_factory=requests.Session)
    wrong: dict[str, str] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    whole: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    of_whole: Counter[tuple[str, str]] = field(default_factory=Counter)
    said: set[str] = field(default_factory=set)

    def operation(self, asked: APIOperation[Any, Any, Any, Any]) -> None:
        for mode, few in MODES.items():
            examples = few * MORE if asked.label in self.whole else few
            about = asked.as_strategy(generation_mode=mode)

            @seed(SEED)
            @settings(LIMITS, max_examples=examples)
            @given(case=about, role=st.integers(0, 3 * len(self.tokens)), choice=st.integers(0, 2**64))
            def ask(case: Case[Any], role: int, choice: int) -> None:
                self._ask(case, self.tokens[role if role < len(self.tokens) else 0], choice)

            with suppress(Unsatisfiable):  # where everything is allowed, nothing is wrong
                ask()

    def _ask(self, case: Case[Any], token: str, choice: int) -> None:
        if not _streams(case.operation):
            self.learned.put_into(case, choice)
        if wholes := self.whole.get(case.operation.label):
            self.learned.put_around(case, wholes, choice)
        self.said |= set(_texts([case.path_parameters, case.query, case.body]))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"fuzz-{choice}"}
        answer = case.call(base_url=self.address, session=self.http, headers=headers, timeout=30)
        self.answered[f"{answer.status_code // 100}xx"] += 1
        if case.operation.label in self.whole:
            self.of_whole[case.operation.label, answer.json()["code"] if answer.status_code >= 400 else "taken"] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
            assert answer.status_code < 500, "a server error"
        except (FailureGroup, AssertionError) as failure:
            found = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            said = "\n".join(str(each) for each in found)
            self.wrong.setdefault(case.operation.label, f"{case.as_curl_command()}\n{answer.status_code} {answer.text[:600]}\n{said}")
        if answer.status_code < 300 and answer.content and "json" in str(answer.headers.get("content-type")):
            self.learned.from_answer(case.operation.path, answer.json())


def _texts(value: Any) -> Iterator[str]:
    """Every text that stands in it and is long enough to be nobody else's."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str) and len(value) >= TELLING:
        yield value


def _streams(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    return EVENTS in operation.definition.raw["responses"].get("200", {}).get("content", {})


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    name: Service = request.param
    return name


@pytest_asyncio.fixture
async def known(stack: Place, service: Service, database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, list[Any]]:
    return await made(stack, service, database, monkeypatch)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The text of everything that the pools of this process ask PostgreSQL."""
    asked: set[str] = set()
    ready = db.readable_json

    async def listened_to(conn: db.Connection) -> None:
        await ready(conn)
        conn.add_query_logger(lambda query: asked.add(query.query))

    monkeypatch.setattr(db, "readable_json", listened_to)
    return asked


@pytest.fixture
def provider(service: Service, stack: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The ways in of identity, all of them open: one may try as often as one likes, and an OpenID provider is there."""
    if service != "identity":
        yield {}
        return
    hash_quickly(monkeypatch)
    forger = Forger("")
    secret_files.write(stack.home / "secrets" / "oidc.secret", "secret")
    with served(forger.app()) as forger.issuer:
        named = {"ISSUER": forger.issuer, "CLIENT": "bianban", "REDIRECT": "http://127.0.0.1:9/back"}
        yield {"IDENTITY_ATTEMPTS": "0", "IDENTITY_FAILURES": "100000"} | {f"IDENTITY_OIDC_{name}": value for name, value in named.items()}


@pytest.fixture
def roster(
    service: Service,
    statements: set[str],  # noqa: ARG001  before a pool is made
    known: Mapping[str, list[Any]],  # noqa: ARG001  its units and people are there
    stack: Place,
    database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """The neighbour that approval asks, on the same county."""
    if service != "approval":
        yield {}
        return
    for name, value in (stack.variables("roster") | {"ROSTER_DATABASE_URL": database("roster")}).items():
        monkeypatch.setenv(name, value)
    with served(importlib.import_module("services.roster.app").create_app()) as address:
        yield {"BIANBAN_ROSTER_URL": address}


@pytest.fixture
def app(
    service: Service,
    stack: Place,
    database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    provider: dict[str, str],
    roster: dict[str, str],
) -> FastAPI:
    for name, value in stack.variables(service).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", database(service))
    for name, value in (provider | roster).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(board, "LIFETIME", timedelta(seconds=1))  # a stream of lights that ends while it is waited for
    built: FastAPI = importlib.import_module(f"services.{service}.app").create_app()
    return built


@pytest.fixture
def fuzz(
    statements: set[str],  # noqa: ARG001  before a pool is made
    app: FastAPI,
    stack: Place,
    service: Service,
    known: Mapping[str, list[Any]],
) -> Iterator[Fuzz]:
    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    with served(app) as address:
        yield Fuzz(
            address,
            [tokens.issue(Who("fuzz", roles), datetime.now(UTC)) for roles in ROLES],
            Learned(known),
            whole=applications(known) if service == "approval" else {},
        )


def test_no_request_meets_a_server_error_every_answer_is_as_described_and_no_statement_holds_what_was_sent(
    fuzz: Fuzz, app: FastAPI, statements: set[str]
) -> None:
    described = list(schemathesis.openapi.from_dict(app.openapi()).get_all_operations())
    operations = [found.ok() for found in described if isinstance(found, Ok)]
    assert len(operations) == len(described)

    for each in sorted(operations, key=lambda operation: operation.method != "post"):
        fuzz.operation(each)

    print(f"{len(operations)} operations, {EXAMPLES} examples, FUZZ_SEED={SEED}: {dict(fuzz.answered)}")  # noqa: T201  for who repeats it
    assert "\n\n".join(fuzz.wrong.values()) == ""
    assert fuzz.answered["2xx"]
    assert {label for label, code in fuzz.of_whole if code in BEYOND} == set(fuzz.whole)
    text = "\n".join(statements)
    assert (len(statements) > 10, [said for said in fuzz.said if said in text and said not in ours()]) == (True, [])


@cache
def ours() -> str:
    """The words of our own code, which a request may well hold."""
    files = [path for folder in ("services", "shared") for path in (PROJECT / folder).rglob("*") if path.suffix in {".py", ".sql"}]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)
