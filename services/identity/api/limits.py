"""How often somebody may try to sign in: per name, per address and in all, since comparing a password costs a tenth of a second of a core."""

from shared.guard import Rates

WITHIN = 300.0
IN_ALL = 1000


class SignInLimits:
    """Buckets of five minutes. What succeeds is given back: an office behind one address signs in at half past eight."""

    def __init__(self, attempts: int) -> None:
        self._names, self._addresses, self._all = Rates(attempts, WITHIN), Rates(attempts, WITHIN), Rates(IN_ALL if attempts else 0, WITHIN)

    def take(self, name: str, address: str) -> None:
        """One attempt. Raises TooMany."""
        self._addresses.take(address)
        self._names.take(name)
        self._all.take("")

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was a good one."""
        self._addresses.give_back(address)
        self._names.give_back(name)
        self._all.give_back("")
