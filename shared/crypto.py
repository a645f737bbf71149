"""Field encryption with a blind index, and the cipher of workflow payloads.

A plain hash of an ID number protects nothing (10⁹ candidates in minutes); the index is keyed, and its key is not the cipher's.
The key id stands in front of every ciphertext, so that keys can be changed while old rows stay readable.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


@dataclass(frozen=True)
class FieldCipher:
    """AES-256-GCM per field, bound to its place (`table.column.row`), and an HMAC-SHA-256 index for equality."""

    key: bytes
    index_key: bytes
    key_id: int = 1

    def encrypt(self, text: str, place: str) -> bytes:
        """Ciphertext that can be read back only at the same place."""
        nonce = secrets.token_bytes(_NONCE)
        return bytes([self.key_id]) + nonce + AESGCM(self.key).encrypt(nonce, text.encode(), place.encode())

    def decrypt(self, data: bytes, place: str) -> str:
        """The text. Raises `InvalidTag` for altered data or another place."""
        return AESGCM(self.key).decrypt(data[1 : 1 + _NONCE], data[1 + _NONCE :], place.encode()).decode()

    def index(self, text: str) -> bytes:
        """The blind index of a text, 32 bytes: equal texts, equal indexes."""
        return hmac.new(self.index_key, text.encode(), hashlib.sha256).digest()


def masked_id_number(text: str) -> str:
    """An ID number as everybody may see it."""
    return text[:6] + "*" * (len(text) - 10) + text[-4:]
