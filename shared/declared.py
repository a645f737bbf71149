"""What each route of a service declares: the permission that opens it and how it limits rows. Its description says so too."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.auth import Permit

PERMISSION, ROWS = "x-permission", "x-row-scope"


def tell_permissions(app: FastAPI, described: dict[str, Any]) -> None:
    """Write them into a description (OpenAPI) of the routes."""
    for route in (each for each in app.routes if isinstance(each, APIRoute) and each.include_in_schema):
        for permit in _permits(route.dependant):
            for method in route.methods or ():
                described["paths"][route.path][method.lower()] |= {PERMISSION: permit.permission, ROWS: permit.scope}


def _permits(dependant: Dependant) -> Iterator[Permit]:
    if isinstance(dependant.call, Permit):
        yield dependant.call
    for each in dependant.dependencies:
        yield from _permits(each)
