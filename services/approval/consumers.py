"""Door 2: Kafka. The units and their freezes, as the roster tells of them; which accounts there are, as identity does."""

from services.approval.commands import freezes, users
from services.approval.models.requests import EndFreeze, KeepFreeze
from shared import unit_copies
from shared.consumer import Handler, Handlers
from shared.db import Connection
from shared.events.identity import UserRegistered
from shared.events.roster import UnitFrozen, UnitUnfrozen

TOPICS = ("roster.events", "monitoring.events", "identity.events")


def handlers() -> Handlers:
    """Everything this service listens to."""
    return {
        **unit_copies.unit_handlers(),
        UnitFrozen: Handler(fold=fold_frozen, react=on_frozen),
        UnitUnfrozen: Handler(fold=fold_unfrozen, react=on_unfrozen),
        UserRegistered: Handler(fold=fold_user),
    }


async def fold_frozen(conn: Connection, event: UnitFrozen) -> None:
    """The copy first: its row lock makes submissions of the unit wait."""
    await unit_copies.fold_frozen(conn, event)
    await freezes.keep_freeze(conn, _order(event))


async def on_frozen(conn: Connection, event: UnitFrozen) -> None:
    """Pending applications pause where they stand."""
    await freezes.block_applications(conn, _order(event))


async def fold_unfrozen(conn: Connection, event: UnitUnfrozen) -> None:
    """The order no longer holds."""
    await unit_copies.fold_unfrozen(conn, event)
    await freezes.end_freeze(conn, _end(event))


async def on_unfrozen(conn: Connection, event: UnitUnfrozen) -> None:
    """Pending applications go on with the days they had left."""
    await freezes.unblock_applications(conn, _end(event))


async def fold_user(conn: Connection, event: UserRegistered) -> None:
    """There is such an account."""
    await users.keep_user(conn, event.user)


def _order(event: UnitFrozen) -> KeepFreeze:
    return KeepFreeze(event_id=event.event_id, order_id=event.order_id, unit_id=event.unit_id, scopes=event.scopes)


def _end(event: UnitUnfrozen) -> EndFreeze:
    return EndFreeze(event_id=event.event_id, order_id=event.order_id, unit_id=event.unit_id)
