"""Trying to get around a row scope: every route of a service is asked with ids of rows that are not the caller's, in path, query and body.

The routes and their bodies come from the description the service gives of itself, so a new one is tried the day it is there; one with an id in its
path of which no test has a row fails by the name of that id.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from deploy.identity import tokens
from deploy.local.place import Place
from shared import db
from shared.auth import PERMISSIONS
from shared.db import Database
from shared.declared import ROWS
from shared.glossary import Role
from tests.roster.doors import Doors

Ids = Mapping[str, UUID]
"""By the name that a route gives them."""
EVERYTHING = tuple(set().union(*PERMISSIONS.values()) - {Role.SERVICE, Role.AUDIT_ADMIN})
"""Every right that a row scope limits: what an audit administrator reads is of no unit."""
OF_NO_UNIT = frozenset({"/live", "/ready", "/cases", "/cases/{case_id}/trace", "/traces/{trace_id}", "/verifications", "/seal-callbacks"})
"""Health; ids of cases and events for those who operate the system; what everybody may ask about a document he holds; the platform's callback."""
DAYS = {"date": "2026-09-01", "date-time": "2026-09-01T00:00:00Z"}
FILE = ("a.pdf", b"%PDF-1.7\n%%EOF\n", "application/pdf")
SHUT = {403, 404}


def twins(ids: Ids) -> dict[str, UUID]:
    """Ids beside these that are nobody's: they stand at the same place in every order."""
    return {name: UUID(int=each.int ^ 1) for name, each in ids.items()}


@dataclass(frozen=True)
class Asked:
    """One route as the service describes it. `words`: what its fields are given that take no id."""

    path: str
    method: str
    described: Mapping[str, Any]
    schemas: Mapping[str, Any]
    words: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """Of the path."""
        return [each["name"] for each in self._parameters("path")]

    def address(self, ids: Ids) -> str:
        """Raises KeyError for an id that no row is known of."""
        return self.path.format_map({name: self.words[name] if name in self.words else ids[name] for name in self.names})

    def sent(self, ids: Ids) -> dict[str, Any]:
        """The smallest body that is well formed, with every id there is a place for, or a file."""
        content = self.described.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content:
            form = self._sample(content["multipart/form-data"]["schema"], "", ids)
            return {"files": {"file": FILE}, "data": {name: value for name, value in form.items() if name != "file"}}
        return {"json": self._sample(content["application/json"]["schema"], "", ids)} if content else {}

    def queries(self, ids: Ids) -> Iterator[dict[str, str]]:
        """As little as is well formed; of a read each parameter that chooses, with every choice; and each that takes an id with the row of its name, or,
        where it has no name of a row, with each.
        """
        needed = self.needed
        yield needed
        for each in self._parameters("query"):
            yield from (needed | {each["name"]: choice} for choice in self._choices(each["schema"]) if self.method == "get")
            if _takes_id(each["schema"]):
                kind = _kind(each["name"], ids)
                yield from (needed | {each["name"]: str(ids[one])} for one in ([kind] if kind else ids))

    @property
    def needed(self) -> dict[str, str]:
        """What its query cannot do without."""
        return {each["name"]: str(self.words[each["name"]]) for each in self._parameters("query") if each.get("required")}

    def takes(self, ids: Ids) -> bool:
        """Whether there is a place for one of them in its query or its body."""
        told = f"{list(self.queries(ids))} {self.sent(ids)}"
        return any(str(each) in told for each in ids.values())

    def _parameters(self, place: str) -> list[Mapping[str, Any]]:
        return [each for each in self.described.get("parameters", ()) if each["in"] == place]

    def _choices(self, schema: Mapping[str, Any]) -> list[str]:
        either = schema.get("anyOf", [self.schemas[schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else [])
        return [*schema.get("enum", ()), *(choice for each in either for choice in self._choices(each))]

    def _sample(self, schema: Mapping[str, Any], name: str, ids: Ids) -> Any:  # noqa: PLR0911  one line for each form
        if "$ref" in schema:
            return self._sample(self.schemas[schema["$ref"].rpartition("/")[2]], name, ids)
        if either := schema.get("anyOf", schema.get("oneOf")):
            return self._sample(either[0], name, ids)
        if schema.get("format") == "uuid":
            return str(ids[_kind(name, ids) or "unit_id"])
        known = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if name in self.words and self.words[name] in (known or [self.words[name]]):
            return self.words[name]
        if known:
            return known[0]
        if schema.get("type") == "object":
            fields, needed = schema.get("properties", {}), set(schema.get("required", ()))
            told = {*needed, "document_no", "reason", *self.words}
            return {each: self._sample(of, each, ids) for each, of in fields.items() if each in told or _takes_id(of)}
        if schema.get("type") == "array":
            items = schema["items"] if "items" in schema else schema["prefixItems"][0]
            return [self._sample(each, name, ids) for each in self._kinds(items)]
        plain = {"integer": 1, "number": 1, "boolean": False}
        if schema.get("type") in plain:
            return plain[schema["type"]]
        return DAYS.get(schema.get("format", ""), "核对原件用途")

    def _kinds(self, items: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        named = self.schemas[items["$ref"].rpartition("/")[2]] if "$ref" in items else items
        return list(named.get("oneOf", [items]))


def _takes_id(schema: Mapping[str, Any]) -> bool:
    within = (*schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else ()))
    return schema.get("format") == "uuid" or any(_takes_id(each) for each in within)


def _kind(name: str, ids: Ids) -> str | None:
    """Of which row a field of this name takes the id."""
    return next((each for each in ids if each.removesuffix("_id") in name), None)


@dataclass(frozen=True)
class Answer:
    """What a route said. `named`: an id stood in what it was asked; `text` is without these ids."""

    status: int
    text: str
    named: bool


@dataclass(frozen=True)
class Caller:
    """Somebody at a service's door. `headers` of each request anew; `words`: what fields and parts of paths that take no id are given."""

    http: httpx.AsyncClient
    headers: Callable[[], Mapping[str, str]]
    words: Mapping[str, Any]
    passed_over: Collection[str] = OF_NO_UNIT

    async def routes(self) -> list[Asked]:
        """All that the service describes, but for those that are of no unit and say so themselves."""
        told = (await self.http.get("/openapi.json")).json()
        return [
            Asked(path, method, what, told["components"]["schemas"], self.words)
            for path, methods in told["paths"].items()
            for method, what in methods.items()
            if path not in self.passed_over or what.get(ROWS, "public") != "public"
        ]

    async def answers(self, where: Ids, what: Ids, among: Callable[[Asked], bool] = lambda _: True) -> dict[str, Answer]:
        """Of every route, or of some, asked with ids of `where` in its path and of `what` in body and query."""
        each = [await self.tried(asked, where, what) for asked in await self.routes() if among(asked)]
        return {route: answer for answers in each for route, answer in answers.items()}

    async def compared(self, where: Ids, what: Ids) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """The same, and beside each answer that to the twins of these ids, before anything else is asked."""
        found, of_nobody = dict[str, Answer](), dict[str, Answer]()
        for asked in await self.routes():
            found |= await self.tried(asked, where, what)
            of_nobody |= await self.tried(asked, twins(where), twins(what))
        return found, of_nobody

    async def tried(self, asked: Asked, where: Ids, what: Ids) -> dict[str, Answer]:
        """By path, method, and what its query says."""
        found, ids = {}, {str(each): name for name, each in (*where.items(), *what.items())}
        for query in asked.queries(what):
            address, sent = asked.address(where), asked.sent(what)
            answer = await self.http.request(asked.method, address, params=query, headers=dict(self.headers()), **sent)
            told = [f"{name}={ids.get(value, value)}" for name, value in query.items() if name not in asked.needed]
            named = any(each in f"{address} {query} {sent}" for each in ids)
            found[" ".join([asked.path, asked.method, *told])] = Answer(answer.status_code, _without(answer.text, ids), named)
        return found


def _without(text: str, ids: Mapping[str, str]) -> str:
    for each, name in ids.items():
        text = text.replace(each, f"<{name.removesuffix('_id')}>")
    return text


def let_in(found: Mapping[str, Answer]) -> dict[str, Answer]:
    """Routes with an id in their path that answered otherwise than where there is nothing."""
    return {route: answer for route, answer in found.items() if "_id}" in route and answer.status not in SHUT}


def told_apart(found: Mapping[str, Answer], of_nobody: Mapping[str, Answer]) -> dict[str, tuple[Answer, Answer]]:
    """Routes whose answer says whether there is such a row somewhere."""
    return {route: (answer, of_nobody[route]) for route, answer in found.items() if answer.named and answer != of_nobody[route]}


def leaks(found: Mapping[str, Answer], *words: str) -> list[str]:
    """Routes whose answer holds a word of the rows that are not the caller's."""
    return [route for route, answer in found.items() if any(word in answer.text for word in words)]


async def standing(database: Database, schema: str, *ids: UUID) -> dict[str, tuple[int, str]]:
    """How many rows each table has and a hash of them; of those alone that name one of these ids, where any is given."""
    tables = await database.pool.fetch(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'"
        " AND has_table_privilege(format('%I.%I', table_schema, table_name), 'SELECT')",
        schema,
    )
    naming = "|".join(map(str, ids))
    hashed = "SELECT count(*), coalesce(md5(string_agg(t::text, '\n' ORDER BY t::text)), '') FROM {} t WHERE t::text ~ $1"
    found = {each["name"]: await database.pool.fetchrow(hashed.format(each["name"]), naming) for each in tables}
    return {name: (row[0], row[1]) for name, row in found.items() if row}


@asynccontextmanager
async def opened(
    service: str, stack: Place, database: Callable[[str], str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[FastAPI, Doors, Database]]:
    """A service as it runs, on tables and a folder of the test's own, its doors and these tables. No worker runs, and no other service answers it."""
    for name, value in (stack.variables(service) | {"BIANBAN_OUT_DIR": str(folder)}).items():
        monkeypatch.setenv(name, value)
    url = database(service)
    monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", url)
    app: FastAPI = import_module(f"services.{service}.app").create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{service}") as http,
        db.connect(url, service) as tables,
    ):
        yield app, Doors(http, tokens(stack)), tables


async def posted(doors: Doors, unit_id: UUID, path: str, name: str = "id", by: str = "of", **sent: Any) -> UUID:
    """What a clerk of a unit makes; the answer's `name` says its id."""
    answer = await doors.http.post(path, headers=doors.as_(Role.UNIT_CLERK, units=(unit_id,), name=f"{by}-{unit_id}"), **sent)
    assert answer.is_success, answer.text
    return UUID(answer.json()[name])
