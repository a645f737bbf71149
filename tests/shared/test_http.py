"""Problem documents (RFC 9457): every refusal has a code, an honest status and a sentence, and no answer shows what is inside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pydantic import BaseModel, Field, ValidationError, field_validator

import shared.http
from shared.auth import NotSignedIn, Permit, Who
from shared.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable, Unproved
from shared.glossary import reason_of
from shared.guard import HEADERS, TooMany
from shared.http import BODY_LIMIT, IdempotencyKey, serve, service_app
from shared.problems import TITLES

SECRET = "330499199001011234"


class Full(Conflict):
    """A refusal with facts."""

    code = "full"
    sentence = "单位 {unit} 已无空编（{missing}）。"


class Guessed(Unproved):
    """As identity refuses a sign-in."""

    code = "guessed"


class Body(BaseModel):
    """A body with a field that may be wrong."""

    number: int
    id_number: str = ""
    ending: Literal["xlsx", "csv"] = "csv"

    @field_validator("id_number")
    @classmethod
    def never_right(cls, value: str) -> str:
        if value:
            raise ValueError("check digit")
        return value


class Command(BaseModel):
    """What a command takes."""

    posts: int = Field(ge=1)


def _out_of_range() -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        Command(posts=0)
    return refused.value


def application() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = service_app("kit", lifespan)
    errors: dict[str, Exception] = {
        "not-found": NotFound(),
        "conflict": Full(unit=7),
        "forbidden": Forbidden(),
        "plain": DomainError(),
        "signed-out": NotSignedIn(),
        "unproved": Guessed(),
        "too-many": TooMany(wait=7),
        "away": Unavailable("database"),
        "disk-full": asyncpg.DiskFullError(SECRET),
        "lock-waited-for": asyncpg.LockNotAvailableError(SECRET),
        "broken": RuntimeError(SECRET),
        "out-of-range": _out_of_range(),
    }

    @app.get("/raise/{name}")
    async def raising(name: str) -> None:
        raise errors[name]

    @app.post("/write")
    async def write(body: Body, idempotency_key: IdempotencyKey) -> dict[str, object]:
        return {"number": body.number, "key": idempotency_key}

    async def away() -> None:
        raise ConnectionError(SECRET)

    app.state.ready = {"database": away}
    return app


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as made:
        yield made


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("not-found", 404, "not_found"),
        ("conflict", 409, "full"),
        ("forbidden", 403, "forbidden"),
        ("plain", 409, "refused"),
        ("signed-out", 401, "not_signed_in"),
        ("away", 503, "unavailable"),
        ("disk-full", 503, "unavailable"),
        ("lock-waited-for", 503, "unavailable"),
        ("broken", 500, "internal_error"),
    ],
)
async def test_each_kind_of_error_has_its_status_and_code(name: str, status: int, code: str) -> None:
    async with client() as asked:
        answer = await asked.get(f"/raise/{name}")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["type"], problem["code"], problem["status"]) == (f"urn:bianban:problem:{code}", code, status)
    assert problem["title"] == TITLES.get(code, TITLES["refused"])
    assert problem["detail"]
    assert SECRET not in answer.text


@pytest.mark.asyncio
async def test_who_is_turned_away_is_counted_by_code_and_route_and_whoever_asks_wrongly_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader]).get_meter("test").create_counter("turned.away")
    monkeypatch.setattr(shared.http, "TURNED_AWAY", counter)

    async with client() as asked:
        for name in ("signed-out", "signed-out", "unproved", "too-many", "forbidden", "conflict", "broken"):
            await asked.get(f"/raise/{name}")

    found = reader.get_metrics_data()
    points = found.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points if found else []
    told = {
        (str((each.attributes or {})["error.type"]), str((each.attributes or {})["http.route"])): getattr(each, "value", 0)
        for each in points
    }
    assert told == {
        ("not_signed_in", "/raise/{name}"): 2,
        ("guessed", "/raise/{name}"): 1,
        ("too_many_requests", "/raise/{name}"): 1,
    }


def test_every_route_describes_what_its_refusals_look_like() -> None:
    described = application().openapi()

    answers = described["paths"]["/write"]["post"]["responses"]
    assert {status: list(answers[status]["content"]) for status in ("409", "422", "503")} == {
        status: ["application/problem+json"] for status in ("409", "422", "503")
    }
    assert set(described["components"]["schemas"]["Problem"]["required"]) == {"type", "title", "code", "status", "detail"}


def test_a_description_says_which_permission_opens_a_route_and_which_rows_it_shows() -> None:
    router = APIRouter()

    @router.get("/units/{unit}")
    async def unit(unit: int, _: Annotated[Who, Depends(Permit("units.read", "self"))]) -> int:
        return unit

    app = application()
    serve(app, [router])
    paths = app.openapi()["paths"]

    assert (paths["/units/{unit}"]["get"]["x-permission"], paths["/units/{unit}"]["get"]["x-row-scope"]) == ("units.read", "self")
    assert "x-permission" not in paths["/write"]["post"]


@pytest.mark.asyncio
async def test_a_sentence_is_filled_from_the_facts_and_stands_without_those_that_are_missing() -> None:
    async with client() as asked:
        answer = (await asked.get("/raise/conflict")).json()

    assert (answer["detail"], answer["facts"]) == ("单位 7 已无空编（—）。", {"unit": "7"})


@pytest.mark.asyncio
async def test_answers_say_how_to_go_on() -> None:
    async with client() as asked:
        signed_out, away, broken = [await asked.get(f"/raise/{each}") for each in ("signed-out", "away", "broken")]

    assert signed_out.headers["www-authenticate"] == "Bearer"
    assert away.headers["retry-after"] == "5"
    assert broken.headers["connection"] == "close", "uvicorn closes it, and whoever asks over it again is reset"
    assert {name: broken.headers.get(name.decode(), "").encode() for name in HEADERS} == HEADERS


@pytest.mark.asyncio
async def test_a_malformed_body_names_its_fields_and_repeats_none_of_their_values() -> None:
    async with client() as asked:
        answer = await asked.post("/write", json={"number": "x", "id_number": SECRET}, headers={"idempotency-key": "12345678"})

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert {field["field"] for field in answer.json()["fields"]} == {"number", "id_number"}
    assert SECRET not in answer.text


@pytest.mark.asyncio
async def test_a_malformed_body_is_told_in_chinese_alone() -> None:
    async with client() as asked:
        of_few = await asked.post("/write", json={"number": 1, "ending": "pdf"}, headers={"idempotency-key": "12345678"})
        without = await asked.post("/write", headers={"idempotency-key": "12345678"})

    assert of_few.json()["fields"] == [{"field": "ending", "reason": "只能是 'xlsx'、'csv' 之一"}]
    assert without.json()["fields"] == [{"field": "请求内容", "reason": "必填，不能为空"}]


def test_an_empty_text_is_missing_and_not_one_character_too_short() -> None:
    assert reason_of("string_too_short", {"min_length": 1}) == reason_of("missing", {}) == "必填，不能为空"
    assert reason_of("string_too_short", {"min_length": 4}) == "至少 4 个字符"


@pytest.mark.asyncio
async def test_a_write_without_a_key_is_malformed() -> None:
    async with client() as asked:
        answers = [await asked.post("/write", json={"number": 1}, headers=headers) for headers in ({}, {"idempotency-key": "short"})]

    assert [answer.status_code for answer in answers] == [422, 422]


@pytest.mark.asyncio
async def test_a_body_beyond_the_limit_is_refused_in_words_and_with_the_header_set() -> None:
    async with client() as asked:
        answer = await asked.post("/write", content=b"x" * (BODY_LIMIT + 1), headers={"idempotency-key": "12345678"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert {name.decode() for name in HEADERS} | {"x-trace-id"} <= set(answer.headers)


@pytest.mark.asyncio
async def test_a_body_that_does_not_say_its_length_is_refused_at_the_limit() -> None:
    async def without_end() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 2**20

    async with client() as asked:
        answer = await asked.post("/write", content=without_end(), headers={"idempotency-key": "12345678"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.asyncio
async def test_a_service_says_what_it_waits_for_and_lives_meanwhile() -> None:
    async with client() as asked:
        live, ready = await asked.get("/live"), await asked.get("/ready")

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {"status": "waiting", "waiting_for": ["database"]}


@pytest.mark.asyncio
async def test_every_answer_names_its_trace() -> None:
    async with client() as asked:
        refused, broken = await asked.get("/raise/conflict"), await asked.get("/raise/broken")

    assert len(refused.headers["x-trace-id"]) == len(broken.headers["x-trace-id"]) == 32
    assert broken.json()["trace_id"] == broken.headers["x-trace-id"]


@pytest.mark.asyncio
async def test_a_trace_that_nobody_can_read_is_none_and_hinders_nothing() -> None:
    async with client() as asked:
        answer = await asked.get("/raise/conflict", headers=[(b"traceparent", b"\xff\xfe")])

    assert (answer.status_code, len(answer.headers["x-trace-id"])) == (409, 32)


@pytest.mark.asyncio
@pytest.mark.parametrize(("path", "said"), [("/write", b"x\\u0000"), ("/write?q=%00", b"x")])
async def test_a_nul_character_is_refused_at_the_door_because_nothing_after_it_could_be_recorded(path: str, said: bytes) -> None:
    headers = {"idempotency-key": "12345678", "content-type": "application/json"}
    async with client() as asked:
        answer = await asked.post(path, content=b'{"number": 1, "said": "' + said + b'"}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "not_plain_text")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "kinds", [("utf-8", "application/json", "multipart/form-data"), ("utf-16", "application/json"), ("utf-16-be", "application/json")]
)
async def test_a_nul_is_seen_whatever_a_body_is_called_or_written_in(kinds: tuple[str, ...]) -> None:
    body = '{"number": 1, "said": "x\\u0000"}'.encode(kinds[0])
    headers = [("idempotency-key", "12345678"), *(("content-type", kind) for kind in kinds[1:])]
    async with client() as asked:
        answer = await asked.post("/write", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "not_plain_text")


@pytest.mark.asyncio
@pytest.mark.parametrize("cut", range(1, 7))
async def test_a_nul_that_comes_in_two_parts_is_seen(cut: int) -> None:
    body = b'{"number": 1, "said": "x\\u0000"}'
    middle = body.index(b"\\") + cut

    async def parts() -> AsyncIterator[bytes]:
        yield body[:middle]
        yield body[middle:]

    async with client() as asked:
        answer = await asked.post("/write", content=parts(), headers={"idempotency-key": "12345678", "content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "not_plain_text")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "said", [b"\\ud800", b"\\uDC00\\uD800", b"\\ud83d\\ud83d\\ude00", b"\\\\\\ud83d", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80"]
)
async def test_half_a_character_is_refused_at_the_door_as_key_and_as_value(said: bytes) -> None:
    headers = {"idempotency-key": "12345678", "content-type": "application/json"}
    async with client() as asked:
        answers = [
            await asked.post("/write", content=body, headers=headers)
            for body in (b'{"number": 1, "said": "' + said + b'"}', b'{"number": 1, "' + said + b'": 1}')
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "not_plain_text")] * 2


@pytest.mark.asyncio
@pytest.mark.parametrize("said", [rb"\ud83d\ude00", rb"\\ud800", rb"\\u0000", rb"\\\ud83d\ude00", "𠀿한".encode()])
async def test_whole_characters_are_taken_wherever_their_parts_are_cut(said: bytes) -> None:
    body = b'{"number": 1, "said": "' + said + b'"}'
    headers = {"idempotency-key": "12345678", "content-type": "application/json"}

    async def parts(cut: int) -> AsyncIterator[bytes]:
        yield body[:cut]
        yield body[cut:]

    async with client() as asked:
        answers = {(await asked.post("/write", content=parts(cut), headers=headers)).status_code for cut in range(len(body))}

    assert answers == {200}


@pytest.mark.asyncio
async def test_half_a_character_is_seen_wherever_it_is_cut_and_whatever_stands_before_it() -> None:
    headers = {"idempotency-key": "12345678", "content-type": "application/json"}
    body = rb'{"number": 1, "said": "\ud83d\ude00\\\ude00"}'

    async def parts(size: int) -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    async with client() as asked:
        answers = {(await asked.post("/write", content=parts(size), headers=headers)).status_code for size in range(1, len(body))}

    assert answers == {422}


@pytest.mark.asyncio
async def test_a_nul_in_the_path_is_refused_before_a_route_is_looked_for() -> None:
    async with client() as asked:
        answer = await asked.get("/raise/%00")

    assert (answer.status_code, answer.json()["code"], len(answer.headers["x-trace-id"])) == (422, "not_plain_text", 32)


@pytest.mark.asyncio
async def test_values_that_only_the_command_refuses_are_malformed_too_and_said_in_chinese() -> None:
    async with client() as asked:
        answer = await asked.get("/raise/out-of-range")

    assert (answer.status_code, answer.json()["fields"]) == (422, [{"field": "posts", "reason": "不能小于 1"}])


@pytest.mark.asyncio
async def test_an_unknown_address_and_a_wrong_method_are_problem_documents() -> None:
    async with client() as asked:
        answers = [await asked.get("/nowhere"), await asked.delete("/write")]

    assert [(answer.status_code, answer.headers["content-type"]) for answer in answers] == [
        (404, "application/problem+json"),
        (405, "application/problem+json"),
    ]
