"""Whoever builds on the interfaces reads Chinese: every route of every service, its group, and the parameters many share are named so."""

import importlib
import re
from collections.abc import Mapping
from typing import Any

import pytest

from deploy.local.place import SERVICES
from services.identity.api import DEMO, PROVIDER
from shared import case_events, upkeep
from shared.exports import api as exports
from shared.http import service_app
from shared.route_words import GROUPS, SHARED

CHINESE = re.compile(r"[\u4e00-\u9fff]")
MORE = {"identity": (DEMO, PROVIDER), "reporting": (exports.router,)}


def words_of(service: str) -> Mapping[str, str]:
    package = importlib.import_module(f"services.{service}.api")
    words: Mapping[str, str] = getattr(package, "WORDS", None) or importlib.import_module(f"services.{service}.api.words").WORDS
    return words


def described(service: str) -> dict[str, dict[str, Any]]:
    package = importlib.import_module(f"services.{service}.api")
    app = service_app(service, None, words_of(service))  # type: ignore[arg-type]  # it is described, not started
    for router in (
        *getattr(package, "ROUTERS", (getattr(package, "router", None),)),
        *MORE.get(service, ()),
        case_events.router,
        upkeep.router,
    ):
        app.include_router(router)
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path}": operation for path, operations in paths.items() for method, operation in operations.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_has_a_chinese_name_and_no_name_is_left_over(service: str) -> None:
    found = described(service)

    assert [route for route, operation in found.items() if not CHINESE.search(operation["summary"])] == []
    assert [route for route, operation in found.items() if not all(CHINESE.search(tag) for tag in operation["tags"])] == []
    assert set(words_of(service)) <= set(found)
    assert set(words_of(service)) & set(SHARED) == set()


def test_no_shared_name_is_left_over() -> None:
    routes = {route for service in SERVICES for route in described(service)}

    assert set(SHARED) <= routes
    assert set(GROUPS) == {route.partition(" /")[2].split("/")[0] for route in routes}


def test_what_many_routes_are_asked_with_is_told_in_chinese() -> None:
    operations = [operation for service in SERVICES for operation in described(service).values()]
    asked = [each for operation in operations for each in operation.get("parameters", ())]
    often = [each for each in asked if each["name"] in {"Idempotency-Key", "after", "limit", "unit_id", "sort", "fields", "as_of"}]

    assert len(often) > 100
    assert [each["name"] for each in often if not CHINESE.search(each.get("description", ""))] == []
