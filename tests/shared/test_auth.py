"""Tokens and scopes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.auth import AUDIENCE, LIFETIME, OF_EVERYBODY, PERMISSIONS, SESSION, SKEW, NotSignedIn, Tokens, Who, public_keys, service
from shared.glossary import Role

ROOT, TOWN, SCHOOL, OTHER = (UUID(int=number) for number in range(1, 5))
WHO = Who("zhang", frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}), (TOWN,), ("li",))


def pair() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return public.decode(), private.decode()


PUBLIC, PRIVATE = pair()
TOKENS = Tokens(PUBLIC, PRIVATE)
KID = {"kid": next(iter(public_keys(PUBLIC)))}


def now() -> datetime:
    """Of this moment: a token outlives no long run of the suite."""
    return datetime.now(UTC)


def claims() -> dict[str, object]:
    return {
        "aud": AUDIENCE,
        "sub": "zhang",
        "roles": ["observer"],
        "units": None,
        "acts_for": [],
        "since": int(now().timestamp()),
        "iat": now(),
        "exp": now() + LIFETIME,
    }


@pytest.mark.parametrize("who", [WHO, Who("director", frozenset({Role.OFFICE_DIRECTOR})), Who("nobody", frozenset(), ())])
def test_a_token_tells_who_it_was_issued_to(who: Who) -> None:
    assert Tokens(PUBLIC).read(TOKENS.issue(who, now())) == who


def forged(**changes: object) -> dict[str, object]:
    return {name: value for name, value in (claims() | changes).items() if value != "absent"}


@pytest.mark.parametrize(
    "token_of",
    [
        lambda: "",
        lambda: "nonsense",
        lambda: TOKENS.issue(WHO, now() - LIFETIME),
        lambda: TOKENS.issue(WHO, now(), LIFETIME + timedelta(seconds=1)),
        lambda: Tokens("", pair()[1]).issue(WHO, now()),
        lambda: jwt.encode(claims(), pair()[1], "ES256", KID),
        lambda: jwt.encode(claims(), PRIVATE, "ES256"),
        lambda: jwt.encode(forged(aud="another system"), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(aud="absent"), PRIVATE, "ES256", KID),
        lambda: jwt.encode(claims(), "", "none", KID),
        lambda: jwt.encode(claims(), "x" * 32, "HS256", KID),
        lambda: jwt.encode(forged(exp="absent"), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(sub="absent"), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(units="absent"), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(roles=["emperor"]), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(units=["all of them"]), PRIVATE, "ES256", KID),
        lambda: jwt.encode(forged(iat=now() + timedelta(hours=1), exp=now() + timedelta(hours=1) + LIFETIME), PRIVATE, "ES256", KID),
    ],
    ids=[
        *(
            "empty",
            "nonsense",
            "expired",
            "longer than a right may outlive its revocation",
            "another signer",
            "another signer under the name of our key",
            "no key named",
            "for another system",
            "for no system",
            "unsigned",
            "another algorithm",
            "without end",
            "without name",
            "without scope",
        ),
        *("unknown role", "unknown scope", "of the future"),
    ],
)
def test_a_token_that_is_not_ours_or_not_valid_now_is_refused(token_of: Callable[[], str]) -> None:
    token = token_of()

    with pytest.raises(NotSignedIn):
        TOKENS.read(token)


def test_a_token_that_was_good_is_refused_once_it_has_ended() -> None:
    issued, lifetime = now(), timedelta(seconds=2)
    token = TOKENS.issue(WHO, issued, lifetime)
    before = TOKENS._checked(token)
    while now() < issued + lifetime:
        time.sleep(0.1)

    assert before[0] == WHO
    with pytest.raises(NotSignedIn):
        TOKENS.read(token)


def test_a_renewed_token_has_the_rights_of_now_and_no_token_outlives_the_session() -> None:
    less = Who("zhang", frozenset({Role.UNIT_CLERK}), (TOWN,))
    begun = now()
    last = begun + SESSION - timedelta(seconds=1)

    renewed = TOKENS.renew(TOKENS.issue(WHO, begun), less, begun)
    late = TOKENS.renew(TOKENS.issue(WHO, now(), since=now() - timedelta(hours=7)), less, now())

    assert TOKENS.read(renewed) == TOKENS.read(late) == less
    TOKENS.renew(renewed, less, last)
    for token, at in ((renewed, last + timedelta(seconds=1)), (late, now() + timedelta(hours=1))):
        with pytest.raises(NotSignedIn):
            TOKENS.renew(token, less, at)


def test_only_a_service_has_a_token_for_longer() -> None:
    month = timedelta(days=30)

    assert TOKENS.read(TOKENS.issue(service("approval"), now(), month)) == service("approval")
    with pytest.raises(NotSignedIn):
        TOKENS.read(TOKENS.issue(Who("both", frozenset({Role.SERVICE, Role.OBSERVER})), now(), month))


def test_clocks_may_differ_a_little_and_no_more() -> None:
    ahead = now() + SKEW - timedelta(seconds=5)
    assert TOKENS.read(TOKENS.issue(WHO, ahead)) == WHO
    with pytest.raises(NotSignedIn):
        TOKENS.read(TOKENS.issue(WHO, now() + SKEW + timedelta(seconds=5)))


def test_keys_come_and_go_in_the_file_while_tokens_are_read(tmp_path: Path) -> None:
    file = tmp_path / "token.pub"
    file.write_text(PUBLIC)
    (new_public, new_private), reader = pair(), Tokens(file)
    old, new = TOKENS.issue(WHO, now()), Tokens("", new_private).issue(WHO, now())
    assert reader.read(old) == WHO
    with pytest.raises(NotSignedIn):
        reader.read(new)

    replaced(file, new_public + PUBLIC, reader)
    assert reader.read(new) == reader.read(old) == WHO

    replaced(file, new_public, reader)
    assert reader.read(new) == WHO
    with pytest.raises(NotSignedIn):
        reader.read(old)


def replaced(file: Path, text: str, reader: Tokens) -> None:
    """The file is another one, and the second is over in which nobody looks."""
    half = file.with_suffix(".new")
    half.write_text(text)
    half.rename(file)
    reader._looked = 0.0


def test_a_changed_token_is_refused() -> None:
    head, body, signature = TOKENS.issue(WHO, now()).split(".")

    with pytest.raises(NotSignedIn):
        TOKENS.read(".".join((head, body[:-2] + ("AA" if body[-2:] != "AA" else "BB"), signature)))


def test_only_the_private_key_signs() -> None:
    with pytest.raises(RuntimeError):
        Tokens(PUBLIC).issue(WHO, now())


def test_a_scope_reaches_down_its_subtree_and_nowhere_else() -> None:
    assert WHO.may_see((ROOT, TOWN))
    assert WHO.may_see((ROOT, TOWN, SCHOOL))
    assert not WHO.may_see((ROOT,))
    assert not WHO.may_see((ROOT, OTHER))


def test_no_scope_is_not_the_whole_county() -> None:
    assert Who("director", frozenset()).may_see((ROOT,))
    assert not Who("nobody", frozenset(), ()).may_see((ROOT,))


ABROAD = {f"{what}.read" for what in ("units", "applications", "documents", "filing", "lights", "reports", "rules", "positions")} | {
    "exports.make"
}
AT_HOME = ABROAD | {"persons.read"}
ADMINISTERS = {"users.read", "rules.read", "exports.make"}
WORK = {
    Role.UNIT_CLERK: AT_HOME | {"persons.register", "persons.update", "applications.submit", "issues.submit_evidence", "lists.acknowledge"},
    Role.UNIT_HEAD: AT_HOME | {"applications.decide", "lists.acknowledge"},
    Role.PARENT_UNIT: AT_HOME | {"applications.decide"},
    Role.BUSINESS_OFFICER: AT_HOME
    | {
        "persons.register",
        "persons.update",
        "persons.reveal",
        "concerned.read",
        "concerned.receive",
        "roster.maintain",
        "roster.correct",
        "applications.decide",
    },
    Role.SUPERVISION_OFFICER: AT_HOME | {"roster.record_over_quota", "issues.verify", "parameters.maintain"},
    Role.OFFICE_DIRECTOR: AT_HOME | {"applications.decide", "concerned.read", "concerned.decide", "documents.revoke", "freezes.decide"},
    Role.SEAL_OPERATOR: AT_HOME | {"documents.release", "lists.release"},
    Role.COMMISSION: ABROAD,
    Role.OBSERVER: ABROAD,
    Role.SYSTEM_ADMIN: ADMINISTERS
    | {"users.maintain", "reports.rebuild", "traces.read", "positions.read", "upkeep.read", "upkeep.maintain"},
    Role.SECURITY_ADMIN: ADMINISTERS | {"rights.maintain"},
    Role.AUDIT_ADMIN: ADMINISTERS | {"audit.read", "traces.read", "positions.read", "upkeep.read", "filing.read"},
    Role.SERVICE: {"units.read", "persons.read"},
}
"""What each is there for. The departments beside the office (组织、人社、财政、审计、巡察) and the commission change nothing and read of nobody; the three
administrators decide no case (三员分立); a service reads what stands on a notice, numbers masked, and its token lasts a year.
"""


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_its_work_asks_for_and_nothing_else(role: Role) -> None:
    assert {name for name, roles in PERMISSIONS.items() if role in roles} == WORK[role] | OF_EVERYBODY
