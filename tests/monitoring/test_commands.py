"""Monitoring's commands and consumers on PostgreSQL: issues, lights, cases, freeze orders and parameters."""

import asyncio
import json
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.monitoring.commands.freezes import propose_freeze
from services.monitoring.commands.lights import mark_unverified
from services.monitoring.commands.parameters import set_parameter
from services.monitoring.commands.sweeps import release_baseline, sweep_unit
from services.monitoring.consumers import watch_dead_letters
from services.monitoring.models.parameters import PARAMETER_FORMS
from services.monitoring.models.refusals import (
    AlreadyFreezing,
    FreezeNotJustified,
    FrozenBeyondQuota,
    LadderUnfit,
    ParameterMalformed,
    ParameterSetLater,
    ParameterUnknown,
)
from services.monitoring.models.requests import (
    MarkUnverified,
    ProposeFreeze,
    ReleaseBaseline,
    SetParameter,
    SweepUnit,
)
from services.monitoring.models.tasks import Action
from services.monitoring.queries.freezes import Wanted as FreezesWanted
from services.monitoring.queries.freezes import freeze_orders
from services.monitoring.queries.issues import issue as issue_page
from services.monitoring.queries.lights import light
from shared.clock import Clock, at_hour
from shared.db import Database
from shared.events.roster import LoadedPlacement, RetirementFact, SeatsState
from shared.glossary import FreezeScope, IssueState, OverQuotaCause, Rung
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, OFFICER, Tables, by, refused
from workflows.rectification_case import Act
from workflows.roster import FrozenPosts

pytestmark = pytest.mark.asyncio
AUGUST = RetirementFact(category="M60", month="2026-08")


async def test_a_violation_turns_the_light_red_keeps_its_reasons_and_starts_its_case(tables: Tables) -> None:
    town = Town()
    over = town.over_quota()

    await tables.see(over)

    issue, (change,) = await tables.issue(), await tables.rows("SELECT * FROM light_changes")
    assert await tables.light(town) == "red"
    assert await tables.started() == [f"rectification:{issue['id']}:1"]
    assert (change["before"], change["light"], change["cause_event_id"], change["until"]) == ("green", "red", over.event_id, None)
    assert change["reasons"][0]["inputs"]["surplus"] == 1
    assert (await tables.published("light_changed"))[0]["cause_event_id"] == str(over.event_id)


async def test_the_page_of_a_light_explains_in_the_words_of_the_roster(tables: Tables) -> None:
    town = Town(kind_label="事业编制", funding_label="全额拨款")
    await tables.see(town.registered(), town.over_quota(), town.over_quota(OverQuotaCause.HISTORY))
    await tables.see(town.placed(authorised_on=date(2026, 9, 10)))

    async with tables.database.reading() as conn:
        page = await light(conn, OFFICER, town.unit_id)

    said = [why.matter for why in page.why] + [known.matter for known in page.remarks]
    said += [reason["matter"] for change in page.history for reason in change.reasons]
    assert len(said) == 4
    assert [sentence for sentence in said if not sentence.startswith("事业编制（全额拨款）")] == []


async def test_a_policy_surplus_is_yellow_with_a_plan_without_ladder_and_never_frozen(tables: Tables) -> None:
    """Domain trap 17."""
    town = Town()

    await tables.see(town.over_quota(OverQuotaCause.POLICY))

    issue = await tables.issue()
    start = json.loads((await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow'"))[0]["body"])
    proposal = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=(issue["id"],))
    assert await tables.light(town) == "yellow"
    assert (start["case"]["ladder"], start["case"]["budget_days"]) == ([], 240)
    assert await refused(propose_freeze(tables.database, by(), proposal)) is FreezeNotJustified


async def test_the_cause_of_a_cut_explains_only_what_no_persons_cause_does_and_other_events_leave_it(tables: Tables) -> None:
    town, person = Town(), uuid4()

    await tables.see(town.over_quota(), town.cut(), town.placed(person=person), town.released(person))

    sizes = {row["subject"]: row["size"] for row in await tables.rows("SELECT subject, size FROM issues WHERE present")}
    assert sizes == {"career/full/violation": 1, "career/full/policy": 1}


async def test_a_historical_surplus_waits_to_be_classified_and_is_no_issue(tables: Tables) -> None:
    town = Town()

    await tables.see(town.over_quota(OverQuotaCause.HISTORY))

    assert await tables.light(town) == "green"
    assert await tables.rows("SELECT * FROM issues") == []
    assert [row["code"] for row in await tables.rows("SELECT code FROM remarks")] == ["unclassified"]


async def test_a_historical_surplus_is_an_issue_once_the_office_classifies_it(tables: Tables) -> None:
    """Must fail when nothing can: what a first load records without a cause would wait for ever (domain §4.2: no issue until classified)."""
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(OverQuotaCause.HISTORY, person=person))

    await tables.see(town.corrected(person, cause=OverQuotaCause.VIOLATION))
    issue = await tables.issue()
    assert (issue["subject"], issue["state"], await tables.light(town)) == ("career/full/violation", "to_verify", "red")
    assert await tables.rows("SELECT code FROM remarks") == []

    await tables.see(town.corrected(person))  # of anything else: the cause stays
    assert (await tables.issue())["present"]
    await tables.see(town.cut(-1, cause=None), town.cut(1, cause=None), town.corrected(person, cause=OverQuotaCause.POLICY))
    assert await tables.rows("SELECT cause FROM placements") == [{"cause": None}]  # room has used it up: it does not come back


async def test_a_first_load_runs_dry_until_the_office_releases_it(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota(baseline=True))
    dry = (await tables.light(town), (await tables.issue())["state"], await tables.started(), await tables.published("issue_changed"))
    async with tables.database.reading() as conn:
        told = (await light(conn, OFFICER, town.unit_id)).baseline
        waits = (await issue_page(conn, OFFICER, (await tables.issue())["id"], NOW)).better_by

    released = await release_baseline(tables.database, by(), ReleaseBaseline(unit_id=town.unit_id))

    assert dry == ("green", "baseline", [], [])
    assert (told, released) == (1, 1)
    assert "单位“监督”页" in waits
    assert (await tables.light(town), (await tables.issue())["state"], len(await tables.started())) == ("red", "to_verify", 1)


async def test_what_ended_without_a_case_is_not_said_to_be_accepted(tables: Tables) -> None:
    """Of a first load or a warning: nobody has accepted anything."""
    town, person = Town(), uuid4()
    await tables.see(town.registered(), town.over_quota(person=person, baseline=True), town.released(person))
    async with tables.database.reading() as conn:
        page = await issue_page(conn, OFFICER, (await tables.issue())["id"], NOW)

    assert (page.state, page.better_by) == (IssueState.CLOSED, "规则已查不到，自动消除。")


async def test_leaders_beyond_their_number_are_an_issue_until_they_are_within_it(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.seats(2, 2, SeatsState(level="internal_head", approved=3, used=3)))
    within = (await tables.light(town), await tables.rows("SELECT * FROM issues"))

    await tables.see(town.seats(2, 3))
    found, over = await tables.issue(), await tables.light(town)
    await tables.see(town.seats(3, 3))

    assert (within, over) == (("green", []), "red")
    assert (found["rule"], found["subject"], found["state"], found["size"]) == ("M02", "unit_deputy", "to_verify", 1)
    assert len(await tables.started()) == 1
    assert not (await tables.issue())["present"]


async def test_leaders_beyond_their_number_of_a_first_load_are_baseline(tables: Tables) -> None:
    town = Town()

    await tables.see(town.registered(), town.seats(3, 3, SeatsState(level="internal_head", approved=1, used=2), baseline=True))

    found = await tables.rows("SELECT subject, state, inputs ->> 'over' AS over FROM issues")
    assert found == [{"subject": "internal_head", "state": "baseline", "over": "1"}]
    assert (await tables.light(town), await tables.started()) == ("green", [])


async def test_everybody_of_a_first_load_is_judged_and_all_of_it_is_baseline(tables: Tables) -> None:
    town = Town()
    retired, late = uuid4(), uuid4()
    people = [
        loaded_person(retired, retirement=RetirementFact(category="M60", month="2025-01")),
        loaded_person(late, authorised_on=date(2026, 9, 10)),
        loaded_person(uuid4()),
        loaded_person(uuid4(), cause=OverQuotaCause.POLICY),
    ]

    await tables.see(town.loaded(*people))

    found = {(row["rule"], row["subject"]): row["state"] for row in await tables.rows("SELECT rule, subject, state FROM issues")}
    assert found == dict.fromkeys((("M09", str(retired)), ("M07", str(late)), ("M01", "career/full/policy")), "baseline")
    assert (await tables.light(town), await tables.started()) == ("green", [])
    assert len(await tables.rows("SELECT * FROM placements WHERE baseline")) == len(people)


def loaded_person(person: UUID, **more: Any) -> LoadedPlacement:
    facts = {
        "kind": "career",
        "funding": "full",
        "started_on": date(2026, 9, 1),
        "retirement": RetirementFact(category="M60", month="2046-01"),
    }
    return LoadedPlacement(person_id=person, person_version=1, **facts | more)


async def test_a_later_violation_opens_what_a_first_load_left_but_the_same_one_seen_again_does_not(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(baseline=True))
    await tables.see(town.placed(person=person), town.released(person))
    same = (await tables.issue())["state"]

    await tables.see(town.over_quota())

    assert same == "baseline"
    assert ((await tables.issue())["state"], (await tables.issue())["round"], await tables.light(town)) == ("to_verify", 1, "red")


async def test_a_case_stays_open_when_its_cause_is_gone_and_comes_back_as_a_new_round(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(person=person), town.released(person))
    waiting = await tables.issue()

    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 1)
    green = await tables.light(town)
    await tables.see(town.over_quota())

    again = await tables.issue()
    assert (waiting["present"], waiting["state"]) == (False, "to_verify")
    assert green == "green"
    assert (again["id"], again["round"], again["state"], again["present"]) == (waiting["id"], 2, "to_verify", True)
    assert f"rectification:{again['id']}:2" in await tables.started()


async def test_a_recorded_cause_that_room_has_used_up_accuses_nobody_of_a_later_surplus(tables: Tables) -> None:
    town, gone = Town(), uuid4()
    await tables.see(town.placed(person=gone), town.over_quota(), town.released(gone), town.released(uuid4()))
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 1)

    await tables.see(town.over_quota(OverQuotaCause.POLICY))

    found = {row["subject"]: (row["round"], row["state"]) for row in await tables.rows("SELECT subject, round, state FROM issues")}
    assert found == {"career/full/violation": (1, "closed"), "career/full/policy": (1, "to_verify")}
    assert await tables.light(town) == "yellow"


async def test_the_cause_of_a_cut_is_used_up_by_room_as_well(tables: Tables) -> None:
    town, back = Town(), uuid4()
    await tables.see(town.placed(person=back), town.cut(2), town.cut(-3, None))

    await tables.see(town.placed())

    assert await tables.rows("SELECT * FROM issues WHERE present") == []
    assert [row["code"] for row in await tables.rows("SELECT code FROM remarks")] == ["unclassified"]


async def test_a_cause_is_kept_while_posts_that_are_promised_leave_no_room(tables: Tables) -> None:
    town = Town(headcount=8, reserved=2)
    await tables.see(town.over_quota())
    before = await tables.light(town)

    for _ in range(2):
        town.reserved -= 1
        await tables.see(town.placed())

    assert (before, await tables.light(town), (await tables.issue())["size"]) == ("green", "red", 1)


async def test_a_later_violation_opens_what_was_dismissed_but_the_same_one_seen_again_does_not(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota())
    await tables.record(Act.DISMISS, IssueState.DISMISSED, 1)
    await tables.see(town.placed(person=person), town.released(person))
    same = ((await tables.issue())["state"], await tables.light(town))

    await tables.see(town.over_quota())

    again = await tables.issue()
    assert same == ("dismissed", "green")
    assert (again["round"], again["state"], again["size"], await tables.light(town)) == (2, "to_verify", 2, "red")
    assert f"rectification:{again['id']}:2" in await tables.started()


async def test_what_time_alone_made_worse_opens_nothing_that_was_settled(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    passed = RetirementFact(category="M60", month="2026-08")
    await tables.see(town.placed(person=person, retirement=passed, baseline=True))

    await tables.see(town.corrected(person, passed, at_hour(date(2026, 9, 28), 1)))

    assert ((await tables.issue())["state"], (await tables.issue())["level"], await tables.light(town)) == ("baseline", "red", "green")


EARLY: dict[str, Any] = {"started_on": date(2026, 9, 1), "authorised_on": date(2026, 9, 2)}
EARLY_AGAIN: dict[str, Any] = {"started_on": date(2026, 9, 16), "authorised_on": date(2026, 9, 17)}


@pytest.mark.parametrize(
    ("settled", "then"),
    [((Act.ACCEPT_EVIDENCE, IssueState.CLOSED), 2), ((Act.DISMISS, IssueState.DISMISSED), 2), (None, 1)],
    ids=["closed", "dismissed", "baseline"],
)
async def test_who_is_placed_too_early_once_more_is_found_once_more(
    tables: Tables, settled: tuple[Act, IssueState] | None, then: int
) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, baseline=settled is None, **EARLY))
    if settled is not None:
        await tables.record(*settled, 1)
    await tables.see(town.corrected(person, **EARLY | {"started_on": date(2026, 8, 31)}), town.released(person))
    same = (await tables.issue())["state"]

    await tables.see(town.placed(person=person, **EARLY_AGAIN))

    again = await tables.issue()
    assert same == (settled[1] if settled else "baseline")
    assert (again["round"], again["state"], again["inputs"]["started_on"]) == (then, "to_verify", "2026-09-16")
    assert await tables.light(town) == "red"
    assert f"rectification:{again['id']}:{then}" in await tables.started()


async def test_what_came_back_before_its_acceptance_was_recorded_begins_its_next_round_and_the_light_stays_red(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(person=person), town.released(person))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 1)

    await tables.see(town.over_quota())
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 2)

    again = await tables.issue()
    told = [(each["state"], each["round"]) for each in await tables.published("issue_changed")]
    assert (again["round"], again["state"], again["closed_at"], again["closing_document_no"]) == (2, "to_verify", None, None)
    assert await tables.started() == [f"rectification:{again['id']}:{round_}" for round_ in (1, 2)]
    assert told[-2:] == [("closed", 1), ("to_verify", 2)]
    assert [change["light"] for change in await tables.rows("SELECT light FROM light_changes ORDER BY id")] == ["red"]


async def test_what_is_gone_when_its_acceptance_is_recorded_stays_closed_and_green(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(person=person), town.released(person))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 1)

    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 2)

    closed = await tables.issue()
    assert (closed["round"], closed["state"], await tables.light(town)) == (1, "closed", "green")
    assert await tables.started() == [f"rectification:{closed['id']}:1"]


async def test_a_warning_about_time_ends_by_itself_and_becomes_a_case_when_it_gets_worse(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, retirement=RetirementFact(category="M60", month="2026-08")))
    yellow = (await tables.light(town), (await tables.issue())["state"], await tables.started())

    day = date(2026, 9, 28)
    await sweep_unit(tables.database, by(at=at_hour(day, 1)), SweepUnit(unit_id=town.unit_id, on=day, calendar=CALENDAR))
    red = (await tables.light(town), (await tables.issue())["state"], len(await tables.started()))

    assert yellow == ("yellow", "warned", [])
    assert red == ("red", "to_verify", 1)
    assert [each["state"] for each in await tables.published("issue_changed")] == ["warned", "to_verify"]


async def test_a_warning_of_an_older_version_waits_for_nobody_after_the_next_sweep(tables: Tables) -> None:
    town, day = Town(quota=50), date(2026, 9, 19)
    await tables.see(town.placed(retirement=RetirementFact(category="M60", month="2026-08")))
    await tables.database.pool.execute("UPDATE issues SET state = 'to_verify'")

    await sweep_unit(tables.database, by(at=at_hour(day, 1)), SweepUnit(unit_id=town.unit_id, on=day, calendar=CALENDAR))

    assert (await tables.issue())["state"] == "warned"
    assert [each["state"] for each in await tables.published("issue_changed")] == ["warned", "warned"]


async def test_a_warning_of_a_first_load_that_is_taken_up_is_a_warning_and_comes_back_as_one(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    late: dict[str, Any] = {"retirement": RetirementFact(category="M60", month="2026-08")}
    await tables.see(town.placed(person=person, baseline=True, **late))
    await release_baseline(tables.database, by(), ReleaseBaseline(unit_id=town.unit_id))
    taken_up = (await tables.issue())["state"]
    await tables.see(town.released(person), town.placed(person=person, **late))

    assert (taken_up, (await tables.issue())["state"], (await tables.issue())["round"]) == ("warned", "warned", 2)
    assert await tables.started() == []


async def test_a_warning_that_ends_by_itself_is_closed_by_the_exit(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, retirement=RetirementFact(category="M60", month="2026-08")))

    await tables.see(town.released(person))

    assert (await tables.light(town), (await tables.issue())["state"]) == ("green", "closed")


async def test_a_warning_that_rested_on_a_wrong_month_is_closed_by_its_correction(tables: Tables) -> None:
    town, person = Town(quota=50), uuid4()
    await tables.see(town.placed(person=person, retirement=RetirementFact(category="M60", month="2026-08")))
    before = await tables.light(town)

    await tables.see(town.corrected(person))

    assert (before, await tables.light(town), (await tables.issue())["state"]) == ("yellow", "green", "closed")


async def test_a_correction_of_an_earlier_post_leaves_the_present_one_as_it_is(tables: Tables) -> None:
    town, person = Town(), uuid4()
    earlier: dict[str, Any] = {"started_on": date(2024, 1, 1), "authorised_on": date(2023, 12, 1)}
    await tables.see(town.placed(person=person, **earlier), town.released(person), town.over_quota(person=person))

    await tables.see(town.corrected(person, ended_on=date(2025, 1, 1), **earlier))

    (kept,) = await tables.rows("SELECT started_on, ended_on FROM placements")
    assert (kept["started_on"], kept["ended_on"]) == (date(2026, 9, 1), None)
    assert (await tables.light(town), (await tables.issue())["present"]) == ("red", True)


async def test_a_corrected_row_is_the_one_in_which_the_cause_of_the_surplus_stands(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.over_quota(cause=OverQuotaCause.POLICY, person=person))
    told = town.corrected(person)
    (row,) = told.establishments
    rows = (row.model_copy(update={"headcount": 10}), row.model_copy(update={"funding": "self", "quota": 0, "headcount": 1}))

    await tables.see(told.model_copy(update={"funding": "self", "establishments": rows}))

    (kept,) = await tables.rows("SELECT funding, cause FROM placements")
    assert (kept["funding"], kept["cause"]) == ("self", "policy")


async def test_a_correction_reaches_the_latest_of_two_posts_that_are_over_and_not_the_earlier_one(tables: Tables) -> None:
    town, person = Town(), uuid4()
    await tables.see(town.placed(person=person, started_on=date(2024, 1, 1)), town.released(person))
    await tables.see(town.placed(person=person, started_on=date(2026, 3, 1)), town.released(person))

    await tables.see(town.corrected(person, started_on=date(2024, 1, 1), ended_on=date(2026, 3, 1)))
    (untouched,) = await tables.rows("SELECT started_on, ended_on FROM placements")
    await tables.see(town.corrected(person, started_on=date(2026, 2, 1), ended_on=date(2026, 9, 10)))
    (corrected,) = await tables.rows("SELECT started_on, ended_on FROM placements")

    assert (untouched["started_on"], untouched["ended_on"]) == (date(2026, 3, 1), NOW.date())
    assert (corrected["started_on"], corrected["ended_on"]) == (date(2026, 2, 1), date(2026, 9, 10))


async def test_an_event_of_days_ago_leaves_to_the_sweep_what_only_time_has_changed_since(tables: Tables) -> None:
    found, other, then, day = Town(quota=50), Town(quota=50), at_hour(date(2026, 8, 30), 10), at_hour(date(2026, 9, 28), 1)
    stays, leaves, unseen = uuid4(), uuid4(), uuid4()
    await tables.see(found.placed(then, stays, AUGUST), found.placed(then, leaves, AUGUST), now=then)
    await sweep_unit(tables.database, by(at=day), SweepUnit(unit_id=found.unit_id, on=day.date(), calendar=CALENDAR))
    await tables.see(found.corrected(stays, AUGUST, then), other.placed(then, unseen, AUGUST), now=day)

    await tables.see(found.released(leaves, then), now=day)

    issues = await tables.rows("SELECT subject, level, present, round, opens_case FROM issues ORDER BY present")
    assert [tuple(issue.values()) for issue in issues] == [(str(leaves), "red", False, 1, True), (str(stays), "red", True, 1, True)]
    assert (await tables.light(found), await tables.light(other)) == ("red", "green")


async def test_what_an_event_of_days_ago_ends_is_not_closed_before_it_was_found(tables: Tables) -> None:
    town, person, then, day = Town(quota=50), uuid4(), at_hour(date(2026, 8, 30), 10), at_hour(date(2026, 9, 1), 1)
    await tables.see(town.placed(then, person, AUGUST), now=then)
    await sweep_unit(tables.database, by(at=day), SweepUnit(unit_id=town.unit_id, on=day.date(), calendar=CALENDAR))

    await tables.see(town.released(person, then), now=day)

    closed, changes = await tables.issue(), await tables.rows("SELECT light, since, until FROM light_changes ORDER BY id")
    told = await tables.rows("SELECT occurred_at FROM event_log WHERE type = 'monitoring.light_changed.v1'")
    assert (closed["state"], closed["closed_at"]) == ("closed", closed["found_at"])
    assert [(each["light"], each["since"], each["until"]) for each in changes] == [("yellow", day, day), ("green", day, None)]
    assert [each["occurred_at"] for each in told] == [day, day]


async def test_missing_retirement_data_is_said_and_accuses_nobody(tables: Tables) -> None:
    town = Town(quota=50)

    await tables.see(town.placed(retirement=RetirementFact(category="special")))

    assert (await tables.light(town), await tables.rows("SELECT * FROM issues")) == ("green", [])
    assert [row["code"] for row in await tables.rows("SELECT code FROM remarks")] == ["data_missing"]


async def test_two_events_at_once_turn_one_light_once(tables: Tables) -> None:
    """Must fail when the light is not locked first."""
    town = Town()
    events = [town.over_quota(OverQuotaCause.POLICY), town.placed(authorised_on=date(2026, 9, 10)), town.over_quota()]

    await asyncio.gather(*(tables.see(event) for event in events))

    changes = await tables.rows("SELECT before, light FROM light_changes ORDER BY id")
    assert await tables.light(town) == "red"
    assert [change["before"] for change in changes] == ["green", *(change["light"] for change in changes[:-1])]


async def test_an_entry_delivered_twice_is_recorded_once(tables: Tables) -> None:
    await tables.see(Town().over_quota())

    await tables.confirm()
    await tables.confirm()

    assert (await tables.issue())["number"] == "编整〔2026〕1号"
    assert len(await tables.rows("SELECT * FROM issue_entries")) == 1


async def test_an_overdue_case_proposes_one_freeze_and_does_not_freeze(tables: Tables) -> None:
    """Domain trap 8: the engine proposes."""
    await tables.see(Town().over_quota())
    await tables.confirm()

    for sequence, rung in ((2, Rung.OVERDUE), (3, Rung.FREEZE_PROPOSAL)):
        await tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, sequence, rung=rung, planned_at=NOW)
    proposal = ProposeFreeze(
        unit_id=(await tables.issue())["unit_id"], scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],)
    )

    (order,) = await tables.rows("SELECT * FROM freeze_orders")
    assert (order["state"], order["scopes"], order["decided_by"]) == ("freeze_proposed", ["post_use", "entry"], None)
    assert f"freeze:{order['id']}" in await tables.started()
    assert await refused(propose_freeze(tables.database, by(), proposal)) is AlreadyFreezing


async def test_an_overdue_case_of_leaders_proposes_to_freeze_leaders(tables: Tables) -> None:
    """Must fail when every rule proposes the same: 用编 and 入编 would be frozen, and more leaders appointed."""
    town = Town()
    await tables.see(town.registered(), town.seats(2, 3))
    await tables.confirm()

    await tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 2, rung=Rung.FREEZE_PROPOSAL, planned_at=NOW)

    assert [order["scopes"] for order in await tables.rows("SELECT * FROM freeze_orders")] == [["leadership"]]


async def test_what_came_back_under_an_order_is_proposed_to_be_frozen_for_anew(tables: Tables) -> None:
    """The order that hangs on its earlier round waits for it no longer: it may be lifted while the next round is overdue."""
    town, person, later = Town(), uuid4(), NOW + timedelta(days=1)
    await tables.see(town.registered(), town.over_quota(person=person))
    await tables.confirm()
    await tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 2, rung=Rung.FREEZE_PROPOSAL, planned_at=NOW)
    await tables.see(town.released(person))
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3)
    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 4)
    await tables.see(town.over_quota(at=later), now=later)
    await tables.confirm()
    offered = await actions(tables)

    await tables.record(Act.FIRE_RUNG, IssueState.OVERDUE, 2, rung=Rung.FREEZE_PROPOSAL, planned_at=later)

    links = await tables.rows("SELECT round, accepted_at IS NULL AS waits FROM freeze_order_issues ORDER BY round")
    assert [tuple(link.values()) for link in links] == [(1, False), (2, True)]
    assert (Action.PROPOSE_FREEZE in offered, Action.PROPOSE_FREEZE in await actions(tables)) == (True, False)
    assert await linked(tables) == [("编整〔2026〕1号", "已销号", 2, "逾期未整改"), ("编整〔2026〕2号", "逾期未整改", None, None)]


async def linked(tables: Tables) -> list[tuple[str | None, str, int | None, str | None]]:
    """What the director reads of the issues that orders hang on: their round, and whether they came back since."""
    async with tables.database.reading() as conn:
        page = await freeze_orders(conn, OFFICER, FreezesWanted())
    issues = [each for order in page.items for each in order.issues]
    return [(each.number, each.state_label, each.again_round, each.again_label) for each in issues]


async def actions(tables: Tables) -> tuple[Action, ...]:
    async with tables.database.reading() as conn:
        return (await issue_page(conn, OFFICER, (await tables.issue())["id"], NOW)).actions


async def test_no_order_freezes_more_posts_of_a_row_than_it_has(tables: Tables) -> None:
    await tables.see(Town().over_quota())
    await tables.confirm()
    issue, (row,) = await tables.issue(), await tables.rows("SELECT kind, funding, quota FROM establishments")
    of = {"kind": row["kind"], "funding": row["funding"]}
    orders = [
        ProposeFreeze(unit_id=issue["unit_id"], scopes=(), posts=(FrozenPosts(posts=posts, **of),), issue_ids=(issue["id"],))
        for posts in (row["quota"] + 1, row["quota"])
    ]

    assert await refused(propose_freeze(tables.database, by(), orders[0])) is FrozenBeyondQuota
    await propose_freeze(tables.database, by(), orders[1])


async def test_a_freeze_order_learns_that_its_issue_was_struck_off(tables: Tables) -> None:
    await tables.see(Town().over_quota())
    await tables.confirm()
    issue = await tables.issue()
    what = ProposeFreeze(unit_id=issue["unit_id"], scopes=(FreezeScope.ENTRY,), issue_ids=(issue["id"],))
    order = await propose_freeze(tables.database, by(), what)

    await tables.record(Act.ACCEPT_EVIDENCE, IssueState.CLOSED, 2)

    (told,) = await tables.rows("SELECT key, body FROM outbox WHERE type = 'update:issue_accepted'")
    assert (told["key"], json.loads(told["body"])) == (f"freeze:{order}", {"issue_id": str(issue["id"])})


async def test_parked_events_make_the_light_unverified_until_they_are_replayed(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered())
    await tables.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('monitoring', $1, 't', 0, 0, '{}', '', 'x')",
        str(town.unit_id),
    )
    await mark_unverified(tables.database, by(), MarkUnverified(unit_id=town.unit_id))
    parked = await tables.light(town)
    await tables.database.pool.execute("DELETE FROM dead_letters")

    await mark_unverified(tables.database, by(), MarkUnverified(unit_id=town.unit_id))

    assert (parked, await tables.light(town)) == ("unverified", "green")


async def test_who_watches_what_is_parked_outlives_a_connection_that_breaks_in_its_own_protocol() -> None:
    async def fetch(*_: object) -> object:
        raise asyncpg.InternalClientError("got result for unknown protocol state")

    database = cast("Database", SimpleNamespace(pool=SimpleNamespace(fetch=fetch)))
    watching = asyncio.create_task(watch_dead_letters(database, Clock(None)))
    await asyncio.sleep(0.1)
    alive = not watching.done()
    watching.cancel()
    await asyncio.wait([watching])

    assert alive


async def test_a_parameter_gets_a_new_version_and_running_cases_keep_what_was_pinned(tables: Tables) -> None:
    budget = SetParameter(rule="M01", name="budget_days", value=60, effective_on=NOW.date(), source="编办规〔2026〕5号", owner="监督检查科")
    unknown, malformed = budget.model_copy(update={"name": "colour"}), budget.model_copy(update={"value": "soon"})
    first, second = Town(), Town()

    await tables.see(first.over_quota())
    version = await set_parameter(tables.database, by(), budget)
    await tables.see(second.over_quota())

    starts = await tables.rows("SELECT body FROM outbox WHERE type = 'start:RectificationWorkflow' ORDER BY id")
    assert version == 2
    assert [json.loads(start["body"])["case"]["budget_days"] for start in starts] == [30, 60]
    assert await refused(set_parameter(tables.database, by(), unknown)) is ParameterUnknown
    assert await refused(set_parameter(tables.database, by(), malformed)) is ParameterMalformed
    days_as_text = budget.model_copy(update={"rule": "*", "name": "ladder", "value": [{"rung": "overdue", "offset": "0"}]})
    assert await refused(set_parameter(tables.database, by(), days_as_text)) is ParameterMalformed


async def test_a_value_of_another_kind_is_refused_in_words_and_a_right_one_is_kept_as_it_reads(tables: Tables) -> None:
    what = {"effective_on": NOW.date(), "source": "编办规〔2026〕5号", "owner": "监督检查科"}
    days = SetParameter(rule="M01", name="budget_days", value=[30], **what)
    series = SetParameter(rule="*", name="notice_series", value=" 海编督 ", **what)

    with pytest.raises(ParameterMalformed) as refusal:
        await set_parameter(tables.database, by(), days)
    await set_parameter(tables.database, by(), series)

    assert str(refusal.value) == "“整改期限（工作日）”的值应为 1 至 250 的整数（工作日）。参数没有改变，请改正后重新提交。"
    known = {row["name"]: row["value"] for row in await tables.rows("SELECT name, value FROM parameters ORDER BY version")}
    assert known["notice_series"] == "海编督"
    assert set(known) == set(PARAMETER_FORMS)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [("reminder", -3), ("interview", 10)],
        [("overdue", 3)],
        [("overdue", 0), ("interview", 10), ("interview", 20)],
        [("overdue", 0), ("circular", 2_000_000_000)],
    ],
)
async def test_a_ladder_without_the_end_of_the_term_or_with_a_rung_out_of_reach_is_refused(
    tables: Tables, steps: list[tuple[str, int]]
) -> None:
    """No case would ever be overdue by it, or none would go on: its workflow counts day by day to the end of the calendar."""
    value = [{"rung": rung, "offset": offset} for rung, offset in steps]
    ladder = SetParameter(rule="*", name="ladder", value=value, effective_on=NOW.date(), source="编办规〔2026〕5号", owner="监督检查科")

    assert await refused(set_parameter(tables.database, by(), ladder)) is LadderUnfit


async def test_a_version_that_would_never_hold_is_refused(tables: Tables) -> None:
    """What began before the one in force is held by it for ever."""
    budget = SetParameter(rule="M01", name="budget_days", value=60, effective_on=NOW.date(), source="编办规〔2026〕5号", owner="监督检查科")
    before = budget.model_copy(update={"value": 20, "effective_on": NOW.date() - timedelta(days=1)})
    planned = budget.model_copy(update={"value": 90, "effective_on": NOW.date() + timedelta(days=30)})
    until_then = budget.model_copy(update={"value": 45, "effective_on": NOW.date() + timedelta(days=1)})

    await set_parameter(tables.database, by(), budget)

    assert await refused(set_parameter(tables.database, by(), before)) is ParameterSetLater
    assert [await set_parameter(tables.database, by(), each) for each in (budget, planned, until_then)] == [3, 4, 5]
