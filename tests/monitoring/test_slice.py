"""The slice on real parts: a roster event on Kafka turns the light, opens an issue, starts its case; people decide over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from deploy.local.place import Place
from shared.clock import at_hour
from shared.documents import sha256_hex
from shared.seal import verify
from tests.monitoring.events import Town
from tests.monitoring.house import OFFICER, House, clerk_of, eventually, house

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def monitoring(stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path) as made:
        yield made


async def test_an_over_placement_turns_the_light_red_and_its_rectification_turns_it_green(monitoring: House) -> None:
    town, person = Town(), uuid4()
    await monitoring.publish(town.registered(), town.over_quota(person=person))
    light = await eventually(
        lambda: monitoring.http.get(f"/units/{town.unit_id}/light", headers=monitoring._headers(OFFICER)),
        lambda answer: answer.status_code == 200 and answer.json()["light"] == "red",
    )
    why = light.json()["why"][0]
    issue = f"/issues/{why['issue_id']}"

    confirmed = await monitoring.post(OFFICER, f"{issue}/confirmation", title="违规超编整改通知书", demand="十月底前清退")
    unsealed = await monitoring.http.get(f"{issue}/notice", headers=monitoring._headers(clerk_of(town.unit_id)))
    too_early = await monitoring.post(OFFICER, f"{issue}/service", served_on="2026-09-18")
    sealed = await monitoring.seal_notice(issue)
    notice = await monitoring.http.get(f"{issue}/notice", headers=monitoring._headers(clerk_of(town.unit_id)))
    backdated = await monitoring.post(OFFICER, f"{issue}/service", served_on="2026-09-17")
    served = await monitoring.post(OFFICER, f"{issue}/service", served_on="2026-09-18")
    assert datetime.fromisoformat(served.json()["due_at"]) == at_hour(date(2026, 11, 5), 17, 30), served.text

    clerk = clerk_of(town.unit_id)
    early = await monitoring.post(clerk, f"{issue}/evidence", description="已调出")
    refused = await monitoring.post(OFFICER, f"{issue}/acceptance", document_no="编验〔2026〕1号")
    await monitoring.publish(town.released(person))
    await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: not page["present"])
    accepted = await monitoring.post(OFFICER, f"{issue}/acceptance", document_no="编验〔2026〕1号")

    again = await monitoring.post(OFFICER, f"{issue}/acceptance", document_no="编验〔2026〕2号")

    assert confirmed.json()["number"] == "编整〔2026〕1号", confirmed.text
    assert [(answer.status_code, answer.json()["code"]) for answer in (unsealed, too_early, backdated)] == [
        (409, "notice_not_sealed"),
        (409, "notice_not_sealed"),
        (409, "served_before_seal"),
    ]
    assert confirmed.json()["notice"]["standing_label"] == "待用印"
    assert (notice.status_code, sha256_hex(notice.content)) == (200, sealed["notice"]["sealed_sha256"])
    certificate = await monitoring.database.fetchval("SELECT certificate FROM seal_tasks")
    assert (await asyncio.to_thread(verify, notice.content, [certificate])).trusted
    assert (again.status_code, again.json()["code"]) == (409, "case_over")
    assert early.status_code == 200, early.text
    assert refused.status_code == 409
    assert refused.json()["code"] == "still_found"
    assert accepted.json()["state"] == "closed", accepted.text
    assert (await monitoring.get(OFFICER, f"/units/{town.unit_id}/light"))["light"] == "green"


async def test_a_repeat_under_its_key_is_answered_from_the_record_and_leaves_the_next_round_alone(monitoring: House) -> None:
    town, person = Town(), uuid4()
    await monitoring.publish(town.registered(), town.over_quota(person=person))
    page = await eventually(lambda: monitoring.get(OFFICER, "/issues"), lambda page: bool(page["items"]))
    issue = f"/issues/{page['items'][0]['id']}"

    await eventually(
        lambda: monitoring.post(OFFICER, f"{issue}/dismissal", key="dismissal-1", reason="核实不成立"), lambda answer: answer.is_success
    )
    await monitoring.publish(town.released(person), town.over_quota())
    await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: page["round"] == 2)
    repeated = await monitoring.post(OFFICER, f"{issue}/dismissal", key="dismissal-1", reason="核实不成立")
    another = await monitoring.post(OFFICER, f"{issue}/confirmation", key="dismissal-1", title="整改通知书", demand="限期清退")

    assert (repeated.status_code, repeated.json()["round"], repeated.json()["state"]) == (200, 2, "to_verify")
    assert (another.status_code, another.json()["code"]) == (409, "key_reused")
    assert (await monitoring.get(OFFICER, issue))["state"] == "to_verify"
