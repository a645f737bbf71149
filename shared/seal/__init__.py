"""Sealing documents (用印) with an outside seal platform: only the document's digest leaves this system.

A document is prepared once (its bytes are fixed and stored), the platform signs the digest, and the signature is put into the stored
bytes. A sealed document is never edited: its certification signature allows no change.
"""

from shared.seal.completing import completed
from shared.seal.pdf import NotSealable, Placeholder, Prepared, Verdict, complete, prepare, verify
from shared.seal.platform import (
    CallbackRejected,
    EmbeddedSealPlatform,
    Seal,
    SealPlatform,
    SealResult,
    SealTask,
    SealTaskRefused,
    SealTaskUnknown,
    is_authentic,
    signed_headers,
    verify_callback,
)

__all__ = [
    "CallbackRejected",
    "EmbeddedSealPlatform",
    "NotSealable",
    "Placeholder",
    "Prepared",
    "Seal",
    "SealPlatform",
    "SealResult",
    "SealTask",
    "SealTaskRefused",
    "SealTaskUnknown",
    "Verdict",
    "complete",
    "completed",
    "is_authentic",
    "prepare",
    "signed_headers",
    "verify",
    "verify_callback",
]
