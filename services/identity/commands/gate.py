"""What every sign-in is measured by, and the keys of the names that are tried."""

import hashlib
import secrets
from dataclasses import dataclass

from services.identity.models.sign_in import Policy
from shared.crypto import FieldCipher

KEY_BYTES = 32


@dataclass(frozen=True)
class Gate:
    """How strict the house is, and what seals second factors and marks names."""

    policy: Policy
    cipher: FieldCipher

    def mark(self, name: str) -> str:
        """By what attempts on one name are counted together."""
        return mark_of(self.cipher, name)


def mark_of(cipher: FieldCipher, name: str) -> str:
    """The keyed mark of a name that was typed; what was typed may be a password."""
    return cipher.mark(f"sign-in/{name}")


def new_key() -> str:
    """A session's key: 256 bits of chance."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> bytes:
    """What is kept of a key. It is all chance, so that a plain hash says nothing of it."""
    return hashlib.sha256(key.encode()).digest()
