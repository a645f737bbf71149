"""Whoever builds on the interfaces reads Chinese: every route of every service, its group, the parameters many share, and every field of a body are named so."""

import importlib
import re
from collections import Counter
from typing import Any

import pytest
from fastapi.routing import APIRoute

from deploy.local.place import SERVICES
from services.identity.api import DEMO, PROVIDER
from services.portal import api as portal
from services.portal.api.words import route_names
from services.roster.models.fields import SHEETS
from shared import case_events, upkeep
from shared.exports import api as exports
from shared.http import serve, service_app
from shared.route_words import FIELDS, GROUPS, SHARED, Words, bodies

CHINESE = re.compile(r"[\u4e00-\u9fff]")
OF_THE_REGISTER = {each.label for sheet in SHEETS.values() for each in sheet.fields}
MORE = {"identity": (DEMO, PROVIDER), "reporting": (exports.router,)}


def words_of(service: str) -> Words:
    package = importlib.import_module(f"services.{service}.api")
    words: Words = getattr(package, "WORDS", None) or importlib.import_module(f"services.{service}.api.words").WORDS
    return words


def whole(service: str) -> dict[str, Any]:
    package = importlib.import_module(f"services.{service}.api")
    app = service_app(service, None, words_of(service))  # type: ignore[arg-type]  # it is described, not started
    serve(
        app,
        (
            *getattr(package, "ROUTERS", (getattr(package, "router", None),)),
            *MORE.get(service, ()),
            case_events.router,
            upkeep.router,
        ),
    )
    return app.openapi()


def described(service: str) -> dict[str, dict[str, Any]]:
    paths = whole(service)["paths"]
    return {f"{method.upper()} {path}": operation for path, operations in paths.items() for method, operation in operations.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_has_a_chinese_name_and_no_name_is_left_over(service: str) -> None:
    found = described(service)

    assert [route for route, operation in found.items() if not CHINESE.search(operation["summary"])] == []
    assert [route for route, operation in found.items() if not all(CHINESE.search(tag) for tag in operation["tags"])] == []
    assert set(words_of(service).routes) <= set(found)
    assert set(words_of(service).routes) & set(SHARED) == set()
    assert set(words_of(service).groups) <= {route.partition(" /")[2].split("/")[0] for route in found}
    assert set(words_of(service).groups) & set(GROUPS) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_field_of_every_body_is_told_in_chinese_and_no_word_is_left_over(service: str) -> None:
    told = {(schema, name): about["description"] for schema, fields in bodies(whole(service)) for name, about in fields.items()}
    words = {name for name, text in words_of(service).fields.items() if text not in OF_THE_REGISTER}

    assert [field for field, text in told.items() if not CHINESE.search(text)] == []
    assert words <= {name for _, name in told} | {f"{schema}.{name}" for schema, name in told}
    assert {name for name in words if words_of(service).fields[name] == FIELDS.get(name)} == set()


def test_no_shared_name_is_left_over() -> None:
    routes = {route for service in SERVICES for route in described(service)}
    named = {name for service in SERVICES for name in words_of(service).groups}

    assert set(SHARED) <= routes
    assert set(GROUPS) == {route.partition(" /")[2].split("/")[0] for route in routes} - named


def test_what_many_routes_are_asked_with_is_told_in_chinese() -> None:
    operations = [operation for service in SERVICES for operation in described(service).values()]
    asked = [each for operation in operations for each in operation.get("parameters", ())]
    often = [each for each in asked if each["name"] in {"Idempotency-Key", "after", "limit", "unit_id", "sort", "fields", "as_of"}]

    assert len(often) > 100
    assert [each["name"] for each in often if not CHINESE.search(each.get("description", ""))] == []


def test_every_route_of_the_portal_is_called_by_a_name_of_its_own_and_none_by_its_path() -> None:
    """By these names traces tell them."""
    routes = {
        f"{method} {route.path}"
        for router in portal.ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    names = route_names()

    assert set(names) == routes
    assert [route for route, name in names.items() if not CHINESE.search(name) or "/" in name] == []
    assert [name for name, times in Counter(names.values()).items() if times > 1] == []
