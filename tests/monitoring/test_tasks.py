"""Work lists of monitoring: what waits for whom and why, what he may do with it, and that nobody sees another's."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.monitoring.commands.freezes import propose_freeze, record_freeze_entry
from services.monitoring.commands.lists import issue_list, release_list
from services.monitoring.models.requests import IssueList, ProposeFreeze, ReleaseList
from services.monitoring.models.tasks import Action, Tab, Task
from services.monitoring.queries import freezes, issues, lists, tasks
from services.monitoring.queries.reopening import open_rectifications
from services.monitoring.queries.tasks import Wanted
from shared.auth import Who
from shared.db import By
from shared.glossary import FreezeScope, FreezeState, IssueState, Role
from shared.law.deadline import Deadline
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CALENDAR, CIPHER, OFFICER, Tables, by
from workflows.freeze_case import FreezeAct, FreezeEntry
from workflows.rectification_case import Act
from workflows.rectification_orders import SENTENCES
from workflows.roster import Evidence

pytestmark = pytest.mark.asyncio
DIRECTOR = Who("director-gu", frozenset({Role.OFFICE_DIRECTOR}))
OPERATOR = Who("operator-he", frozenset({Role.SEAL_OPERATOR}))
SERVED = Deadline.start(NOW.date(), 15, CALENDAR)


def clerk_of(unit_id: UUID) -> Who:
    return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (unit_id,))


async def listed(tables: Tables, who: Who, tab: Tab = "todo", **more: object) -> list[Task]:
    async with tables.database.reading() as conn:
        return await tasks.tasks(conn, who, Wanted.model_validate({"tab": tab, **more}), NOW, CIPHER)


async def may(tables: Tables, who: Who) -> tuple[Action, ...]:
    async with tables.database.reading() as conn:
        return (await issues.issue(conn, who, (await tables.issue())["id"], NOW)).actions


async def seal(tables: Tables) -> None:
    issue = await tables.issue()
    await tables.database.pool.execute(
        "INSERT INTO notice_seals (id, issue_id, round, released_by, released_at, release_reason, sealed_sha256, sealed_file, signer, sealed_at)"
        " VALUES ($1, $2, 1, 'operator-he', $3, '', 'x', 'x', '编办', $3)",
        uuid4(),
        issue["id"],
        NOW,
    )


async def test_an_issue_waits_for_one_after_the_other_and_each_is_told_why_and_what_he_may_do(tables: Tables) -> None:
    town = Town()
    clerk = clerk_of(town.unit_id)
    everybody = (OFFICER, OPERATOR, clerk)

    async def holders() -> dict[str, str]:
        return {who.name: task.why for who in everybody for task in await listed(tables, who)}

    await tables.see(town.registered(), town.over_quota())
    assert await holders() == {OFFICER.name: "规则查到的问题，由监督检查科核实"}
    assert (await may(tables, OFFICER), await may(tables, clerk)) == ((Action.CONFIRM, Action.DISMISS), ())
    await tables.confirm()
    assert await holders() == {OPERATOR.name: "整改通知书已签发，由用印管理员登记用印"}
    assert (await may(tables, OPERATOR), Action.SERVE in await may(tables, OFFICER)) == ((Action.RELEASE,), False)
    await seal(tables)
    assert await holders() == {OFFICER.name: "整改通知书已签发，由监督检查科送达"}
    assert await may(tables, OFFICER) == (Action.SERVE, Action.PROPOSE_FREEZE)
    term: dict[str, Any] = {"deadline": SERVED, "due_at": SERVED.due_at}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, **term)
    assert await holders() == {clerk.name: "整改通知书已送达，由单位按期整改并提交材料"}
    assert await may(tables, clerk) == (Action.SUBMIT_EVIDENCE, Action.ASK_EXTENSION)
    assert await may(tables, OFFICER) == (Action.PAUSE, Action.EXTEND, Action.PROPOSE_FREEZE)
    await tables.record(Act.SUBMIT_EVIDENCE, IssueState.EVIDENCE_SUBMITTED, 3, **term)
    assert await holders() == {}
    assert await may(tables, OFFICER) == (Action.RETURN, Action.PROPOSE_FREEZE)
    assert await may(tables, Who("officer-lu", OFFICER.roles)) == (Action.RETURN, Action.PROPOSE_FREEZE)
    assert [task.why for task in await listed(tables, Who("officer-lu", OFFICER.roles))] == ["单位已提交整改材料，由监督检查科验收"]


async def test_an_extension_that_the_unit_asks_for_waits_for_an_officer_who_did_not_ask_it_himself(tables: Tables) -> None:
    town, why = Town(), "单位申请延期，由监督检查科决定"
    both = Who("clerk-zhu", OFFICER.roles | {Role.UNIT_CLERK})
    term: dict[str, Any] = {"deadline": SERVED, "due_at": SERVED.due_at}
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, **term)
    asked: dict[str, Any] = {"actor": "clerk-zhu", "details": {"days": 3}, **term}
    await tables.record(Act.ASK_EXTENSION, IssueState.RECTIFYING, 3, **asked)
    async with tables.database.reading() as conn:
        page = await issues.issue(conn, OFFICER, (await tables.issue())["id"], NOW)
        own = await issues.issue(conn, both, (await tables.issue())["id"], NOW)
        (begun,) = await open_rectifications(conn, None)

    assert [task.why for task in await listed(tables, OFFICER)] == [why]
    assert why not in [task.why for task in await listed(tables, both)]
    assert await may(tables, OFFICER) == (Action.PAUSE, Action.EXTEND, Action.DECLINE_EXTENSION, Action.PROPOSE_FREEZE)
    assert await may(tables, clerk_of(town.unit_id)) == (Action.SUBMIT_EVIDENCE,)
    assert page.asked_extension is not None
    assert page.asked_extension.due_at == SERVED.extended(3, NOW, "x", "").due_at
    assert (own.withheld, begun.case.longer_asked_by) == ({Action.EXTEND: SENTENCES["own_extension"]}, "clerk-zhu")
    await tables.record(Act.DECLINE_EXTENSION, IssueState.RECTIFYING, 4, **term)
    async with tables.database.reading() as conn:
        declined = await issues.issue(conn, OFFICER, (await tables.issue())["id"], NOW)
        (again,) = await open_rectifications(conn, None)
    assert (await listed(tables, OFFICER), declined.asked_extension, again.case.longer_asked_by) == ([], None, None)
    assert Action.ASK_EXTENSION in await may(tables, clerk_of(town.unit_id))


async def test_a_term_is_told_with_its_next_rung(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    term: dict[str, Any] = {"deadline": SERVED, "due_at": SERVED.due_at}
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())}, **term)
    (task,) = await listed(tables, clerk_of(town.unit_id))
    async with tables.database.reading() as conn:
        page = await issues.issue(conn, OFFICER, (await tables.issue())["id"], NOW)
        counted = await tasks.counts(conn, clerk_of(town.unit_id), NOW + timedelta(days=60), NOW + timedelta(days=61))

    assert task.term
    assert (task.term.total, task.term.remaining, task.light) == (15, 15, "red")
    assert page.next_rung
    assert (page.next_rung.label, page.next_rung.at) == ("提醒", SERVED.rung_at(-3))
    assert (counted.todo, counted.late, counted.due_soon) == (1, 1, 0)


async def test_nobody_sees_the_work_of_another_unit(tables: Tables) -> None:
    town, other = Town(), Town(quota=20)
    await tables.see(town.registered(), town.over_quota(), other.registered())
    await tables.confirm()
    await seal(tables)
    await tables.record(Act.SERVE, IssueState.RECTIFYING, 2, details={"served_on": str(NOW.date())})

    assert len(await listed(tables, clerk_of(town.unit_id))) == 1
    for tab in ("todo", "to_read", "started", "done"):
        assert await listed(tables, clerk_of(other.unit_id), tab) == []


async def test_a_freeze_waits_for_a_director_who_did_not_propose_it_himself(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    issue = await tables.issue()
    what = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=(issue["id"],))
    order = await propose_freeze(tables.database, by("proposal-1"), what)
    proposer = Who("officer-shen", frozenset({Role.OFFICE_DIRECTOR, Role.SUPERVISION_OFFICER}))
    async with tables.database.reading() as conn:
        seen = [(await freezes.freeze_order(conn, who, order)).actions for who in (DIRECTOR, proposer, OFFICER)]
        found = (await freezes.freeze_orders(conn, DIRECTOR, freezes.Wanted(q="临江", sort="-proposed"))).items

    assert [(task.kind, task.title, task.why) for task in await listed(tables, DIRECTOR)] == [
        ("freeze", "冻结入编", "冻结建议，由编办主任决定")
    ]
    assert [task.kind for task in await listed(tables, proposer, type="freeze")] == []
    assert [task.why for task in await listed(tables, OFFICER, "started")] == ["由您提出"]
    assert seen == [(Action.DECIDE,), (), ()]
    assert ([each.id for each in found], found[0].issues[0].state_label) == ([order], "已签发待送达")
    assert Action.PROPOSE_FREEZE not in await may(tables, OFFICER)


async def test_an_edition_waits_for_the_operator_and_then_for_the_unit(tables: Tables) -> None:
    town = Town()
    clerk, head = clerk_of(town.unit_id), Who("head", frozenset({Role.UNIT_HEAD}), (town.unit_id,))
    await tables.see(town.registered(), town.over_quota())
    edition = await issue_list(
        tables.database, by("edition-1"), IssueList(unit_id=town.unit_id, iso_week="2026-W38", nominal=NOW, made_at=NOW)
    )
    assert edition
    (task,) = await listed(tables, OPERATOR)
    await release_list(tables.database, by("release-1"), ReleaseList(list_id=edition))
    nobody = [await listed(tables, who) for who in (OPERATOR, clerk, head)]
    await tables.database.pool.execute("UPDATE supervision_lists SET sealed_at = $1, sealed_file = 'x'", NOW)
    async with tables.database.reading() as conn:
        page = await lists.supervision_list(conn, head, edition)
        waiting = await lists.lists(conn, OFFICER, lists.Wanted(standing="awaiting_acknowledgement"))
        others = await lists.lists(conn, OFFICER, lists.Wanted(standing="acknowledged"))

    assert (task.title, task.state_label) == ("2026 年第 38 周督办清单", "待用印")
    assert nobody == [[], [], []]
    assert [task.why for who in (clerk, head) for task in await listed(tables, who)] == ["清单已签章，由单位签收"] * 2
    assert (page.standing_label, page.actions, page.new, page.carried) == ("待签收", (Action.ACKNOWLEDGE,), 1, 0)
    assert ([each.id for each in waiting.items], others.items) == ([edition], [])


async def test_a_work_list_is_narrowed_and_goes_on_behind_its_last_line(tables: Tables) -> None:
    towns = [Town() for _ in range(3)]
    for town in towns:
        await tables.see(town.registered(), town.over_quota())

    seen: list[Task] = []
    while page := await listed(tables, OFFICER, limit=1, sort="-unit", after=seen[-1].cursor if seen else ""):
        seen.append(page[0])
        assert len(page) <= 2
    async with tables.database.reading() as conn:
        narrowed = [
            (await issues.issues(conn, OFFICER, issues.Wanted.model_validate(asked), NOW, CIPHER)).items
            for asked in ({"unit": towns[0].unit_id}, {"rule": "M09"}, {"level": "red", "open": True}, {"q": "临江"}, {"q": "%"})
        ]

    assert len({each.id for each in seen}) == 3
    assert await listed(tables, OFFICER, type="list") == []
    assert await listed(tables, OFFICER, q="没有") == []
    assert [len(found) for found in narrowed] == [1, 0, 3, 3, 0]


async def test_a_page_goes_on_where_the_last_one_ended_also_when_that_line_has_lost_its_term_meanwhile(tables: Tables) -> None:
    for _ in range(6):
        town = Town()
        await tables.see(town.registered(), town.over_quota())
    terms = "UPDATE issues SET due_at = $1::timestamptz + n * interval '1 day' FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM issues) AS t"
    await tables.database.pool.execute(f"{terms} WHERE t.id = issues.id AND n < 6", NOW)

    async def ids(after: str) -> tuple[list[UUID], str | None]:
        async with tables.database.reading() as conn:
            page = await issues.issues(conn, OFFICER, issues.Wanted(sort="due", limit=3, after=after), NOW, CIPHER)
        return [each.id for each in page.items], page.next

    (first, cursor), to_do = await ids(""), (await listed(tables, OFFICER, limit=3))[:3]
    await tables.database.pool.execute("UPDATE issues SET due_at = NULL WHERE id = $1", first[2])
    (second, cursor), rest = await ids(cursor or ""), await listed(tables, OFFICER, limit=3, after=to_do[2].cursor)
    last = await ids(cursor or "")

    *others, moved, sixth = [each.id for each in rest]
    assert (len({*first, *others, sixth}), moved) == (6, first[2])
    assert ([each.id for each in to_do], [*second, *last[0]]) == (first, [*others, moved, sixth])
    assert [each.id for each in await listed(tables, OFFICER, after=rest[2].cursor)] == [sixth]


async def test_a_release_that_was_declined_waits_for_the_director_no_longer_and_may_still_be_granted(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    what = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],))
    order = await propose_freeze(tables.database, by("proposal-1"), what)
    waits = []
    for sequence, act in enumerate((FreezeAct.PROPOSE_RELEASE, FreezeAct.DECLINE_RELEASE), 1):
        evidence = Evidence(actor=DIRECTOR.name, role=Role.OFFICE_DIRECTOR, update_id="", reason="再次发生", document_no="海编7号")
        entry = FreezeEntry(order_id=order, sequence=sequence, act=act, state=FreezeState.RELEASE_PROPOSED, at=NOW, evidence=evidence)
        await record_freeze_entry(tables.database, By(DIRECTOR.name, NOW, f"entry-{sequence}", "再次发生"), entry)
        waits.append([task.id for task in await listed(tables, DIRECTOR)])
    async with tables.database.reading() as conn:
        page = await freezes.freeze_order(conn, DIRECTOR, order)

    assert waits == [[order], []]
    assert Action.DECIDE_RELEASE in page.actions


async def test_what_the_director_signed_waits_for_him_no_longer_though_the_roster_has_yet_to_carry_it_out(tables: Tables) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    what = ProposeFreeze(unit_id=town.unit_id, scopes=(FreezeScope.ENTRY,), issue_ids=((await tables.issue())["id"],))
    order = await propose_freeze(tables.database, by("proposal-1"), what)
    acts = (
        (FreezeAct.APPROVE, FreezeState.PROPOSED),
        (FreezeAct.APPLY, FreezeState.IN_FORCE),
        (FreezeAct.PROPOSE_RELEASE, FreezeState.RELEASE_PROPOSED),
        (FreezeAct.APPROVE_RELEASE, FreezeState.RELEASE_PROPOSED),
    )
    waits, offered = [], []
    for sequence, (act, state) in enumerate(acts, 1):
        evidence = Evidence(actor=DIRECTOR.name, role=Role.OFFICE_DIRECTOR, update_id="", reason="核对无误", document_no="海编8号")
        entry = FreezeEntry(order_id=order, sequence=sequence, act=act, state=state, at=NOW, evidence=evidence)
        await record_freeze_entry(tables.database, By(DIRECTOR.name, NOW, f"entry-{sequence}", "核对无误", "海编8号"), entry)
        waits.append([task.id for task in await listed(tables, DIRECTOR)])
        async with tables.database.reading() as conn:
            offered.append((await freezes.freeze_order(conn, DIRECTOR, order)).actions)

    assert waits == [[], [], [order], []]
    assert offered == [(), (Action.RELEASE_EARLY,), (Action.DECIDE_RELEASE,), ()]
