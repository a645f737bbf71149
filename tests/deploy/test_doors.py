"""The doors as commands and the demo's story use them: what is no answer is asked again under the same key."""

import stat
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from deploy.doors import Doors, Refused, owned
from deploy.local.place import Place
from shared.auth import Tokens, Who
from shared.db import Database

pytestmark = pytest.mark.asyncio


BOOK = b"PK book"


class Known(Doors):
    """Everybody is known."""

    async def who(self, user: str) -> Who:
        return Who(user, frozenset())


class Signer:
    def issue(self, who: Who, _: datetime) -> str:
        return who.name


def doors(tmp_path: Path, *statuses: int) -> tuple[Doors, list[httpx.Request]]:
    """A service that answers with these, one after the other."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        status = statuses[len(asked) - 1]
        return httpx.Response(
            status, json={"code": "x", "detail": "y"} if status >= 400 else {"person_id": "1"}, headers={"retry-after": "1"}
        )

    http: Any = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Known(Place(tmp_path, 0, "test"), http, cast("Database", None), cast("Tokens", Signer())), asked


async def test_who_asks_oftener_than_one_caller_may_is_heard_later_and_not_refused(tmp_path: Path) -> None:
    """The story looks every 20 ms at what is to come, as the users who then register somebody."""
    open_, asked = doors(tmp_path, 429, 503, 201)

    answer = await open_.post("officer", "roster", "/units/1/persons", {"name": "甲"})

    assert answer.body == {"person_id": "1"}
    assert len({each.headers["idempotency-key"] for each in asked}) == 1


async def test_a_refusal_is_the_answer(tmp_path: Path) -> None:
    open_, asked = doors(tmp_path, 409, 201)

    with pytest.raises(Refused) as refused:
        await open_.post("officer", "roster", "/units/1/persons", {"name": "甲"})

    assert (refused.value.status, len(asked)) == (409, 1)


async def test_what_is_taken_out_of_the_system_is_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "list.xlsx"
    target.write_bytes(b"an older one, readable by all")
    target.chmod(0o644)
    open_, _ = doors(tmp_path, 200)

    await open_.save("officer", "roster", "/exports/1/file", target)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    for before in (None, 0o644):
        again = tmp_path / "returned.xlsx"
        if before:
            again.chmod(before)
        owned(again, BOOK)
        assert (again.read_bytes(), stat.S_IMODE(again.stat().st_mode)) == (BOOK, 0o600)
