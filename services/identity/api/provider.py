"""The office's OpenID provider (统一身份认证), as a client of it: code flow with PKCE, OpenID Connect Core 1.0 §3.1.

What was begun is kept by the browser, sealed: state, nonce and verifier need no table. Of what comes back nothing is believed before signature,
issuer, audience, end and nonce are seen to be right.
"""

import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from cryptography.exceptions import InvalidTag
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.identity.models.refusals import ProviderRefused
from shared.crypto import FieldCipher
from shared.errors import Unavailable

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures that are taken, whatever the provider says of itself: none that a shared secret makes, and not `none`."""
PLACE = "oidc.begun"
BEGUN_WITHIN = 600
LEEWAY = 30
PATIENCE = 10.0


@dataclass(frozen=True)
class ProviderSettings:
    """Which provider, who we are to it, and the claim that holds the login name."""

    issuer: str
    client: str
    secret: str = field(repr=False)
    redirect: str
    claim: str


@dataclass(frozen=True)
class Begun:
    """What the browser keeps while it is away, sealed. `at`: seconds since 1970."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    at: int


class Provider:
    """One provider: what it says of itself and its keys are read when first needed, its keys again when a signature names another."""

    def __init__(self, settings: ProviderSettings, cipher: FieldCipher, http: httpx.AsyncClient) -> None:
        self._settings, self._cipher, self._http = settings, cipher, http
        self._described: dict[str, Any] = {}
        self._keys: KeySet | None = None

    async def begin(self, return_to: str) -> tuple[str, str]:
        """Where the browser goes, and what it keeps meanwhile."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), return_to, int(time.time()))
        asked = {
            "response_type": "code",
            "client_id": self._settings.client,
            "redirect_uri": self._settings.redirect,
            "scope": "openid profile",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": create_s256_code_challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        address = (await self._description())["authorization_endpoint"]
        return f"{address}?{urlencode(asked)}", self._cipher.seal(json.dumps(asdict(begun)).encode(), PLACE).hex()

    async def end(self, code: str, state: str, kept: str) -> tuple[str, str]:
        """The login name that the provider vouches for, and where the browser wanted to go. Raises ProviderRefused."""
        begun = self._begun(kept)
        if not hmac.compare_digest(begun.state.encode(), state.encode()) or begun.at + BEGUN_WITHIN < time.time():
            raise ProviderRefused
        token = await self._exchange(code, begun.verifier)
        claims = await self._verified(token, begun.nonce)
        name = claims.get(self._settings.claim) or (await self._more(token, claims)).get(self._settings.claim)
        if not isinstance(name, str):
            raise ProviderRefused
        return name, begun.return_to

    def _begun(self, kept: str) -> Begun:
        try:
            return Begun(**json.loads(self._cipher.unseal(bytes.fromhex(kept), PLACE)))
        except (InvalidTag, ValueError, IndexError):
            raise ProviderRefused from None

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The code works once, at the provider, and only with the verifier."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._settings.redirect, "code_verifier": verifier}
        address = (await self._description())["token_endpoint"]
        return await self._json("POST", address, data=asked, auth=(self._settings.client, self._settings.secret))

    async def _verified(self, token: dict[str, Any], nonce: str) -> CodeIDToken:
        signed = str(token.get("id_token", ""))
        try:
            decoded = jwt.decode(signed, await self._keys_for(signed), algorithms=ALGORITHMS)
            wanted = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client},
            }
            known = {"nonce": nonce, "client_id": self._settings.client, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, known)
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderRefused from None
        return claims

    async def _more(self, token: dict[str, Any], claims: CodeIDToken) -> dict[str, Any]:
        """What the provider tells beside the signed token counts only if it is about the same subject (§5.3.2)."""
        headers = {"Authorization": f"Bearer {token.get('access_token')}"}
        told = await self._json("GET", (await self._description())["userinfo_endpoint"], headers=headers)
        if told.get("sub") != claims["sub"]:
            raise ProviderRefused
        return told

    async def _keys_for(self, signed: str) -> KeySet:
        """The provider's keys; asked for again when the signature names one that was not among them."""
        named = jws.extract_compact(signed.encode()).headers().get("kid")
        if self._keys is None or (named and named not in {key.kid for key in self._keys.keys}):
            self._keys = KeySet.import_key_set(await self._json("GET", (await self._description())["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    async def _description(self) -> dict[str, Any]:
        if not self._described:
            found = await self._json("GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._settings.issuer:
                raise ProviderRefused
            self._described = found
        return self._described

    async def _json(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        """Ask the provider. Raises Unavailable while it is away, ProviderRefused when it says no."""
        try:
            answer = await self._http.request(method, address, timeout=PATIENCE, **more)
        except httpx.HTTPError as error:
            raise Unavailable("provider") from error
        if answer.status_code >= 500:
            raise Unavailable("provider")
        try:
            told = answer.json()
        except ValueError:
            raise ProviderRefused from None
        if answer.is_error or not isinstance(told, dict):
            raise ProviderRefused
        return told
