"""A form with a file, read as it comes: the file goes on piece by piece and is kept here neither in memory nor on a disk."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from secrets import token_hex

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from shared.brought import plain_name

FILE = "file"
SMALL, MOST_PARTS = 2**18, 500


@dataclass(frozen=True)
class Head:
    """What stands before a part's content; `file_name` is none for what was typed."""

    name: str
    file_name: str | None


def is_multipart(request: Request) -> bool:
    """Whether the form may hold files."""
    return request.headers.get("content-type", "").startswith("multipart/form-data")


class Incoming:
    """`fields`: what was typed before the file; `others`: small files before it; `file_name`: of the part `file`, empty where none was chosen."""

    def __init__(self, came: AsyncIterator["Head | bytes | None"]) -> None:
        self.fields, self.file_name = FormData(), ""
        self.others: dict[str, tuple[str, bytes]] = {}
        self._came = came

    async def until_file(self) -> None:
        """Read up to the file, or to the end. Raises HTTPException for what is no form, or too much of one."""
        typed, head, content = list[tuple[str, str | UploadFile]](), None, b""
        for _ in range(MOST_PARTS):
            head, content = await self._part()
            if head is None or (head.name == FILE and head.file_name):
                break
            if head.file_name is None:
                typed.append((head.name, content.decode("utf-8", "replace")))
            elif head.file_name:
                self.others[head.name] = head.file_name, content
        self.fields = FormData(typed)
        self.file_name = (head.file_name or "") if head else ""

    async def file(self) -> AsyncIterator[bytes]:
        """The file, once."""
        async for each in self._came:
            if not isinstance(each, bytes):
                return
            yield each

    async def _part(self) -> tuple[Head | None, bytes]:
        """The next part, whole; of the file only its head, and of another one no more than tells its reader that it is too large. Raises HTTPException."""
        head, content = None, b""
        async for each in self._came:
            if isinstance(each, Head):
                head = each
                if head.name == FILE and head.file_name:
                    break
            elif each is None:
                break
            else:
                content = (content + each)[: SMALL + 1]
                if len(content) > SMALL and (head is None or head.file_name is None):
                    raise HTTPException(413)
        return head, content


async def incoming_of(request: Request) -> Incoming:
    """A form that is being sent, read up to its file; one without files is read whole. Raises HTTPException."""
    found = Incoming(_came(request))
    if is_multipart(request):
        await found.until_file()
    else:
        found.fields = await request.form(max_fields=MOST_PARTS)
    return found


async def _came(request: Request) -> AsyncIterator[Head | bytes | None]:
    """Each part: its head, its content, none at its end."""
    try:
        found, parser = _parser(request)
        async for piece in request.stream():
            parser.write(piece)
            while found:
                yield found.popleft()
    except FormParserError:
        raise HTTPException(400) from None


def _parser(request: Request) -> tuple[deque[Head | bytes | None], MultipartParser]:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(400)
    found, header, disposition = deque[Head | bytes | None](), [b"", b""], [b""]

    def named(data: bytes, start: int, end: int) -> None:
        header[0] += data[start:end]

    def told(data: bytes, start: int, end: int) -> None:
        header[1] += data[start:end]

    def whole() -> None:
        if header[0].lower() == b"content-disposition":
            disposition[0] = header[1]
        header[:] = [b"", b""]

    def begun() -> None:
        found.append(_head(disposition[0]))
        disposition[0] = b""

    return found, MultipartParser(
        options[b"boundary"],
        {
            "on_header_field": named,
            "on_header_value": told,
            "on_header_end": whole,
            "on_headers_finished": begun,
            "on_part_data": lambda data, start, end: found.append(data[start:end]),
            "on_part_end": lambda: found.append(None),
        },
    )


def _head(disposition: bytes) -> Head:
    _, options = parse_options_header(disposition.decode("latin-1"))
    name, file_name = options.get(b"name", b""), options.get(b"filename")
    return Head(name.decode("utf-8", "replace"), None if file_name is None else plain_name(file_name.decode("utf-8", "replace")))


@dataclass(frozen=True)
class Outgoing:
    """The same form as a service is sent it: `fields` and small files first, the file last, piece by piece."""

    incoming: Incoming
    fields: dict[str, str]
    boundary: str

    @property
    def kind(self) -> str:
        """Its content type."""
        return f"multipart/form-data; boundary={self.boundary}"

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body."""
        for name, value in self.fields.items():
            yield self._opened(name) + value.encode() + b"\r\n"
        for name, (file_name, content) in self.incoming.others.items():
            yield self._opened(name, file_name) + content + b"\r\n"
        yield self._opened(FILE, self.incoming.file_name)
        async for piece in self.incoming.file():
            yield piece
        yield f"\r\n--{self.boundary}--\r\n".encode()

    def _opened(self, name: str, file_name: str | None = None) -> bytes:
        words = f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if file_name is not None:
            words += f'; filename="{_quoted(file_name)}"\r\nContent-Type: application/octet-stream'
        return f"{words}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    """As browsers write it (RFC 7578); what cannot be printed is gone already."""
    return name.replace("\\", "_").replace('"', "%22")


def outgoing(incoming: Incoming, fields: dict[str, str]) -> Outgoing:
    """Pass a form on."""
    return Outgoing(incoming, fields, token_hex(16))
