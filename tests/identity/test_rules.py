"""Who may hold what."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest

from services.identity.models.accounts import Grant, User
from services.identity.models.refusals import (
    AdministratorOfUnits,
    AdministratorsSeparate,
    AlreadyGranted,
    ProxyRefused,
    ScopeMissing,
    ScopesDiffer,
    SelfGrant,
    ServiceRole,
)
from services.identity.rules import rights as rules
from shared.glossary import Role

UNIT, OTHER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def user(number: int, *roles: Role) -> User:
    return User(UUID(int=number), f"user{number}", "—", tuple(Grant(role, None) for role in roles))


@pytest.mark.parametrize(("held", "asked"), [*combinations(sorted(rules.ADMINISTRATORS), 2)])
def test_nobody_holds_two_of_the_three_administrator_roles(held: Role, asked: Role) -> None:
    with pytest.raises(AdministratorsSeparate):
        rules.ensure_can_hold([Grant(held, None)], asked, None)


def test_a_role_is_granted_once() -> None:
    with pytest.raises(AlreadyGranted):
        rules.ensure_can_hold([Grant(Role.OBSERVER, None)], Role.OBSERVER, None)


def test_the_services_own_role_is_not_for_people() -> None:
    with pytest.raises(ServiceRole):
        rules.ensure_can_hold([], Role.SERVICE, None)


@pytest.mark.parametrize("role", sorted(rules.OF_A_UNIT))
def test_a_unit_role_over_the_whole_county_is_refused(role: Role) -> None:
    with pytest.raises(ScopeMissing):
        rules.ensure_can_hold([], role, None)


@pytest.mark.parametrize("role", sorted(rules.ADMINISTRATORS))
def test_an_administrator_of_some_units_is_refused_since_accounts_and_rights_are_of_none(role: Role) -> None:
    with pytest.raises(AdministratorOfUnits):
        rules.ensure_can_hold([], role, (UNIT,))


def test_a_second_role_cannot_widen_the_scope_of_the_first() -> None:
    with pytest.raises(ScopesDiffer):
        rules.ensure_can_hold([Grant(Role.UNIT_CLERK, (UNIT,))], Role.UNIT_HEAD, (UNIT, OTHER))


def test_a_second_role_over_the_same_units_is_allowed() -> None:
    rules.ensure_can_hold([Grant(Role.UNIT_CLERK, (UNIT, OTHER))], Role.UNIT_HEAD, (OTHER, UNIT))


def test_who_works_for_the_whole_county_holds_every_role_for_all_of_it() -> None:
    of_all = [Grant(Role.OBSERVER, None)]

    rules.ensure_can_hold(of_all, Role.BUSINESS_OFFICER, None)
    for units in ((UNIT,), ()):
        with pytest.raises(ScopesDiffer):
            rules.ensure_can_hold(of_all, Role.UNIT_CLERK, units)
    for role in (Role.OFFICE_DIRECTOR, *rules.ADMINISTRATORS):
        rules.ensure_can_hold([], role, None)
    rules.ensure_can_hold([], Role.OBSERVER, (UNIT,))


def test_nobody_grants_himself() -> None:
    rules.ensure_not_self("secadmin", "zhang")
    with pytest.raises(SelfGrant):
        rules.ensure_not_self("secadmin", "secadmin")


@pytest.mark.parametrize(
    ("stand_in", "absent", "begins_at", "until"),
    [
        (user(1), user(1), NOW, NOW + DAY),
        (user(1, Role.SYSTEM_ADMIN), user(2), NOW, NOW + DAY),
        (user(1), user(2, Role.AUDIT_ADMIN), NOW, NOW + DAY),
        (user(1), user(2), NOW, NOW),
        (user(1), user(2), NOW - 2 * DAY, NOW - DAY),
    ],
    ids=["himself", "an administrator", "for an administrator", "no time at all", "over already"],
)
def test_a_proxy_that_makes_no_sense_is_refused(stand_in: User, absent: User, begins_at: datetime, until: datetime) -> None:
    with pytest.raises(ProxyRefused):
        rules.ensure_can_stand_in(stand_in, absent, begins_at, until, NOW)


def test_a_colleague_may_stand_in() -> None:
    rules.ensure_can_stand_in(user(1, Role.BUSINESS_OFFICER), user(2, Role.OFFICE_DIRECTOR), NOW, NOW + DAY, NOW)
