"""Passwords and their hashes: argon2id as RFC 9106 has it for little memory (64 MiB, 3 passes), about 0.1 s of a core each; two at a time."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$fV1e8G3nwzAaL0evxbrwtQ$0MkD9ZgziKOkDoaFmrm87lteZXXwYxi8FmGxjeHcTCE"
"""Compared where there is no account, so that this takes as long; of a password nobody knows."""
_HASHER = PasswordHasher()
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")


async def hashed(password: str) -> str:
    """The hash to keep."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _HASHER.hash, password)


async def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash it is none, and takes as long to say."""
    found = await asyncio.get_running_loop().run_in_executor(_threads, _matches, kept or NOBODYS, password)
    return found and kept is not None


async def is_among(kept: Sequence[str], password: str) -> bool:
    """Whether it is one of these."""
    return any([await matches(each, password) for each in kept])


def is_outdated(kept: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
