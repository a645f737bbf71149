"""May this registered change be carried out? Judged as advice at the submission, as law at the claim, and once more at the effect."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.roster.models.changes import ChangeOfOther, ChangeOutdated, ChangeTaken, ChangeUnderWay, PendingChange
from workflows.roster import PostRequest


def ensure_of_this_case(request: PostRequest, change: PendingChange) -> None:
    """The application names the person and the unit that the change was registered for."""
    if (request.person_id, request.unit_id) != (change.person_id, change.unit_id):
        raise ChangeOfOther


def ensure_open(change: PendingChange) -> None:
    """No other application has it, and it has not been carried out."""
    if change.state != "open":
        raise ChangeTaken


def ensure_claimed_by(change: PendingChange, application_id: UUID, revision: int) -> None:
    """Claimed, by this very revision of the application."""
    if (change.state, change.application_id, change.revision) != ("claimed", application_id, revision):
        raise ChangeTaken


def ensure_unchanged(change: PendingChange, now: Mapping[str, object], labels: Mapping[str, str]) -> None:
    """Every field still holds what it held when the change was registered."""
    for name, held in change.before.items():
        if now[name] != held:
            raise ChangeOutdated(field=labels.get(name, name))


def ensure_alone(under_way: Sequence[str], labels: Mapping[str, str]) -> None:
    """No other application is to change one of its fields. Told beforehand alone: which of two goes first, their deciders decide."""
    if under_way:
        raise ChangeUnderWay(fields="、".join(labels.get(name, name) for name in under_way))
