"""Codes of the second factor (TOTP, RFC 6238: SHA-1, 6 digits, steps of 30 seconds, as the apps know it)."""

import hmac
from datetime import datetime
from uuid import UUID

import pyotp

STEP = 30
AROUND = (0, -1, 1)
"""Steps by which a telephone's clock may be off."""
ISSUER = "海宁数智编办"


def place_of(user_id: UUID) -> str:
    """Where the sealed secret of a user stands."""
    return f"second_factors.secret.{user_id}"


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The time step that has this code, among those around the instant."""
    now, totp = int(at.timestamp()) // STEP, pyotp.TOTP(secret)
    return next((now + off for off in AROUND if hmac.compare_digest(totp.generate_otp(now + off).encode(), code.encode())), None)


def uri_of(secret: str, name: str) -> str:
    """What an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
