"""Whoever stands where the provider stands, and answers what he likes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey


@cache
def first_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Forger:
    """Stands where the provider stands, and answers what a test wants."""

    issuer: str
    key: Any = field(default_factory=first_key)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    signer: Any = None
    described: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=lambda: {"sub": "subject", "preferred_username": "zhang"})
    nonce: str = ""
    signed: str | None = None
    made: Callable[["Forger"], str] | None = None

    def app(self) -> FastAPI:
        app = FastAPI()
        app.get("/.well-known/openid-configuration")(self.describe)
        app.get("/jwks")(lambda: KeySet([self.key]).as_dict(private=False))
        app.post("/token")(lambda: {"access_token": "access", "token_type": "Bearer", "id_token": self.token()})
        app.get("/me")(lambda: self.info)
        return app

    def describe(self) -> dict[str, Any]:
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks", "userinfo_endpoint": "/me"}
        return {"issuer": self.issuer} | {name: self.issuer + path for name, path in paths.items()} | self.described

    def token(self) -> str:
        if self.made:
            return self.made(self)
        return self.signed or jwt.encode(
            self.header, self.claimed(), self.signer or self.key, algorithms=["RS256", "HS256", "ES256", "none"]
        )

    def claimed(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "bianban", "sub": "subject", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims |= {"preferred_username": "zhang"} | self.claims
        return {name: value for name, value in claims.items() if value is not None}
