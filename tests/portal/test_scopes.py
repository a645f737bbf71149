"""What a service does not tell somebody, no page tells him: every route with an id is asked for one that the services answer as if it were not."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from services.portal import api
from shared.auth import PERMISSIONS
from shared.glossary import Role
from tests.portal.conftest import OURS, Door

OF_NO_ROW = {"/static/{name}", "/api-docs/{part}", "/api-docs/{part}.json", "/admin/parameters/{rule}/{name}"}
"""Files and descriptions that are open to everybody; what the rules of all units are counted by."""
WORDS = {"service": "approval", "role": "observer", "kind": "entry_application", "deed": "pause", "number": "1"}
ROUTES = [
    route
    for router in api.ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.path not in OF_NO_ROW and route.param_convertors.keys() - WORDS.keys()
]
EVERYTHING = frozenset().union(*PERMISSIONS.values()) - {Role.SERVICE}


@pytest.mark.asyncio
@pytest.mark.parametrize("fragment", [False, True], ids=["page", "fragment"])
async def test_a_page_of_what_is_not_the_callers_says_that_it_is_not_there_and_asks_in_his_name_alone(door: Door, fragment: bool) -> None:
    csrf, found = door.sign_in(*EVERYTHING), {}
    for route in ROUTES:
        ids = {name: str(uuid4()) for name in route.param_convertors.keys() - WORDS.keys()}
        door.played.hidden = set(ids.values())
        method = min(route.methods or ())
        form: dict[str, Any] = (
            {"data": {"csrf": csrf, "request_key": "k-1"}, "files": {"file": ("a.pdf", b"%PDF-")}} if method == "POST" else {}
        )
        headers = OURS | ({"hx-request": "true"} if fragment else {})
        found[f"{method} {route.path}"] = await door.client.request(method, route.path.format(**WORDS | ids), headers=headers, **form)

    assert len(found) > 60
    otherwise = {route: answer.status_code for route, answer in found.items() if answer.status_code not in {403, 404}}
    assert otherwise == ({} if fragment else {"GET /lights/rows/{unit_id}": 303}), "a row alone is no page: the board is"
    asked_as = {headers.get("authorization") for _, path, _, headers in door.played.asked if path != "/sessions/token"}
    assert asked_as == {"Bearer token-key-0"}
