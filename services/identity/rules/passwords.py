"""Which passwords may be set. Lengths in characters; kinds are lower case, upper case, digits and the rest."""

import secrets

from zxcvbn import zxcvbn

from services.identity.models.refusals import PasswordGuessable, PasswordHoldsName, PasswordTooPlain, PasswordTooShort
from services.identity.models.sign_in import Policy

LOOKED_AT = 72
GUESSES = 10**8
"""Below it a password counts as common (zxcvbn: known lists, words, dates, keyboard rows, repeats)."""
HOUSE_WORDS = ["haining", "bianban", "bianzhi", "jigou", "zhengfu"]
CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"
"""Characters that nobody reads as another."""


def ensure_fit(policy: Policy, password: str, name: str) -> None:
    """Raises PasswordTooShort, PasswordTooPlain, PasswordHoldsName, PasswordGuessable."""
    if len(password) < policy.length:
        raise PasswordTooShort(length=policy.length)
    if _kinds(password) < policy.kinds:
        raise PasswordTooPlain(kinds=policy.kinds)
    if name in password.lower() or name[::-1] in password.lower():
        raise PasswordHoldsName
    if zxcvbn(password[:LOOKED_AT], [name, *HOUSE_WORDS])["guesses"] < GUESSES:
        raise PasswordGuessable


def _kinds(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
    return sum(any(test(each) for each in password) for test in tests)


def one_time() -> str:
    """A password to hand out: 80 bits, in four groups that can be read aloud."""
    drawn = "".join(secrets.choice(CLEAR) for _ in range(16))
    return "-".join(drawn[start : start + 4] for start in range(0, 16, 4))
