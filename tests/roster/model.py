"""A plain sequential model of the roster's post arithmetic, for the property test: one step after the other, no database, no concurrency.

A step's outcome is `ok` or the code of its refusal. Days are numbers.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

OK = "ok"
Kind = Literal["use", "entry", "transfer", "exit"]
ROWS = ("A", "B")
TOWN = "town"


@dataclass(frozen=True)
class Application:
    """What is asked for, once and for all its revisions. `row` takes the post; an exit leaves it. `expires`: the last day of what a use reserves."""

    name: str
    kind: Kind
    row: str
    posts: int = 1
    person: int | None = None
    use: str | None = None
    giver: str | None = None
    expires: int = 100


@dataclass(frozen=True)
class Step:
    """One command. `key` repeats where a workflow would repeat it; `knows` says whether the caller knows the reservation's id."""

    verb: str
    key: str
    application: Application | None = None
    revision: int = 1
    row: str = "A"
    person: int = 0
    number: int = 0
    knows: bool = True
    scopes: tuple[str, ...] = ()


@dataclass
class Reservation:
    row: str
    unspent: int
    expires: int


@dataclass
class Claim:
    revision: int
    posts: int
    state: str = "claimed"


@dataclass
class Model:
    """The whole state. `over` counts people recorded beyond quota."""

    quota: dict[str, int]
    posts: dict[int, tuple[str, int]] = field(default_factory=dict)  # person -> row, day of entry
    over: dict[int, str] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    buried: dict[str, int] = field(default_factory=dict)
    orders: dict[int, tuple[str, tuple[str, ...], bool]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    applications: dict[str, Application] = field(default_factory=dict)

    def headcount(self, row: str) -> int:
        return sum(each == row for each, _ in self.posts.values())

    def reserved(self, row: str) -> int:
        unspent = sum(each.unspent for each in self.reservations.values() if each.row == row)
        claimed = (claim.posts for name, claim in self.claims.items() if claim.state == "claimed" and self.applications[name].row == row)
        return unspent + sum(claimed)

    def available(self, row: str) -> int:
        return self.quota[row] - self.headcount(row) - self.reserved(row)

    def figures(self) -> dict[str, tuple[int, int, int]]:
        """Quota, headcount, reserved per row."""
        return {row: (self.quota[row], self.headcount(row), self.reserved(row)) for row in ROWS}

    def after(self, step: Step, today: int) -> tuple["Model", str]:
        """The next state and the outcome."""
        if step.key in self.accepted:
            return self, OK
        new = deepcopy(self)
        outcome = getattr(new, f"_{step.verb}")(step, today)
        if outcome != OK:
            return self, outcome
        new.accepted.add(step.key)
        return new, OK

    def _frozen(self, row: str, scope: str) -> bool:
        return any(live and root in {row, TOWN} and scope in scopes for root, scopes, live in self.orders.values())

    def _held(self, use: str) -> int:
        return sum(self.applications[name].use == use for name in self.holds)

    def _usable(self, application: Application, today: int, *, knows: bool) -> str:
        reservation = self.reservations.get(application.use or "") if knows else None
        if reservation is None:
            return "reservation_unknown"
        if reservation.unspent == 0:
            return "reservation_used_up"
        if reservation.expires < today:
            return "reservation_expired"
        return OK if reservation.unspent > self._held(application.use or "") else "reservation_held"

    def _here(self, application: Application, row: str | None) -> bool:
        return application.person in self.posts and self.posts[application.person][0] == row

    def _hold(self, step: Step, today: int) -> str:
        application = step.application
        assert application is not None
        if step.revision <= self.buried.get(application.name, 0):
            return "claim_refused_by_tombstone"
        if not (application.name in self.holds and step.knows):
            usable = self._usable(application, today, knows=step.knows)
            if usable != OK:
                return usable
        self.holds[application.name] = max(step.revision, self.holds.get(application.name, 0))
        return OK

    def _claim(self, step: Step, today: int) -> str:
        application = step.application
        assert application is not None
        refusal = self._judged(application, step, today)
        if refusal != OK:
            return refusal
        own = self.claims.get(application.name)
        if own is not None and own.state != "given_back":
            return "claim_open"
        if application.kind in {"entry", "transfer"} and self._claimed_elsewhere(application):
            return "person_claimed"
        self.claims[application.name] = Claim(step.revision, 0 if application.kind == "exit" else application.posts)
        if application.kind == "entry":
            self.holds.pop(application.name, None)
            self.reservations[application.use or ""].unspent -= 1
        return OK

    def _judged(self, application: Application, step: Step, today: int) -> str:
        if step.revision <= self.buried.get(application.name, 0):
            return "claim_refused_by_tombstone"
        if application.kind == "exit":
            return self._may_leave(application, application.row, today)
        if self._frozen(application.row, "post_use" if application.kind == "use" else "entry"):
            return "frozen"
        if application.kind == "entry":
            return self._may_enter(application, step, today)
        if self.available(application.row) < application.posts:
            return "quota_exhausted"
        return OK if application.kind == "use" else self._may_leave(application, application.giver, today)

    def _may_leave(self, application: Application, row: str | None, today: int) -> str:
        if not self._here(application, row):
            return "person_not_here"
        return OK if self.posts[application.person or 0][1] < today else "exit_before_arrival"

    def _may_enter(self, application: Application, step: Step, today: int) -> str:
        if application.person in self.posts:
            return "person_on_roster"
        if application.name in self.holds and step.knows:
            return OK
        return self._usable(application, today, knows=step.knows)

    def _claimed_elsewhere(self, application: Application) -> bool:
        return any(
            claim.state == "claimed"
            and self.applications[name].kind in {"entry", "transfer"}
            and self.applications[name].person == application.person
            for name, claim in self.claims.items()
            if name != application.name
        )

    def _effect(self, step: Step, today: int) -> str:
        application = step.application
        assert application is not None
        if application.kind == "exit":
            return self._left(application, step, today)
        claim = self.claims.get(application.name)
        if claim is None or claim.state != "claimed" or claim.revision != step.revision:
            return "claim_unknown"
        if application.kind == "entry" and application.person in self.posts:
            return "person_on_roster"
        if application.kind == "transfer":
            if not self._here(application, application.giver):
                return "person_not_here"
            if self.posts[application.person or 0][1] >= today:
                return "dates_out_of_order"
        claim.state = "effected"
        if application.kind == "use":
            self.reservations[application.name] = Reservation(application.row, application.posts, application.expires)
        else:
            self.over.pop(application.person or 0, None)
            self.posts[application.person or 0] = (application.row, today)
        return OK

    def _left(self, application: Application, step: Step, today: int) -> str:
        if step.revision <= self.buried.get(application.name, 0):
            return "claim_refused_by_tombstone"
        if not self._here(application, application.row):
            return "person_not_here"
        if self.posts[application.person or 0][1] >= today:
            return "dates_out_of_order"
        if application.name in self.claims:
            self.claims[application.name].state = "effected"
        del self.posts[application.person or 0]
        self.over.pop(application.person or 0, None)
        return OK

    def _give_back(self, step: Step, _: int) -> str:
        application = step.application
        assert application is not None
        name = application.name
        self.buried[name] = max(step.revision, self.buried.get(name, 0))
        if self.holds.get(name, step.revision + 1) <= step.revision:
            del self.holds[name]
        claim = self.claims.get(name)
        if claim is not None and claim.state == "claimed" and claim.revision <= step.revision:
            claim.state = "given_back"
            if application.kind == "entry":
                self.reservations[application.use or ""].unspent += 1
        return OK

    def _place(self, step: Step, today: int) -> str:
        if self._frozen(step.row, "entry"):
            return "frozen"
        if step.person in self.posts:
            return "person_on_roster"
        if self.available(step.row) < 1:
            return "quota_exhausted"
        self.posts[step.person] = (step.row, today)
        return OK

    def _over_quota(self, step: Step, today: int) -> str:
        if step.person in self.posts:
            return "person_on_roster"
        if self.available(step.row) >= 1:
            return "not_over_quota"
        self.posts[step.person] = (step.row, today)
        self.over[step.person] = step.row
        return OK

    def _set_quota(self, step: Step, _: int) -> str:
        if step.number < min(self.quota[step.row], self.headcount(step.row) + self.reserved(step.row)):
            return "quota_below_use"
        self.quota[step.row] = step.number
        return OK

    def _freeze(self, step: Step, _: int) -> str:
        self.orders[step.number] = (step.row, step.scopes, True)
        return OK

    def _unfreeze(self, step: Step, _: int) -> str:
        root, scopes, live = self.orders[step.number]
        if not live:
            return "order_ended"
        self.orders[step.number] = (root, scopes, False)
        return OK

    def _sweep(self, step: Step, today: int) -> str:
        for name, reservation in self.reservations.items():
            if reservation.row == step.row and reservation.expires < today:
                reservation.unspent = min(reservation.unspent, self._held(name))
        return OK
