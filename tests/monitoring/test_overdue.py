"""Nothing happens until the term is over: rungs, the weekly list with its seal, the freeze and its release, all over HTTP on the real servers."""

import io
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pypdf
import pytest
import pytest_asyncio
from python_calamine import CalamineWorkbook

from deploy.local.place import Place
from shared.clock import at_hour
from shared.events.roster import RetirementFact
from tests.monitoring.events import Town
from tests.monitoring.house import DIRECTOR, OFFICER, OPERATOR, House, clerk_of, eventually, house

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def monitoring(stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path) as made:
        yield made


async def first(monitoring: House, path: str) -> dict[str, Any]:
    page = await eventually(lambda: monitoring.get(OFFICER, path), lambda page: bool(page["items"]))
    found: dict[str, Any] = page["items"][0]
    return found


async def given_a_served_notice(monitoring: House, town: Town, **over: Any) -> str:
    await monitoring.publish(town.registered(), town.over_quota(**over))
    issue = f"/issues/{(await first(monitoring, '/issues'))['id']}"
    body = {"title": "违规超编整改通知书", "demand": "限期清退", "budget_days": 10}
    await eventually(
        lambda: monitoring.post(OFFICER, f"{issue}/confirmation", key="confirm-0001", **body), lambda answer: answer.is_success
    )
    await monitoring.seal_notice(issue)
    served = await monitoring.post(OFFICER, f"{issue}/service", served_on="2026-09-18")
    assert served.is_success, served.text
    return issue


async def test_an_overdue_case_is_escalated_frozen_by_the_director_and_released_after_its_rectification(monitoring: House) -> None:
    town, person = Town(), uuid4()
    issue = await given_a_served_notice(monitoring, town, person=person)

    await monitoring.move_to(at_hour(date(2026, 10, 10), 9))
    order = f"/freeze-orders/{(await first(monitoring, '/freeze-orders'))['id']}"
    rungs = [rung["rung"] for rung in (await monitoring.get(OFFICER, issue))["rungs"]]
    before_the_decision, clerk = list(monitoring.roster.asked), clerk_of(town.unit_id)
    proposed = [await monitoring.http.get(path, headers=monitoring._headers(clerk)) for path in (order, "/freeze-orders", issue)]
    by_officer = await monitoring.post(OFFICER, f"{order}/decision", approve=True, document_no="编冻〔2026〕1号", reason="逾期")
    decided = await monitoring.post(DIRECTOR, f"{order}/decision", approve=True, document_no="编冻〔2026〕1号", reason="逾期未整改")
    await eventually(lambda: monitoring.get(OFFICER, order), lambda page: page["state"] == "in_force")
    signed = [(await monitoring.get(clerk, path)) for path in (order, "/freeze-orders", issue)]

    await monitoring.publish(town.released(person))
    await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: not page["present"])
    await monitoring.post(clerk_of(town.unit_id), f"{issue}/evidence", description="已调出")
    accepted = await monitoring.post(OFFICER, f"{issue}/acceptance", document_no="编验〔2026〕1号")
    await eventually(lambda: monitoring.get(OFFICER, order), lambda page: page["state"] == "release_proposed")
    still_frozen = monitoring.roster.asked[-1]
    await monitoring.post(DIRECTOR, f"{order}/release-decision", approve=True, document_no="编解〔2026〕1号", reason="已销号")
    released = await eventually(lambda: monitoring.get(OFFICER, order), lambda page: page["state"] == "released")

    assert rungs == ["reminder", "overdue", "freeze_proposal"]
    assert before_the_decision == []
    assert (proposed[0].status_code, proposed[1].json()["items"], proposed[2].json()["freezes"]) == (404, [], [])
    assert [len(signed[0]["issues"]), len(signed[1]["items"]), len(signed[2]["freezes"])] == [1, 1, 1]
    assert by_officer.status_code == 403
    assert decided.is_success, decided.text
    assert accepted.json()["state"] == "closed", accepted.text
    assert still_frozen == "freeze 编冻〔2026〕1号"
    assert monitoring.roster.asked == ["freeze 编冻〔2026〕1号", "unfreeze 编解〔2026〕1号"]
    assert (released["released_by"], released["release_document_no"]) == ("director-gu", "编解〔2026〕1号")


async def test_an_order_may_freeze_a_number_of_posts_instead_of_a_scope(monitoring: House) -> None:
    town = Town()
    issue = (await given_a_served_notice(monitoring, town)).split("/")[-1]
    posts = [{"kind": "career", "funding": "full", "posts": 2}]
    proposal: dict[str, Any] = {"unit_id": str(town.unit_id), "issue_ids": [issue], "reason": "冻结 2 名"}

    nothing = await monitoring.post(OFFICER, "/freeze-orders", **proposal)
    twice = await monitoring.post(OFFICER, "/freeze-orders", posts=[*posts, *posts], **proposal)
    huge = await monitoring.post(OFFICER, "/freeze-orders", posts=[posts[0] | {"posts": 100_001}], **proposal)
    order = (await monitoring.post(OFFICER, "/freeze-orders", posts=posts, **proposal)).json()
    await eventually(
        lambda: monitoring.post(
            DIRECTOR, f"/freeze-orders/{order['id']}/decision", key="decision-1", approve=True, document_no="编冻〔2026〕1号", reason="逾期"
        ),
        lambda answer: answer.is_success,
    )
    await eventually(lambda: monitoring.get(OFFICER, f"/freeze-orders/{order['id']}"), lambda page: page["state"] == "in_force")

    assert [answer.status_code for answer in (nothing, twice, huge)] == [422, 422, 422]
    assert "至少填写一项" in nothing.text
    assert not any("（" in answer.text for answer in (nothing, twice, huge))  # officials read it: no name of a field in brackets
    assert (order["scopes"], order["posts"]) == ([], posts)
    assert [each.model_dump() for each in monitoring.roster.posts] == posts


async def test_neither_unit_nor_officer_gets_more_days_of_an_extension_than_there_are_and_both_are_told_how_many(monitoring: House) -> None:
    town = Town()
    issue = await given_a_served_notice(monitoring, town)
    asked = ((clerk_of(town.unit_id), "extension-request"), (OFFICER, "extension"))

    refused = [await monitoring.post(who, f"{issue}/{door}", days=31, reason="情况复杂") for who, door in asked]
    unexplained = [await monitoring.post(who, f"{issue}/{door}", days=30, reason="") for who, door in asked]
    granted = await monitoring.post(OFFICER, f"{issue}/extension", days=30, reason="情况复杂")

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "extension_too_long")] * 2
    assert {answer.json()["detail"] for answer in refused} == {"每次延期不得超过 30 个工作日。请减少延长的天数。"}
    assert [answer.status_code for answer in unexplained] == [422, 422]
    assert granted.json()["certificate"]["extensions"][0]["days"] == granted.json()["extension_days"] == 30


async def test_a_freeze_is_released_by_decision_of_the_commission_while_its_issue_is_open_by_nobody_but_the_director(
    monitoring: House,
) -> None:
    town = Town()
    issue = (await given_a_served_notice(monitoring, town)).split("/")[-1]
    proposal: dict[str, Any] = {"unit_id": str(town.unit_id), "issue_ids": [issue], "reason": "拒不整改", "scopes": ["entry"]}
    order = f"/freeze-orders/{(await monitoring.post(OFFICER, '/freeze-orders', **proposal)).json()['id']}"
    signed: dict[str, Any] = {"approve": True, "document_no": "编冻〔2026〕1号", "reason": "逾期"}
    await eventually(lambda: monitoring.post(DIRECTOR, f"{order}/decision", key="decision-1", **signed), lambda answer: answer.is_success)
    await eventually(lambda: monitoring.get(DIRECTOR, order), lambda page: page["actions"] == ["release_early"])
    by_decision: dict[str, Any] = {"approve": True, "early": True, "document_no": "海编〔2026〕7号", "reason": "编委会议决定"}

    refused = [await monitoring.post(who, f"{order}/release-decision", **by_decision) for who in (OFFICER, clerk_of(town.unit_id))]
    unsaid = await monitoring.post(DIRECTOR, f"{order}/release-decision", approve=True, document_no="海编〔2026〕7号", reason="决定")
    await monitoring.post(DIRECTOR, f"{order}/release-decision", **by_decision)
    released = await eventually(lambda: monitoring.get(OFFICER, order), lambda page: page["state"] == "released")

    assert [answer.status_code for answer in refused] == [403, 403]
    assert unsaid.json()["code"] == "release_not_proposed"
    assert monitoring.roster.asked[-1] == "unfreeze 海编〔2026〕7号"
    assert (released["released_by"], released["release_document_no"]) == ("director-gu", "海编〔2026〕7号")
    assert released["timeline"][-2]["label"] == "依编委决定提前解冻"
    assert (await monitoring.get(OFFICER, f"/issues/{issue}"))["state"] == "rectifying"


async def test_the_weekly_list_is_issued_once_on_the_first_working_day_after_a_holiday_sealed_after_its_release_and_acknowledged(
    monitoring: House,
) -> None:
    town = Town(kind_label="事业编制", funding_label="全额拨款")
    await given_a_served_notice(monitoring, town)

    instants = [at_hour(date(2026, 10, day), 9, minute) for day, minute in ((5, 0), (8, 0), (8, 0), (8, 30), (9, 0))]
    counts = [await monitoring.run_daily("SupervisionWorkflow", instant) for instant in instants]
    edition = f"/supervision-lists/{(await first(monitoring, '/supervision-lists?week=2026-W41'))['id']}"
    clerk = clerk_of(town.unit_id)
    drafted = await monitoring.get(clerk, "/supervision-lists")
    unsealed = await monitoring.post(clerk, f"{edition}/acknowledgement")
    too_early = [
        await monitoring.http.get(f"{edition}/{kind}".rstrip("/"), headers=monitoring._headers(clerk)) for kind in ("pdf", "xlsx", "")
    ]
    draft = await monitoring.http.get(f"{edition}/xlsx", headers=monitoring._headers(OPERATOR))
    await monitoring.post(OPERATOR, f"{edition}/release", reason="督办")
    sealed = await eventually(lambda: monitoring.get(OFFICER, edition), lambda page: page["sealed_at"] is not None)
    acknowledged = await monitoring.post(clerk, f"{edition}/acknowledgement")
    pdf = await monitoring.http.get(f"{edition}/pdf", headers=monitoring._headers(clerk))
    xlsx = await monitoring.http.get(f"{edition}/xlsx", headers=monitoring._headers(clerk))
    elsewhere = await monitoring.http.get(edition, headers=monitoring._headers(clerk_of(uuid4())))

    assert counts == [0, 1, 1, 1, 0]
    assert (unsealed.status_code, acknowledged.json()["acknowledged_by"]) == (404, "clerk-zhu")
    printed = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.content)).pages).replace("\n", "").replace(" ", "")
    matter = "事业编制（全额拨款）核定编制 10 名，实有 11 名，其中超编 1 名。"
    assert sealed["number"] in printed
    assert matter.replace(" ", "") in printed
    assert sealed["lines"][0]["matter"] == matter
    assert [answer.json()["code"] for answer in too_early] == ["supervision_list_unknown"] * 3
    assert (drafted["items"], len((await monitoring.get(clerk, "/supervision-lists"))["items"])) == ([], 1)
    called = [unquote(each.headers["content-disposition"]).partition("''")[2] for each in (draft, xlsx, pdf)]
    assert called == [f"{sealed['number']}（未签发草稿）.xlsx", f"{sealed['number']}.xlsx", f"{sealed['number']}.pdf"]
    assert str(rows_of(draft.content)[0][0]).startswith("未签发草稿")
    rows = rows_of(xlsx.content)
    assert "clerk-zhu" in str(rows[0][0])
    assert "草稿" not in str(rows[0][0])
    assert "应发 2026-10-08 09:00　生成 2026-" in str(rows[1][0])
    assert rows[3][1:4] == ["新增", "M01 超编", matter]
    assert elsewhere.status_code == 404


def rows_of(xlsx: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(xlsx)).get_sheet_by_index(0).to_python()


async def test_the_daily_sweep_asks_the_roster_and_judges_what_time_alone_breaks(monitoring: House) -> None:
    town = Town(quota=50)
    await monitoring.publish(town.registered(), town.placed(retirement=RetirementFact(category="M60", month="2026-09")))
    await eventually(lambda: monitoring.get(OFFICER, "/lights"), lambda page: len(page["items"]) == 1)
    await eventually(lambda: monitoring.database.fetchval("SELECT count(*) FROM placements"), lambda count: count == 1)

    judged = [
        await monitoring.run_daily("SweepWorkflow", at_hour(date(2026, 9, 30), 1)),
        await monitoring.run_daily("SweepWorkflow", at_hour(date(2026, 10, 1), 1)),
    ]

    assert judged == [0, 1]
    assert monitoring.roster.asked == ["sweep 2026-09-30", "sweep 2026-10-01"]
    assert (await monitoring.get(OFFICER, f"/units/{town.unit_id}/light"))["light"] == "yellow"
