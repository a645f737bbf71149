"""The shelf: what is taken is what was written, and a file that was changed, cut or exchanged is not handed out."""

from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag

from shared.exports.shelf import PIECE, Kept, Shelf
from tests.roster.given import CIPHER

CONTENT = b"\x00plain text\xff" * (PIECE // 4)


def kept(shelf: Shelf, content: bytes = CONTENT) -> Kept:
    with shelf.nameless() as file:
        file.write(content)
        return shelf.keep(uuid4(), 1, file)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * PIECE, CONTENT])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_file_is_taken_as_it_was_written(tmp_path: Path, content: bytes, sealed: bool) -> None:
    shelf = Shelf(tmp_path, CIPHER if sealed else None)
    found = kept(shelf, content)

    assert b"".join(shelf.pieces(found)) == content
    assert shelf.names() == [found.name]
    assert (b"plain text" in (tmp_path / found.name).read_bytes()) is (not sealed and content is CONTENT)


def test_what_was_changed_cut_or_exchanged_is_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, CIPHER)
    one, other = kept(shelf), kept(shelf)
    good = (tmp_path / one.name).read_bytes()
    piece = 4 + 1 + 12 + PIECE + 16
    swapped = good[piece : 2 * piece] + good[:piece] + good[2 * piece :]
    for bad in (good[:-1], good[: 2 * piece], swapped, good[:100] + b"\x00" + good[101:], (tmp_path / other.name).read_bytes()):
        (tmp_path / one.name).write_bytes(bad)
        with pytest.raises((InvalidTag, IndexError)):
            b"".join(shelf.pieces(one))
