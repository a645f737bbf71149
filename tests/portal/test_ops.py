"""运维: from what is typed to a case or a trace; steps as a waterfall; nothing but ids, codes and times; nobody without the right asks Zipkin."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.portal.rules.waterfall import MOST_STEPS, waterfall
from shared.found_traces import Span, Trace
from shared.glossary import Role
from tests.portal.conftest import XSS, Door
from tests.portal.given import UNIT_ID

TRACE_ID = "6b06376f4bb3e5676269780137fc72e0"
CASE = f"approval:{UNIT_ID}"
AT = "2026-11-16T01:30:00Z"
NAME, NUMBER = "欧阳娜娜", "330499199001011234"
RUN = {"workflow_id": CASE, "run_id": "run-1", "type": "ApprovalWorkflow", "title": "审批流程", "state": "running", "started_at": AT}
EVENT: dict[str, Any] = {"event_id": UNIT_ID, "type": "approval.application_submitted.v1", "title": f"申请已提交{XSS}", "unit_id": UNIT_ID}
EVENT |= {"aggregate": f"application/{UNIT_ID}", "version": 1, "case_id": CASE, "occurred_at": AT, "recorded_at": AT, "trace_id": TRACE_ID}


def span(own: str, name: str, begun: int, took: int, parent: str | None = None, **tags: str) -> dict[str, Any]:
    told = {"id": own, "traceId": TRACE_ID, "name": name, "timestamp": 1_790_000_000_000_000 + begun, "duration": took, "tags": tags}
    return told | {"localEndpoint": {"serviceName": "approval-app"}} | ({"parentId": parent} if parent else {})


SPANS = [
    span("a", f"post /applications{XSS}", 0, 40_000, note=NAME, number=NUMBER),
    span("b", "命令 提交申请", 10_000, 20_000, "a", **{"error.type": "quota_exhausted"}),
]


@pytest_asyncio.fixture
async def house(door: Door) -> AsyncIterator[Door]:
    """With a Zipkin beside the services."""
    nothing: dict[str, Any] = {"workflow": None, "events": [], "traces": []}
    door.played.answers |= dict.fromkeys((f"{service}/cases/{CASE}/trace" for service in ("roster", "monitoring")), nothing)
    door.played.answers[f"approval/cases/{CASE}/trace"] = {"workflow": RUN | {"closed_at": None}, "events": [EVENT], "traces": [TRACE_ID]}
    door.played.answers[f"/traces/{TRACE_ID}"] = {"events": [EVENT], "cases": [CASE]}
    door.played.answers["/cases"] = []
    for service in ("roster", "approval", "monitoring"):
        door.played.answers.setdefault(f"{service}/cases/approval:none/trace", nothing)
    door.app.state.zipkin_url = "http://zipkin"
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=[SPANS] if request.url.path == "/api/v2/traces" else SPANS)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as zipkin:
        door.app.state.to_zipkin, door.app.state.asked_zipkin = zipkin, asked
        yield door


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [CASE, TRACE_ID, "编核〔2026〕12号", UNIT_ID])
async def test_a_case_is_found_by_what_is_known_of_it_and_drawn_with_every_step(house: Door, asked: str) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.played.answers["approval/cases"] = [CASE]
    page = (await house.client.get("/ops", params={"q": asked})).text

    assert f'href="/ops?q={TRACE_ID}"' in page
    assert "申请已提交" in page
    assert "命令 提交申请" in page
    assert "拒绝 quota_exhausted" in page
    assert re.search(r'class="span-bar span-wrong" x="25.0" width="50.0"', page)
    assert 'href="http://zipkin/zipkin/' in page
    assert "<script>alert(1)" not in page


@pytest.mark.asyncio
async def test_of_a_step_only_its_name_place_and_time_is_shown(house: Door) -> None:
    house.sign_in(Role.AUDIT_ADMIN)
    page = (await house.client.get(f"/ops?q={TRACE_ID}")).text

    assert NAME not in page
    assert NUMBER not in page


@pytest.mark.asyncio
async def test_several_cases_are_offered_and_none_is_said(house: Door) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.played.answers["monitoring/cases"] = ["rectification:x:2", "rectification:x:1"]
    several = (await house.client.get("/ops?q=x")).text
    house.played.answers["monitoring/cases"] = []
    nothing = (await house.client.get("/ops?q=x")).text
    unknown = (await house.client.get("/ops?q=approval:none")).text

    assert 'href="/ops?q=rectification%3Ax%3A1"' in several
    assert "没有找到" in nothing
    assert house.app.state.asked_zipkin == [each for each in house.app.state.asked_zipkin if "approval%3Anone" in each]
    assert "没有找到" in unknown or "追踪" in unknown


@pytest.mark.asyncio
async def test_who_may_not_read_traces_never_reaches_zipkin_even_if_only_the_service_says_so(house: Door) -> None:
    house.sign_in(Role.SECURITY_ADMIN)
    closed = await house.client.get(f"/ops?q={CASE}")
    house.sign_in(Role.SYSTEM_ADMIN)
    house.played.refusals[f"/cases/{CASE}/trace"] = (403, "forbidden")
    refused = await house.client.get(f"/ops?q={CASE}")

    assert (closed.status_code, refused.status_code) == (403, 403)
    assert house.app.state.asked_zipkin == []


@pytest.mark.asyncio
async def test_without_zipkin_events_and_run_are_shown_and_it_is_said(house: Door) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.app.state.zipkin_url = ""
    page = (await house.client.get(f"/ops?q={CASE}")).text

    assert "Zipkin 没有应答" in page
    assert "审批流程" in page
    assert "在 Zipkin 中查看" not in page


def away(house: Door, *services: str) -> None:
    """These do not answer."""
    for path in ("/cases", f"/cases/{CASE}/trace", "/cases/approval:none/trace", f"/traces/{TRACE_ID}"):
        for service in services:
            house.played.answers[service + path] = httpx.Response(503, json={"status": 503, "code": "unavailable"})


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [CASE, TRACE_ID, "编核〔2026〕12号"])
async def test_while_a_service_is_away_the_others_answer_and_who_is_missing_is_named(house: Door, asked: str) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.played.answers["approval/cases"] = [CASE]
    away(house, "monitoring")
    page = await house.client.get("/ops", params={"q": asked})

    assert page.status_code == 200
    assert "“监测督办”没有应答" in page.text
    assert "申请已提交" in page.text
    assert "命令 提交申请" in page.text


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", ["approval:none", "编核〔2026〕12号"])
async def test_what_nobody_knows_is_not_said_to_be_nothing_while_somebody_is_missing(house: Door, asked: str) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    house.app.state.zipkin_url = ""
    away(house, "approval", "monitoring")
    page = await house.client.get("/ops", params={"q": asked})

    assert page.status_code == 200
    assert "“审批”、“监测督办”没有应答" in page.text
    assert "没有找到" not in page.text


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [CASE, TRACE_ID])
async def test_while_no_service_lets_one_in_nothing_is_asked_of_zipkin_and_nothing_is_said_not_to_be(house: Door, asked: str) -> None:
    house.sign_in(Role.SYSTEM_ADMIN)
    away(house, "roster", "approval", "monitoring")
    page = await house.client.get("/ops", params={"q": asked})

    assert "“编制台账”、“审批”、“监测督办”没有应答" in page.text
    assert "没有找到" not in page.text
    assert house.app.state.asked_zipkin == []


def test_a_waterfall_stays_within_its_bounds_and_has_an_end() -> None:
    spans = [Span(str(each), "x", "p", each, 0.0, each, False, {}) for each in range(MOST_STEPS + 5)]
    drawn = waterfall(Trace(TRACE_ID, tuple(spans)))

    assert (len(drawn.steps), drawn.left_out) == (MOST_STEPS, 5)
    assert all(step.x >= 0 and step.x + step.width <= 100.001 and step.width > 0 for step in drawn.steps)
    assert max(step.depth for step in drawn.steps) == 12
    assert waterfall(Trace(TRACE_ID, ())).steps == ()
