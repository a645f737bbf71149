"""Where finished files lie until they are taken or their time is over: encrypted piece by piece where the service has the key of its fields.

Nothing is on the shelf that is not whole: what is being written has no name, so it goes with its process.
"""

import hashlib
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag

from shared.crypto import FieldCipher

PIECE = 1 << 20
_LENGTH = 4
_TRIED = 5


@dataclass(frozen=True)
class Kept:
    """A file on the shelf: its name there, and the size and digest of what is handed out."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Shelf:
    """The folder of one service. With `cipher`, nothing in it can be read without the key."""

    folder: Path
    cipher: FieldCipher | None

    def nameless(self) -> BinaryIO:
        """A file to write to that only this process has. Blocking."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self.folder)

    def keep(self, export_id: UUID, attempt: int, written: BinaryIO) -> Kept:
        """Put what was written on the shelf, whole and on disk, or not at all. Blocking."""
        name, digest = f"{export_id}-{attempt}", hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=f"{name}.", delete=False) as half:
            size = written.seek(0, os.SEEK_END)
            written.seek(0)
            for number, left in enumerate(range(size, 0, -PIECE)):
                piece = written.read(PIECE)
                digest.update(piece)
                half.write(self._sealed(piece, _place(name, number, last=left <= PIECE)))
            half.flush()
            os.fsync(half.fileno())
        Path(half.name).replace(self.folder / name)
        return Kept(name, size, digest.hexdigest())

    def pieces(self, kept: Kept) -> Generator[bytes, None, None]:
        """The file as it was written: open from now on, so that it is read to its end though its time be over meanwhile; `close` closes it before. Raises
        FileNotFoundError; where it is read, InvalidTag if it was changed, cut or put in another's place.
        """
        pieces = self._pieces(kept)
        next(pieces)
        return pieces

    def _pieces(self, kept: Kept) -> Generator[bytes, None, None]:
        with (self.folder / kept.name).open("rb") as file:
            yield b""
            for number, left in enumerate(range(kept.size, 0, -PIECE)):
                yield self._opened(file, min(left, PIECE), _place(kept.name, number, last=left <= PIECE))

    def forget(self, name: str) -> None:
        """Take a file off the shelf; it may be gone already."""
        (self.folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """What lies there."""
        return sorted(each.name for each in self.folder.iterdir()) if self.folder.exists() else []

    def keys(self, name: str) -> set[int]:
        """The ids of the keys a file is under; none where it is gone meanwhile. Blocking."""
        return {sealed[0] for sealed in self._raw(name)}

    def renew(self, name: str) -> None:
        """The same file under the current key. Who reads it meanwhile reads on in the old one; where it goes meanwhile, the new one may go with it.
        Blocking.
        """
        raw = self._raw(name)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=f"{name}.", delete=False) as half:
            sealed = next(raw, None)
            for number in count():
                if sealed is None:
                    break
                after = next(raw, None)
                renewed = self._key.renewed(sealed, _place(name, number, last=after is None))
                half.write(len(renewed).to_bytes(_LENGTH, "big") + renewed)
                sealed = after
            half.flush()
            os.fsync(half.fileno())
        with suppress(FileNotFoundError):
            Path(half.name).replace(self.folder / name)

    def opened_by(self, cipher: FieldCipher) -> bool | None:
        """Whether a ring opens one of the first files that lie here; none where none lies. Blocking."""
        whole = [name for name in self.names() if "." not in name][:_TRIED]
        return any(self._opened_by(cipher, name) for name in whole) if whole else None

    def _opened_by(self, cipher: FieldCipher, name: str) -> bool:
        raw = self._raw(name)
        first, second = next(raw, None), next(raw, None)
        if first is None:
            return True
        with suppress(InvalidTag):
            cipher.unseal(first, _place(name, 0, last=second is None))
            return True
        return False

    @property
    def _key(self) -> FieldCipher:
        if self.cipher is None:
            raise ValueError("nothing is encrypted on this shelf")
        return self.cipher

    def _raw(self, name: str) -> Iterator[bytes]:
        with suppress(FileNotFoundError), (self.folder / name).open("rb") as file:
            while length := file.read(_LENGTH):
                yield file.read(int.from_bytes(length, "big"))

    def _sealed(self, piece: bytes, place: str) -> bytes:
        if self.cipher is None:
            return piece
        sealed = self.cipher.seal(piece, place)
        return len(sealed).to_bytes(_LENGTH, "big") + sealed

    def _opened(self, file: BinaryIO, size: int, place: str) -> bytes:
        if self.cipher is None:
            return file.read(size)
        return self.cipher.unseal(file.read(int.from_bytes(file.read(_LENGTH), "big")), place)


def _place(name: str, number: int, *, last: bool) -> str:
    return f"exports.file.{name}/{number}{'/last' if last else ''}"
