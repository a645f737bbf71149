"""The doors as commands and the demo's story use them: what is no answer is asked again under the same key."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

import deploy.doors
from deploy import exports, imports
from deploy.doors import READS, Doors, Refused, not_done, owned
from deploy.exports import by_id, by_name
from deploy.local import stack
from deploy.local.place import Place, WrongPlace
from deploy.local.state import PartState, State
from services.roster.queries.exports import EXPORTS
from shared.auth import Tokens, Who
from shared.db import Database
from shared.exports.models import FieldUnknown

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


async def test_of_what_was_sent_and_not_answered_it_is_not_said_that_nothing_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command typed again would have another key."""
    monkeypatch.setattr(deploy.doors, "PATIENCE", 0.0)
    open_, _ = doors(tmp_path, 503, 503)

    with pytest.raises(WrongPlace, match=r"可能已经办成.*先核对.*再决定是否重做"):
        await open_.post("officer", "roster", "/units/1/persons", {"name": "甲"})
    with pytest.raises(WrongPlace, match=r"roster 在 0 秒内没有应答。请用 bianban status 查看。"):
        await open_.get("officer", "roster", "/units")


async def test_who_only_reads_is_told_within_seconds_that_a_service_hangs_and_who_writes_waits(tmp_path: Path) -> None:
    now, waited = [0.0], list[float]()

    async def hang(request: httpx.Request) -> httpx.Response:
        waited.append(request.extensions["timeout"]["read"])
        now[0] += waited[-1]
        raise httpx.ReadTimeout("nothing came")

    http = httpx.AsyncClient(transport=httpx.MockTransport(hang), timeout=httpx.Timeout(60.0, connect=5.0))
    hung = Known(Place(tmp_path, 0, "test"), http, cast("Database", None), cast("Tokens", Signer()), reads=READS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deploy.doors, "time", SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0]))
        with pytest.raises(WrongPlace, match=r"^roster 在 10 秒内没有应答。请用 bianban status 查看。$"):
            await hung.get("officer", "roster", "/units")
        read = now[0]
        with pytest.raises(WrongPlace, match=r"^roster 在 60 秒内没有应答。刚才的操作可能已经办成"):
            await hung.post("officer", "roster", "/units/1/persons", {"name": "甲"})

    assert read < 2 * READS
    assert waited[-1] == 60


async def away(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize("parts", [[], [PartState("roster-app", State.FAILED)]], ids=["no stack", "given up"])
async def test_who_writes_at_a_door_that_nobody_opens_again_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[PartState]
) -> None:
    """Nothing was sent, so that nothing may have been done; a door that is only being started again is waited for."""
    monkeypatch.setattr(stack, "published", lambda _: parts)
    monkeypatch.setattr(deploy.doors, "PATIENCE", 600.0)
    http = httpx.AsyncClient(transport=httpx.MockTransport(away))
    absent = Known(Place(tmp_path, 0, "test"), http, cast("Database", None), cast("Tokens", Signer()))

    with pytest.raises(WrongPlace, match=r"^roster 没有在运行。请先运行 bianban up；"):
        await asyncio.wait_for(absent.post("officer", "roster", "/units/1/persons", {"name": "甲"}), 30)

    monkeypatch.setattr(stack, "published", lambda _: [PartState("roster-app", State.RESTARTING)])
    monkeypatch.setattr(deploy.doors, "PATIENCE", 0.0)
    with pytest.raises(WrongPlace, match=r"^roster 在 0 秒内没有应答。请用 bianban status 查看。$"):
        await absent.post("officer", "roster", "/units/1/persons", {"name": "甲"})


async def hanging(request: httpx.Request) -> httpx.Response:
    assert request.extensions["timeout"]["read"] == READS
    raise httpx.ReadTimeout("nothing came")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (away, r"^roster 没有在运行。请先运行 bianban up；系统已在运行的，请用 bianban status 查看。$"),
        (hanging, r"^roster 在 10 秒内没有应答。请用 bianban status 查看。$"),
    ],
    ids=["away", "hanging"],
)
@pytest.mark.parametrize("deed", ["import", "compare", "export"])
async def test_before_anything_is_sent_a_door_that_is_not_there_is_told_at_once_and_one_that_hangs_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, told: str, deed: str
) -> None:
    asked: list[str] = []

    async def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return await answer(request)  # type: ignore[no-any-return]  # a parameter

    @asynccontextmanager
    async def opened(place: Place) -> AsyncIterator[Doors]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answered)) as http:
            yield Known(place, http, cast("Database", None), cast("Tokens", Signer()))

    async def officer(*_: object) -> str:
        return "officer"

    monkeypatch.setattr(deploy.doors, "PATIENCE", 0.0)
    for module in (imports, exports):
        monkeypatch.setattr(module, "doors_of", opened)
        monkeypatch.setattr(module, "officer", officer)
    monkeypatch.setattr(exports, "SERVICES", ("roster",))
    (tmp_path / "a.csv").write_text("x")
    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "import": lambda: imports._import("roster", tmp_path / "a.csv", None, None, "officer", {}, wanted=False, tolerant=False),
        "compare": lambda: imports._compare(tmp_path / "a.csv", "officer", None, whole=False),
        "export": lambda: exports._export("units", tmp_path / "b.csv", None, {}, "officer"),
    }

    with pytest.raises(WrongPlace, match=told):
        await deeds[deed]()
    assert asked == ["/live"]


async def test_a_list_is_found_though_a_service_that_has_it_not_is_away(tmp_path: Path) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != 18102:
            return await (away(request) if request.url.port != 18101 else hidden(request))
        return httpx.Response(200, json={"items": [{"name": "units"}]})

    async def hidden(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        known = Known(Place(tmp_path, 0, "test"), http, cast("Database", None), cast("Tokens", Signer()))

        assert await exports._lists(known, "officer", "units") == {"units": ("roster", {"name": "units"})}
        with pytest.raises(WrongPlace, match="approval 没有在运行"):
            await exports._lists(known, "officer")


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


async def test_a_file_that_cannot_be_written_is_named_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as failed:
        owned(tmp_path / "nosuch" / "a.xlsx", b"")

    assert str(not_done(failed.value)) == f"不能读写 {tmp_path}/nosuch/a.xlsx。请核对它是否存在、是否可读写，再重试。"


def unit(name: str, code: str) -> dict[str, str | None]:
    return {"id": f"id of {code}", "name": name, "code": code, "uscc": None, "short_name": None}


class Listed(Doors):
    """The units that a search finds."""

    async def get(self, *_: str, **__: str | int | None) -> Any:
        return SimpleNamespace(
            body={"items": [unit("示例局", "A1"), unit("示例局办公室", "A2"), unit("重名所", "B1"), unit("重名所", "B2")]}
        )


async def test_a_unit_is_meant_by_its_name_or_code(tmp_path: Path) -> None:
    listed = Listed(Place(tmp_path, 0, "test"), cast("httpx.AsyncClient", None), cast("Database", None), cast("Tokens", Signer()))

    assert await by_id(listed, "officer", {"unit": "示例局", "kind": "XZ"}) == {"unit": "id of A1", "kind": "XZ"}
    assert await by_id(listed, "officer", {"unit": "A2"}) == {"unit": "id of A2"}
    known = {"unit": "01a2317c-6dbb-71ec-b1db-b45c92679be7"}
    assert (await by_id(listed, "officer", known), await by_id(listed, "officer", {})) == (known, {})
    several = "叫“重名所”的单位有 2 个：重名所（B1）、重名所（B2）。请改写编码。"
    for called, told in (("重名所", several), ("示例", "没有找到名称或代码为“示例”的单位。请写它的现用全称")):
        with pytest.raises(WrongPlace, match=told):
            await by_id(listed, "officer", {"unit": called})


async def test_a_column_is_meant_by_its_name_or_by_its_header_whatever_the_comma() -> None:
    sheet = EXPORTS.lists["quotas"].sheets[0]
    columns = [{"name": each.name, "label": each.label} for each in sheet.columns]

    assert by_name("编制类型, posts，单位编码,没有", columns) == ["kind", "posts", "unit_code", "没有"]
    assert by_name("", columns) == []
    with pytest.raises(FieldUnknown, match=r"没有 没有 这一列。可选：.*kind（编制类型）"):
        sheet.chosen(by_name("编制类型,没有", columns))
