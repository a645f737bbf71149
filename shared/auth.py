"""Who is asking: short-lived signed tokens, permissions by role, row scopes by unit subtree.

Every route declares both: `Depends(Permit("roster.place", ...))`. A route without a declaration does not exist (tests walk all routes).
"""

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal
from uuid import UUID

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, load_pem_public_key
from fastapi import Request
from fastapi.security import HTTPBearer

from shared import secret_files
from shared.errors import NotPermitted, Unavailable
from shared.glossary import LABELS, Role

LIFETIME = timedelta(minutes=15)
"""How long a revoked right may still be used; a person's token that claims longer is refused."""
SESSION = timedelta(hours=8)
"""How long tokens are renewed before one has to sign in again."""
CHECKED_TOKENS = 4096
AUDIENCE = "bianban"
SKEW = timedelta(seconds=30)
"""By how much the clocks of two machines may differ."""
_ALGORITHM = "ES256"
_GLANCE = 1.0
_log = structlog.get_logger()
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)

Scope = Literal["public", "units", "self"]
"""How a route limits rows: `units` = the caller's subtrees, enforced in SQL by `Who.may_see`; `self` = only what is his own; `public` = nothing to limit."""

OFFICE = frozenset({Role.BUSINESS_OFFICER, Role.SUPERVISION_OFFICER, Role.OFFICE_DIRECTOR, Role.SEAL_OPERATOR})
UNIT = frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD, Role.PARENT_UNIT})
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
OF_EVERYBODY = frozenset({"account.read", "account.keep"})
"""What is open to whoever is signed in, also while he has no rights at all (before he has changed his one-time password)."""
READERS = OFFICE | UNIT | {Role.COMMISSION, Role.OBSERVER}

PERMISSIONS: dict[str, frozenset[Role]] = {
    "units.read": READERS | {Role.SERVICE},
    "persons.read": OFFICE | UNIT | {Role.SERVICE},
    "persons.reveal": frozenset({Role.BUSINESS_OFFICER}),
    "persons.register": frozenset({Role.UNIT_CLERK, Role.BUSINESS_OFFICER}),
    "persons.update": frozenset({Role.UNIT_CLERK, Role.BUSINESS_OFFICER}),
    "concerned.read": frozenset({Role.BUSINESS_OFFICER, Role.OFFICE_DIRECTOR}),
    "concerned.receive": frozenset({Role.BUSINESS_OFFICER}),
    "concerned.decide": frozenset({Role.OFFICE_DIRECTOR}),
    "roster.maintain": frozenset({Role.BUSINESS_OFFICER}),
    "roster.correct": frozenset({Role.BUSINESS_OFFICER}),
    "roster.record_over_quota": frozenset({Role.SUPERVISION_OFFICER}),
    "applications.read": READERS,
    "applications.submit": frozenset({Role.UNIT_CLERK}),
    "applications.decide": frozenset({Role.UNIT_HEAD, Role.PARENT_UNIT, Role.BUSINESS_OFFICER, Role.OFFICE_DIRECTOR}),
    "documents.release": frozenset({Role.SEAL_OPERATOR}),
    "documents.read": READERS,
    "filing.read": READERS | {Role.AUDIT_ADMIN},
    "documents.revoke": frozenset({Role.OFFICE_DIRECTOR}),
    "lights.read": READERS,
    "issues.verify": frozenset({Role.SUPERVISION_OFFICER}),
    "issues.submit_evidence": frozenset({Role.UNIT_CLERK}),
    "freezes.decide": frozenset({Role.OFFICE_DIRECTOR}),
    "lists.release": frozenset({Role.SEAL_OPERATOR}),
    "lists.acknowledge": frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}),
    "reports.read": READERS,
    "exports.make": READERS | ADMINISTRATORS,
    "parameters.maintain": frozenset({Role.SUPERVISION_OFFICER}),
    "reports.rebuild": frozenset({Role.SYSTEM_ADMIN}),
    "rules.read": READERS | ADMINISTRATORS,
    "account.read": frozenset(Role),
    "account.keep": frozenset(Role),
    "users.read": ADMINISTRATORS,
    "users.maintain": frozenset({Role.SYSTEM_ADMIN}),
    "rights.maintain": frozenset({Role.SECURITY_ADMIN}),
    "traces.read": frozenset({Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN}),
    "positions.read": READERS | {Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN},
    "upkeep.read": frozenset({Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN}),
    "upkeep.maintain": frozenset({Role.SYSTEM_ADMIN}),
    "audit.read": frozenset({Role.AUDIT_ADMIN}),
}


class NotSignedIn(Exception):  # noqa: N818
    """No token, or none that is valid now."""


@dataclass(frozen=True)
class Who:
    """The caller. `units` are the roots of the subtrees he may see; none means the whole county. `acts_for` are absent colleagues he stands in for.
    `session`: what his token was made from, where it was a sign-in. `called`: his own name, where identity told it.
    """

    name: str
    roles: frozenset[Role]
    units: tuple[UUID, ...] | None = None
    acts_for: tuple[str, ...] = field(default=())
    session: UUID | None = None
    called: str = field(default="", compare=False)

    def may_see(self, path: Iterable[UUID]) -> bool:
        """Whether a unit with this path (root first) lies in his scope."""
        return self.units is None or not set(self.units).isdisjoint(path)

    def may(self, permission: str) -> bool:
        """Whether one of his roles carries the permission."""
        return permission in OF_EVERYBODY or not PERMISSIONS[permission].isdisjoint(self.roles)


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """What a token calls the key it was signed with: the beginning of the SHA-256 of the key itself."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:16]


def public_keys(text: str) -> dict[str, ec.EllipticCurvePublicKey]:
    """The keys of a file of PEM blocks, by their ids."""
    found = [load_pem_public_key(block.encode()) for block in _PEM.findall(text)]
    return {key_id(key): key for key in found if isinstance(key, ec.EllipticCurvePublicKey)}


class Tokens:
    """Signs (identity alone has the private key) and reads tokens. A file of public keys is followed: keys come and go while everything runs."""

    def __init__(self, public: str | Path, private: str | Path | None = None) -> None:
        self._source, self._private = public, private
        self._looked, self._stamp = 0.0, (0, 0)
        self._keys = public_keys(public) if isinstance(public, str) else {}
        self._checked = lru_cache(CHECKED_TOKENS)(self._check)
        self._follow()

    def issue(self, who: Who, now: datetime, lifetime: timedelta = LIFETIME, since: datetime | None = None) -> str:
        """A token valid for `lifetime` from the real time `now`; he signed in at `since` (now, unless it is a renewal)."""
        if self._private is None:
            raise RuntimeError("only identity issues tokens")
        claims = (
            {
                "aud": AUDIENCE,
                "sub": who.name,
                "roles": sorted(who.roles),
                "units": None if who.units is None else [str(unit) for unit in who.units],
                "acts_for": list(who.acts_for),
                "since": int((since or now).timestamp()),
                "iat": now,
                "exp": now + lifetime,
            }
            | ({"sid": str(who.session)} if who.session else {})
            | ({"name": who.called} if who.called else {})
        )
        key = signer(self._private if isinstance(self._private, str) else secret_files.read(self._private))
        return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": key_id(key.public_key())})

    def read(self, token: str) -> Who:
        """Who the token speaks for; raises NotSignedIn. Its signature is checked when it is first seen, its end each time."""
        self._follow()
        who, ends, _ = self._checked(token)
        if ends <= time.time():
            raise NotSignedIn
        return who

    def ends(self, token: str) -> datetime:
        """When a token that counts now is over; raises NotSignedIn."""
        self.read(token)
        return datetime.fromtimestamp(self._checked(token)[1], UTC)

    def renew(self, token: str, who: Who, now: datetime) -> str:
        """A token for the same person with the rights he has now; raises NotSignedIn once it is over, and for one that a session renews."""
        before, _, since = self._checked(token)
        if before.session is not None or now >= since + SESSION:
            raise NotSignedIn
        return self.issue(who, now, since=since)

    def _follow(self) -> None:
        """Look at the file again, once a second; what was checked with a key that is gone counts no more."""
        if isinstance(self._source, str) or time.monotonic() - self._looked < _GLANCE:
            return
        self._looked, found = time.monotonic(), self._source.stat()
        if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
            self._keys, self._stamp = public_keys(self._source.read_text(encoding="utf-8")), stamp
            self._checked.cache_clear()

    def _check(self, token: str) -> tuple[Who, float, datetime]:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, [_ALGORITHM], {"require": ["exp", "iat", "sub", "aud"]}, audience=AUDIENCE, leeway=SKEW)
            units = claims["units"]
            who = Who(
                name=claims["sub"],
                roles=frozenset(Role(role) for role in claims["roles"]),
                units=None if units is None else tuple(UUID(unit) for unit in units),
                acts_for=tuple(claims["acts_for"]),
                session=UUID(claims["sid"]) if "sid" in claims else None,
                called=str(claims.get("name", "")),
            )
            since = datetime.fromtimestamp(claims["since"], UTC)
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise NotSignedIn from error
        if who.roles != {Role.SERVICE} and claims["exp"] - claims["iat"] > LIFETIME.total_seconds():
            raise NotSignedIn
        return who, float(claims["exp"]), since


def service(name: str) -> Who:
    """Who a service is to another: role `service`, the whole county."""
    return Who(f"service.{name}", frozenset({Role.SERVICE}))


@dataclass(frozen=True)
class ServiceToken:
    """How one service shows another who it is: role `service`, no user's rights.

    In production deployment hands each service its own token as the secret `<service>.token` (`bianban service-token`), since identity alone
    has the private key; elsewhere the key is at hand, and each call gets a token of its own.
    """

    service: str
    secrets_dir: Path
    production: bool

    def at(self, now: datetime) -> str:
        """A token for one call made at the real time `now`. Raises Unavailable where none that counts was handed over; the log says so once."""
        if self.production:
            return self._handed_over()
        return Tokens("", self.secrets_dir / "token.key").issue(service(self.service), now, timedelta(minutes=5))

    def _handed_over(self) -> str:
        file = self.secrets_dir / f"{self.service}.token"
        try:
            token = secret_files.read(file)
            Tokens(self.secrets_dir / "token.pub").read(token)
        except (OSError, NotSignedIn) as error:
            _tell_once(file)
            raise Unavailable(file.name) from error
        return token


@cache
def _tell_once(file: Path) -> None:
    _log.error("the service has no token that counts: bianban service-token", secret=file.name)


@lru_cache(2)
def signer(text: str) -> ec.EllipticCurvePrivateKey:
    """The private key of a PEM text. Raises TypeError for one of another kind."""
    key = load_pem_private_key(text.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("tokens are signed with an elliptic curve key")
    return key


class Permit(HTTPBearer):
    """The declaration of a route: the permission it needs and how it limits rows. Use it as a dependency; it answers who is asking."""

    def __init__(self, permission: str, scope: Scope = "units") -> None:
        super().__init__(scheme_name="HTTPBearer", auto_error=False)
        self.permission, self.scope = permission, scope

    async def __call__(self, request: Request) -> Who:  # type: ignore[override]  # who it is, not what he showed
        """Check the token, the rate and the permission: what is refused counts too."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        tokens: Tokens = request.app.state.tokens
        request.state.who = who = tokens.read(token)
        if Role.SERVICE not in who.roles:
            request.app.state.rates.take(who.name)
        if not who.may(self.permission):
            raise NotPermitted(roles="、".join(LABELS[role] for role in Role if role in PERMISSIONS[self.permission] - {Role.SERVICE}))
        return who
