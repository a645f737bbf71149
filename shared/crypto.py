"""Field encryption with a blind index, and a ring of keys that can be changed while everything runs.

A plain hash of an ID number protects nothing (10⁹ candidates in minutes); the index is keyed, and its key is not the cipher's.
The key id stands in front of every ciphertext: a new key takes over at once, old rows stay readable until they are written anew.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as keyed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared import secret_files
from shared.errors import Unavailable

_log = structlog.get_logger()
_NONCE, _TAG = 12, 16
_GLANCE = 1.0


class Suite(StrEnum):
    """The algorithms of one key: authenticated cipher and keyed index."""

    AES = "AES-256-GCM+HMAC-SHA-256"
    SM4 = "SM4-GCM+HMAC-SM3"


class _Sealing(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class _Sm4Gcm:
    """SM4 (GB/T 32907) in GCM, with the shape of `AESGCM`."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Ciphertext and tag."""
        sealing = Cipher(self._key, modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(associated_data or b"")
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The data, if the tag holds (`InvalidTag`)."""
        if len(data) < _TAG:
            raise InvalidTag
        opening = Cipher(self._key, modes.GCM(nonce, data[-_TAG:])).decryptor()
        opening.authenticate_additional_data(associated_data or b"")
        return opening.update(data[:-_TAG]) + opening.finalize()


def _hmac_sm3(key: bytes, data: bytes) -> bytes:
    """HMAC with SM3 (GB/T 32905)."""
    mac = keyed.HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()


def _hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


_SEALINGS: Mapping[Suite, Callable[[bytes], _Sealing]] = {Suite.AES: AESGCM, Suite.SM4: _Sm4Gcm}
_INDEXES: Mapping[Suite, Callable[[bytes, bytes], bytes]] = {Suite.AES: _hmac_sha256, Suite.SM4: _hmac_sm3}
_KEY_BYTES = {Suite.AES: 32, Suite.SM4: 16}


@dataclass(frozen=True)
class FieldKey:
    """One key of the ring. `id` is 1 … 255 and never used twice."""

    id: int
    suite: Suite
    key: bytes
    index_key: bytes

    @cached_property
    def sealing(self) -> _Sealing:
        """The cipher, set up once."""
        return _SEALINGS[self.suite](self.key)

    @property
    def mark(self) -> bytes:
        """By what the key is known again. It is all chance, so that a plain hash says nothing of it."""
        return hashlib.sha256(b"bianban/key/" + bytes([self.id]) + self.key + self.index_key).digest()

    def index(self, text: str) -> bytes:
        """The blind index of a text under this key, 32 bytes: equal texts, equal indexes."""
        return _INDEXES[self.suite](self.index_key, text.encode())


def new_key(key_id: int, suite: Suite) -> FieldKey:
    """A key of chance."""
    return FieldKey(key_id, suite, secrets.token_bytes(_KEY_BYTES[suite]), secrets.token_bytes(32))


@dataclass(frozen=True)
class KeyRing:
    """The keys in use. The last one encrypts; all of them read."""

    keys: tuple[FieldKey, ...]

    @property
    def current(self) -> FieldKey:
        """What is written now."""
        return self.keys[-1]

    @property
    def oldest(self) -> FieldKey:
        """The key that has been there longest."""
        return min(self.keys, key=lambda key: key.id)

    @cached_property
    def _by_id(self) -> dict[int, FieldKey]:
        return {key.id: key for key in self.keys}

    def find(self, key_id: int) -> FieldKey | None:
        """The key of an id."""
        return self._by_id.get(key_id)

    def announcing(self, key: FieldKey) -> "KeyRing":
        """With a key that reads, and does not yet write: every process gets to know it before anything is under it."""
        return KeyRing((key, *self.keys))

    def writing_with(self, key: FieldKey) -> "KeyRing":
        """The same keys, this one encrypting from now on."""
        return KeyRing((*(each for each in self.keys if each != key), key))

    def contradicts(self, other: "KeyRing") -> bool:
        """Whether an id of both names two keys: one of the rings is another installation's."""
        return any(other.find(key.id) not in {None, key} for key in self.keys)

    @classmethod
    def read(cls, text: str) -> "KeyRing":
        """A ring from its secret file, a JSON list of `{id, suite, key, index_key}` with keys in hex."""
        rows = json.loads(text)
        return cls(
            tuple(FieldKey(row["id"], Suite(row["suite"]), bytes.fromhex(row["key"]), bytes.fromhex(row["index_key"])) for row in rows)
        )

    def text(self) -> str:
        """What `read` reads."""
        rows = [{"id": key.id, "suite": key.suite, "key": key.key.hex(), "index_key": key.index_key.hex()} for key in self.keys]
        return json.dumps(rows, indent=1)


class RingFile:
    """A ring that follows its secret file: a running process takes a new key within a second, and at once when it meets an unknown one.

    What another installation's file would put in the place of its keys it does not take.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._looked, self._stamp = path, 0.0, (0, 0)
        self._ring = KeyRing(())
        self.again()

    def __call__(self) -> KeyRing:
        """The ring as the file has it, looked at once a second."""
        return self.again() if time.monotonic() - self._looked > _GLANCE else self._ring

    def again(self) -> KeyRing:
        """The ring as the file has it now."""
        self._looked = time.monotonic()
        found = self._path.stat()
        if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
            self._take(KeyRing.read(secret_files.read(self._path)))
            self._stamp = stamp
        return self._ring

    def _take(self, found: KeyRing) -> None:
        if found.contradicts(self._ring):
            _log.error("foreign keys", file=self._path.name, say="密钥文件被换成了其他系统的，未予采用。请放回原来的文件。")
        else:
            self._ring = found


class FieldCipher:
    """Encrypts single fields, each bound to its place (`table.column.row`), and gives blind indexes for equality."""

    def __init__(self, ring: KeyRing | RingFile) -> None:
        self._source, self.foreign = ring, False

    @property
    def ring(self) -> KeyRing:
        """The keys in use now. Unavailable where they were found to be another installation's (shared/known_keys.py)."""
        if self.foreign:
            raise Unavailable("keys")
        return self.held

    @property
    def held(self) -> KeyRing:
        """The keys there are, whosesoever."""
        return self._source if isinstance(self._source, KeyRing) else self._source()

    def encrypt(self, text: str, place: str) -> bytes:
        """Ciphertext that can be read back only at the same place."""
        return self.seal(text.encode(), place)

    def decrypt(self, data: bytes, place: str) -> str:
        """The text. Raises `InvalidTag` for altered data, another place or a key that is gone."""
        return self.unseal(data, place).decode()

    def seal(self, data: bytes, place: str) -> bytes:
        """As `encrypt`, for bytes."""
        key, nonce = self.ring.current, secrets.token_bytes(_NONCE)
        return bytes([key.id]) + nonce + key.sealing.encrypt(nonce, data, place.encode())

    def encrypt_all(self, texts: Sequence[tuple[str, str]]) -> list[bytes]:
        """As `encrypt`, for several texts, each with its place."""
        return self.seal_all([(text.encode(), place) for text, place in texts])

    def seal_all(self, pieces: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """As `seal`, for several pieces, each with its place: chance is drawn once."""
        key, chance = self.ring.current, secrets.token_bytes(_NONCE * len(pieces))
        name, encrypt = bytes([key.id]), key.sealing.encrypt
        nonces = [chance[start : start + _NONCE] for start in range(0, len(chance), _NONCE)]
        return [name + nonce + encrypt(nonce, data, place.encode()) for nonce, (data, place) in zip(nonces, pieces, strict=True)]

    def unseal(self, data: bytes, place: str) -> bytes:
        """As `decrypt`, for bytes."""
        return self._key(data[0]).sealing.decrypt(data[1 : 1 + _NONCE], data[1 + _NONCE :], place.encode())

    def renewed(self, data: bytes, place: str) -> bytes:
        """The same under the current key; what is under it already stays byte for byte."""
        return data if data[0] == self.ring.current.id else self.seal(self.unseal(data, place), place)

    def mark(self, text: str) -> str:
        """By what a repeat is recognised, hex: the blind index under the oldest key, so that a new key changes nothing for who repeats."""
        return self.ring.oldest.index(text).hex()

    def mark_of(self, indexes: Mapping[int, bytes]) -> str:
        """The mark of a text whose indexes are known."""
        return indexes[self.ring.oldest.id].hex()

    def indexes(self, text: str) -> dict[int, bytes]:
        """The blind indexes of a text under every key of the ring, by key id."""
        return {key.id: key.index(text) for key in self.ring.keys}

    def _key(self, key_id: int) -> FieldKey:
        found = self.ring.find(key_id)
        if found is None and isinstance(self._source, RingFile):
            found = self._source.again().find(key_id)
        if found is None:
            raise InvalidTag
        return found


def masked_id_number(text: str) -> str:
    """An ID number as everybody may see it. Besides the day of birth, which stands beside it, part of the serial number is hidden (0059)."""
    return text[:6] + "*" * (len(text) - 7) + text[-1:]
