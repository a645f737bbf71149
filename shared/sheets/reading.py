"""Reading a foreign file from our side: the file is held in memory, a guarded child opens it, and its rows come over a pipe in chunks.

However many rows there are, a chunk of them is all that is held here.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import from_json

from shared.sheets.refusals import unreadable

FILE_BYTES = 60_000_000
OPEN_AT_ONCE = 2
"""Foreign files that one process has open at a time: the child that opens one may take a gigabyte."""
MARK = "_bianban"
PATIENCE = 60.0
_LINE = 2**24
_ROOT = Path(__file__).parents[2]
_EXHAUSTED = {-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV}

Cell: TypeAlias = str | float | bool | None


class Row(NamedTuple):
    """The wanted cells of one row, in the order asked for. `computed` are the places of cells that hold a formula; `hidden`: nobody sees the row, most often it
    was filtered out; `struck` are the places of what is struck out; `covered` those that a merged cell of a row above covers.
    """

    number: int
    cells: Sequence[Cell]
    computed: frozenset[int] = frozenset()
    hidden: bool = False
    struck: frozenset[int] = frozenset()
    covered: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """Which sheets are read. `lone` is the title that the only sheet of a book, or a CSV, is taken for; `renamed`: a sheet's own name to its title."""

    sheets: Sequence[str]
    lone: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = ("填写说明", "代码表")


@dataclass
class Sheet:
    """One sheet: its title, its own name in the file (none in a CSV), its first rows and their merged ranges (top, left, bottom, right, from 0), and which of
    its columns are hidden (from 0).
    """

    title: str
    name: str
    head: Sequence[tuple[int, Sequence[Cell]]]
    merged: Sequence[tuple[int, int, int, int]]
    hidden: frozenset[int]
    _book: "Book" = field(repr=False)
    _answered: bool = False

    @property
    def from_1904(self) -> bool:
        """Whether a bare number of a day counts from 1904."""
        return self._book.from_1904

    @property
    def others(self) -> Sequence[str]:
        """The other visible sheets of the file in which anything stands."""
        return [name for name in self._book.names if name != self.name]

    async def chunks(
        self, after: int, columns: Sequence[int], derive: Sequence[tuple[int, str]] = (), spread: Sequence[int] = ()
    ) -> AsyncIterator[Sequence[Row]]:
        """The rows below row `after`, those columns of each, and what `derive` (column, pattern with a group `value`) finds. `spread`: places among
        `columns` where a merged cell says the same of all its rows.
        """
        self._answered = True
        await self._book.tell(after=after, columns=list(columns), derive=list(derive), spread=list(spread))
        while True:
            words = await self._book.hear()
            yield [Row(*each) if len(each) == 2 else _with_looks(*each) for each in words["rows"]]
            if words.get("last"):
                return

    async def skip(self) -> None:
        """None of its rows are wanted."""
        if not self._answered:
            self._answered = True
            await self._book.tell(skip=True)


class Book:
    """An open file: the names of its visible sheets (a CSV has none) and of the hidden ones, which are not read, where anything stands in them; what a template of ours says about itself; and whether
    it is `plain`: judged, without formulas and error values, nothing hidden or struck out. `from_1904`: so it counts its days.
    """

    def __init__(self, child: Process) -> None:
        self._child = child
        self.names: Sequence[str] = ()
        self.hidden: Sequence[str] = ()
        self.mark = ""
        self.plain = self.from_1904 = False

    async def begin(self) -> None:
        """Wait for the child's first words. Raises Unreadable."""
        book = (await self.hear())["book"]
        self.names, self.hidden, self.mark, self.plain = book["names"], book["hidden"], book["mark"], book["plain"]
        self.from_1904 = book["from_1904"]

    async def sheets(self, fits: Callable[[Sheet], bool] = lambda _: False) -> AsyncIterator[Sheet]:
        """The sheets wanted, in the file's order; read each one's rows, or skip it, before the next. `fits`: whether one of another name may be the
        lone one, where several may be meant.
        """
        while not (words := await self.hear()).get("end"):
            head = [(number, cells) for number, cells in words["head"]]
            merged = [tuple(each) for each in words["merged"]]
            sheet = Sheet(words["sheet"], words["name"], head, merged, frozenset(words["hidden"]), self)
            if "offered" in words:
                await self.tell(fits=fits(sheet))
            else:
                yield sheet
                await sheet.skip()

    async def tell(self, **words: Any) -> None:
        """Answer the child."""
        assert self._child.stdin is not None  # noqa: S101  the child is made with pipes
        with suppress(ConnectionError):  # it has gone; what it died of is heard next
            self._child.stdin.write(json.dumps(words).encode() + b"\n")
            await self._child.stdin.drain()

    async def hear(self) -> dict[str, Any]:
        """The child's next line; its refusal, or its end, as a refusal."""
        assert self._child.stdout is not None  # noqa: S101  the child is made with pipes
        try:
            line = await asyncio.wait_for(self._child.stdout.readline(), PATIENCE)
        except TimeoutError:
            raise unreadable("too_slow") from None
        except ValueError:  # a line beyond all measure
            raise unreadable("damaged") from None
        if not line.endswith(b"\n"):
            raise unreadable("too_wide" if await self._child.wait() in _EXHAUSTED else "damaged")
        words: dict[str, Any] = from_json(line)
        if "refused" in words:
            raise unreadable(words["refused"], **words["facts"])
        return words


def _with_looks(
    number: int, cells: Sequence[Cell], computed: Sequence[int], hidden: bool, struck: Sequence[int], covered: Sequence[int] = ()
) -> Row:
    return Row(number, cells, frozenset(computed), hidden, frozenset(struck), frozenset(covered))


def held(pieces: Iterable[bytes]) -> int:
    """A file in memory that no disk sees; answers its descriptor, which the caller closes. Raises Unreadable beyond FILE_BYTES."""
    place = os.memfd_create("sheet")
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > FILE_BYTES:
            os.close(place)
            raise unreadable("too_large", limit=FILE_BYTES // 1_000_000)
        os.write(place, piece)
    return place


@asynccontextmanager
async def opened(place: int, name: str, wanted: Wanted, *, plain: bool = False) -> AsyncIterator[Book]:
    """Open a file held in memory; `name` is what its owner calls it; `plain`: it was found so before, and is not judged again. Raises Unreadable.

    The child ends with the block.
    """
    asked = {
        "path": f"/proc/self/fd/{place}",
        "suffix": Path(name).suffix.lower(),
        "sheets": list(wanted.sheets),
        "lone": wanted.lone,
        "renamed": dict(wanted.renamed),
        "ignored": list(wanted.ignored),
        "mark": MARK,
        "plain": plain,
    }
    child = await guarded("shared.sheets.child", asked, place)
    book = Book(child)
    try:
        await book.begin()
        yield book
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def guarded(module: str, asked: Mapping[str, Any], *places: int) -> Process:
    """A child with nothing of ours but the files it is given: no environment, no secret."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "utf8", "-m", module, json.dumps(asked)),
        cwd=_ROOT,
        env={},
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=places,
        limit=_LINE,
    )


async def ensure_readable(place: int, name: str, wanted: Wanted) -> Book:
    """Refuse at once what is no honest file; answers what it tells of itself."""
    async with opened(place, name, wanted) as book:
        return book
