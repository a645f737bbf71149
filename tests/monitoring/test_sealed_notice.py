"""The seal of a 整改通知书 on the real servers: away it stays 待签章 and goes on by itself; where the policy row says so it is served without."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.place import Place
from tests.monitoring.events import NOW, Town
from tests.monitoring.house import OFFICER, OPERATOR, House, clerk_of, eventually, house

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def monitoring(stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path) as made:
        yield made


async def signed(monitoring: House, town: Town) -> str:
    await monitoring.publish(town.registered(), town.over_quota())
    page = await eventually(lambda: monitoring.get(OFFICER, "/issues"), lambda page: bool(page["items"]))
    issue = f"/issues/{page['items'][0]['id']}"
    body = {"title": "整改通知书", "demand": "限期清退"}
    await eventually(
        lambda: monitoring.post(OFFICER, f"{issue}/confirmation", key="confirm-0001", **body), lambda answer: answer.is_success
    )
    return issue


async def test_with_the_seal_away_a_released_notice_waits_and_goes_on_by_itself_trap_30(monitoring: House) -> None:
    issue = await signed(monitoring, Town())
    by_the_officer = await monitoring.post(OFFICER, f"{issue}/notice/release")
    await monitoring.seal.stop()

    released = await monitoring.post(OPERATOR, f"{issue}/notice/release", reason="核对无误")
    twice = await monitoring.post(OPERATOR, f"{issue}/notice/release")
    await eventually(
        lambda: monitoring.temporal.count_workflows("WorkflowType = 'SealWorkflow' AND ExecutionStatus = 'Running'"),
        lambda found: found.count > 0,
    )
    waiting = (await monitoring.get(OFFICER, issue))["notice"]
    await monitoring.seal.start()
    page = await _until_sealed(monitoring, issue)
    proven = [
        await monitoring.http.post("/verifications", json=asked)
        for asked in ({"sha256": page["notice"]["sealed_sha256"]}, {"document_no": page["number"]}, {"sha256": "0" * 64})
    ]

    assert by_the_officer.status_code == 403
    assert (released.json()["notice"]["standing_label"], released.json()["notice"]["released_by"]) == ("待签章", "operator-he")
    assert (twice.status_code, twice.json()["code"]) == (409, "notice_already_released")
    assert (waiting["standing"], waiting["sealed_at"]) == ("awaiting_seal", None)
    assert page["notice"]["signer"]
    assert [answer.status_code for answer in proven] == [200, 200, 404]
    assert [answer.json()["unit"] for answer in proven[:2]] == ["临江镇", None]


async def _until_sealed(monitoring: House, issue: str) -> dict[str, dict[str, str]]:
    """Business time goes on until the case asks again."""
    for minutes in range(6, 120, 6):
        await monitoring.move_to(NOW + timedelta(minutes=minutes))
        page: dict[str, dict[str, str]] = await monitoring.get(OFFICER, issue)
        if page["notice"]["standing"] == "sealed":
            return page
    return await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: page["notice"]["standing"] == "sealed")


async def test_where_the_policy_row_says_so_an_unsealed_notice_is_served(monitoring: House) -> None:
    town = Town()
    issue = await signed(monitoring, town)
    policy: dict[str, Any] = {"rule": "*", "name": "notice_sealed", "value": False, "effective_on": "2026-09-18"}

    set_ = await monitoring.post(OFFICER, "/parameters", source="编办规〔2026〕6号", owner="监督检查科", **policy)
    served = await monitoring.post(OFFICER, f"{issue}/service", served_on="2026-09-18")
    seen = await monitoring.http.get(f"{issue}/notice", headers=monitoring._headers(clerk_of(town.unit_id)))

    assert set_.is_success, set_.text
    assert served.json()["state"] == "rectifying", served.text
    assert seen.json()["code"] == "notice_not_sealed"
