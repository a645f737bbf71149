"""Forms with files: what is read of them, in what pieces they go on, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Request
from starlette.exceptions import HTTPException

from services.portal.api.incoming import SMALL, incoming_of, outgoing
from shared.brought import plain_name

pytestmark = pytest.mark.asyncio


def sent(body: bytes, kind: str, piece: int = 7) -> Request:
    """A request whose body comes in small pieces."""
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": pieces.pop(0) if pieces else b"", "more_body": bool(pieces)}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)


def form(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    made = httpx.Request("POST", "http://x", data=fields, files=files)
    return made.read(), made.headers["content-type"]


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_what_was_typed_is_read_before_the_file_and_the_file_goes_on_unaltered() -> None:
    content = b"--not-a-boundary\r\n\x00\xff" * 50
    files = {"mapping": ("old.toml", b"kind = 1"), "file": ("../名册.xlsx", content)}
    found = await incoming_of(sent(*form({"csrf": "m", "kind": "roster"}, files)))
    again = outgoing(found, {"kind": "roster"})
    passed = await incoming_of(sent(await whole(again.pieces()), again.kind, 64))

    assert dict(found.fields) == {"csrf": "m", "kind": "roster"}
    assert (dict(passed.fields), passed.others, passed.file_name) == (
        {"kind": "roster"},
        {"mapping": ("old.toml", b"kind = 1")},
        "名册.xlsx",
    )
    assert await whole(passed.file()) == content


async def test_of_a_second_file_that_is_too_large_so_much_goes_on_that_its_reader_sees_it() -> None:
    """A register chosen in place of the mapping: who reads mappings says so, not that the form is too large."""
    files = {"mapping": ("名册.xlsx", b"PK" + b"x" * SMALL), "file": ("名册.xlsx", b"PK")}
    found = await incoming_of(sent(*form({"csrf": "m"}, files), 4096))

    assert (found.others, found.file_name) == ({"mapping": ("名册.xlsx", b"PK" + b"x" * (SMALL - 1))}, "名册.xlsx")


async def test_what_stands_behind_a_file_that_was_not_chosen_is_read_too() -> None:
    body, kind = form({"csrf": "m"}, {"file": ("?", b""), "z": ("", b"")})
    ending = body.replace(b'"?"', b'""').replace(b'name="z"; filename=""', b'name="z"')
    found = await incoming_of(sent(ending, kind))

    assert (found.file_name, sorted(found.fields)) == ("", ["csrf", "z"])


async def test_a_form_without_a_file_and_one_of_another_kind_are_forms_all_the_same() -> None:
    body, kind = form({"csrf": "m"}, {"file": ("?", b"")})
    none_chosen = await incoming_of(sent(body.replace(b'"?"', b'""'), kind))  # as browsers send it
    plain = await incoming_of(sent(b"csrf=m&kind=units", "application/x-www-form-urlencoded"))

    assert (none_chosen.file_name, dict(none_chosen.fields)) == ("", {"csrf": "m"})
    assert (plain.file_name, dict(plain.fields)) == ("", {"csrf": "m", "kind": "units"})


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x", "multipart/form-data", 400),
        (b"no boundary in here", "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data; boundary=" + "b" * 5000, 400),
        (form({"reason": "x" * (SMALL + 1)}, {"file": ("a", b"a")})[0], "multipart/form-data; boundary=?", 413),
    ],
)
async def test_what_is_no_form_or_too_much_of_one_is_refused(body: bytes, kind: str, status: int) -> None:
    kind = kind.replace("?", body[2:].partition(b"\r\n")[0].decode())
    with pytest.raises(HTTPException) as refused:
        await incoming_of(sent(body, kind, 4096))

    assert refused.value.status_code == status


async def test_a_files_name_is_neither_path_nor_header() -> None:
    assert plain_name('C:\\用户\\a"b\r\n.xlsx') == 'a"b.xlsx'
    named = await incoming_of(sent(*form({}, {"file": ('a"; name="csrf', b"x")})))
    again = await whole(outgoing(named, {}).pieces())

    assert b'filename="a%22; name=%22csrf"' in again
