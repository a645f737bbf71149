"""Who may hold what. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.identity.models.accounts import Grant, User
from services.identity.models.refusals import (
    AdministratorOfUnits,
    AdministratorsSeparate,
    AlreadyGranted,
    OneTimePasswordOut,
    ProxyRefused,
    ScopeMissing,
    ScopesDiffer,
    SelfGrant,
    ServiceRole,
)
from shared.glossary import Role

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
OF_A_UNIT = frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD, Role.PARENT_UNIT})


def ensure_not_self(actor: str, user: str) -> None:
    """Nobody grants himself (GB/T 22239-2019 level 3, separation of duties)."""
    if actor == user:
        raise SelfGrant


def ensure_can_hold(held: Sequence[Grant], role: Role, unit_ids: Sequence[UUID] | None) -> None:
    """Refuse what the roles already held exclude (三员分立: GB/T 22239-2019 level 3, security management centre)."""
    roles = {grant.role for grant in held}
    if role is Role.SERVICE:
        raise ServiceRole
    if role in roles:
        raise AlreadyGranted
    if role in ADMINISTRATORS and roles & ADMINISTRATORS:
        raise AdministratorsSeparate
    if role in OF_A_UNIT and unit_ids is None:
        raise ScopeMissing
    if role in ADMINISTRATORS and unit_ids is not None:
        raise AdministratorOfUnits
    if any(_scope(grant.unit_ids) != _scope(unit_ids) for grant in held):
        raise ScopesDiffer


def ensure_password_own(role: Role, one_time_until: datetime | None) -> None:
    """Nobody becomes an administrator while who handed out his password can sign in with it."""
    if role in ADMINISTRATORS and one_time_until is not None:
        raise OneTimePasswordOut


def _scope(unit_ids: Sequence[UUID] | None) -> frozenset[UUID] | None:
    return None if unit_ids is None else frozenset(unit_ids)


def ensure_can_stand_in(user: User, absent: User, begins_at: datetime, until: datetime, as_of: datetime) -> None:
    """An administrator has no stand-in: it would undo the separation of the three."""
    administrators = ADMINISTRATORS & {grant.role for grant in (*user.grants, *absent.grants)}
    if user.id == absent.id or administrators or until <= max(begins_at, as_of):
        raise ProxyRefused
