"""The HTTP door of approval: every route, who may pass it, and how rows are limited."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from deploy.local.place import Place
from services.approval import api, consumers
from services.approval.app import create_app
from services.approval.queries.notices import RosterReader
from shared.auth import PERMISSIONS, Tokens, Who
from shared.db import Database, connect
from shared.events.identity import UserRegistered
from shared.events.roster import UnitFrozen, UnitRegistered
from shared.glossary import FreezeScope, Role
from tests.servers import environment, make_secrets

ROUTES = sorted(
    (method, route.path)
    for router in api.ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)
PERMITTED = {
    ("POST", "/applications"): "applications.submit",
    ("POST", "/application-previews"): "applications.submit",
    ("POST", "/applications/{application_id}/attachments"): "applications.submit",
    ("GET", "/applications/{application_id}/attachments"): "persons.read",
    ("GET", "/applications/{application_id}/attachments/{attachment_id}/file"): "persons.read",
    ("GET", "/applications"): "applications.read",
    ("GET", "/applications/{application_id}"): "applications.read",
    ("POST", "/applications/{application_id}/decisions"): "applications.decide",
    ("POST", "/applications/{application_id}/recording"): "applications.decide",
    ("POST", "/applications/{application_id}/resubmission"): "applications.submit",
    ("POST", "/applications/{application_id}/withdrawal"): "applications.submit",
    ("POST", "/applications/{application_id}/urging"): "applications.submit",
    ("POST", "/documents/{document_id}/release"): "documents.release",
    ("POST", "/documents/{document_id}/revocation"): "documents.revoke",
    ("GET", "/documents/{document_id}"): "documents.read",
    ("GET", "/documents/{document_id}/file"): "documents.read",
    ("GET", "/unused-numbers"): "filing.read",
    ("GET", "/codes"): "applications.read",
    ("GET", "/tasks"): "applications.read",
    ("GET", "/tasks/counts"): "applications.read",
    ("POST", "/applications/{application_id}/reading"): "applications.read",
    ("GET", "/ledger"): "filing.read",
    ("GET", "/chains"): "rules.read",
    ("GET", "/cases"): "traces.read",
    ("GET", "/exports/audit"): "audit.read",
    **dict.fromkeys(
        (
            ("GET", "/exports/lists"),
            ("POST", "/exports"),
            ("GET", "/exports"),
            ("GET", "/exports/{export_id}"),
            ("GET", "/exports/{export_id}/progress"),
            ("POST", "/exports/{export_id}/cancel"),
            ("GET", "/exports/{export_id}/file"),
        ),
        "exports.make",
    ),
}
UNIT, ELSEWHERE = uuid.uuid4(), uuid.uuid4()
ASKED = {
    "type": "post_use_application",
    "unit_id": str(UNIT),
    "kind": "SY",
    "funding": "full",
    "title": "语文教师",
    "justification": "补员",
}
CLERK = Who("clerk", frozenset({Role.UNIT_CLERK}), (UNIT,))
STRANGER = Who("stranger", frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}), (ELSEWHERE,))


@dataclass
class Door:
    """The application with a client; `ask` calls it as somebody."""

    client: httpx.AsyncClient
    tokens: Tokens
    database: Database

    async def ask(self, who: Who | None, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"idempotency-key": key or str(uuid.uuid4())}
        if who is not None:
            headers["authorization"] = f"Bearer {self.tokens.issue(who, datetime.now(UTC))}"
        filled = path.format(application_id=uuid.uuid4(), document_id=uuid.uuid4(), export_id=uuid.uuid4(), attachment_id=uuid.uuid4())
        return await self.client.request(method, filled, headers=headers, json=body)

    async def submit(self) -> str:
        answer = await self.ask(CLERK, "POST", "/applications", ASKED)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["application_id"])


@pytest_asyncio.fixture
async def door(stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    tokens = make_secrets(tmp_path)
    for name, value in environment(stack, database, (stack.kafka, ""), tmp_path).items():
        monkeypatch.setenv(name, value)
    app = create_app()
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(app.router.lifespan_context(app))
        client = await opened.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://approval"))
        tables = await opened.enter_async_context(connect(database("approval"), "approval"))
        for unit in (UNIT, ELSEWHERE):
            known = UnitRegistered(
                occurred_at=datetime.now(UTC),
                unit_id=unit,
                version=1,
                parent_id=None,
                path=(unit,),
                name="小学",
                code="S",
                category="SY-E",
                valid_from=date(2020, 1, 1),
            )
            async with tables.transaction() as conn:
                await consumers.handlers()[UnitRegistered](conn, known)
        yield Door(client, tokens, tables)


def test_every_route_stands_in_the_table_and_only_the_platform_and_who_verifies_come_without_a_token() -> None:
    assert set(ROUTES) == {*PERMITTED, ("POST", "/seal-callbacks"), ("POST", "/verifications")}


@pytest.mark.asyncio
async def test_each_route_is_closed_without_a_token_and_to_every_other_role(door: Door) -> None:
    for (method, path), permission in PERMITTED.items():
        assert (await door.ask(None, method, path)).status_code == 401, path
        for role in set(Role) - PERMISSIONS[permission]:
            assert (await door.ask(Who("x", frozenset({role})), method, path, ASKED)).status_code == 403, (path, role)


@pytest.mark.asyncio
async def test_who_operates_the_system_gets_from_an_applications_number_or_id_to_its_case(door: Door) -> None:
    made = await door.submit()
    number = await door.database.pool.fetchval("SELECT number FROM applications")
    keeper = Who("sysadmin", frozenset({Role.SYSTEM_ADMIN}))

    found = [(await door.ask(keeper, "GET", f"/cases?of={of}")).json() for of in (made, number, uuid.uuid4(), "无此号")]
    assert found == [[f"approval:{made}"], [f"approval:{made}"], [], []]


@pytest.mark.asyncio
async def test_a_chain_says_who_decides_in_which_order_and_within_how_many_working_days(door: Door) -> None:
    chains = (await door.ask(Who("x", frozenset({Role.OBSERVER})), "GET", "/chains")).json()

    use = next(chain for chain in chains if chain["application_type"] == "post_use_application")
    assert [(step["label"], step["role_label"], step["budget_days"] > 0) for step in use["steps"]] == [
        ("单位负责人审签", "单位负责人", True),
        ("业务科审核", "编办业务科", True),
        ("编办主任核准", "编办主任", True),
    ]


@pytest.mark.asyncio
async def test_who_verifies_names_the_file_or_the_number_and_learns_of_nothing_that_is_not_ours(door: Door) -> None:
    asked = [{"sha256": "0" * 64}, {"document_no": "编核〔2026〕1号"}, {}, {"sha256": "0" * 64, "document_no": "编核〔2026〕1号"}]
    answers = [await door.ask(None, "POST", "/verifications", body) for body in asked]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "document_not_ours"),
        (404, "document_not_ours"),
        (422, "malformed"),
        (422, "malformed"),
    ]


@pytest.mark.asyncio
async def test_an_unsigned_seal_callback_is_refused(door: Door) -> None:
    assert (await door.ask(None, "POST", "/seal-callbacks", {"task_id": "x"})).status_code == 403


@pytest.mark.asyncio
async def test_only_a_transfer_names_a_unit_that_lets_a_person_go(door: Door) -> None:
    exit_ = {"type": "exit_application", "person_id": str(uuid.uuid4()), "reason_code": "resignation", "effective_on": "2026-09-18"}

    answers = [await door.ask(CLERK, "POST", "/applications", ASKED | each | {"from_unit_id": str(ELSEWHERE)}) for each in ({}, exit_)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "not_a_transfer")] * 2
    assert (await door.ask(STRANGER, "GET", "/applications")).json()["items"] == []


@pytest.mark.asyncio
async def test_a_repeated_submission_gets_the_same_answer_and_another_body_is_refused(door: Door) -> None:
    first = await door.ask(CLERK, "POST", "/applications", ASKED, key="submission-1")
    again = await door.ask(CLERK, "POST", "/applications", ASKED, key="submission-1")
    other = await door.ask(CLERK, "POST", "/applications", ASKED | {"posts": 2}, key="submission-1")

    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


@pytest.mark.asyncio
async def test_a_decision_before_the_case_has_begun_is_refused_and_may_be_repeated(door: Door) -> None:
    application, head = await door.submit(), Who("head", frozenset({Role.UNIT_HEAD}), (UNIT,))

    answer = await door.ask(
        head, "POST", f"/applications/{application}/decisions", {"verdict": "approve", "revision": 1, "step": "unit_head"}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


@pytest.mark.asyncio
async def test_an_unknown_reason_and_an_unauthorised_proxy_are_refused(door: Door) -> None:
    application, head = await door.submit(), Who("head", frozenset({Role.UNIT_HEAD}), (UNIT,))
    decision = {"verdict": "return", "revision": 1, "step": "unit_head"}

    unknown = await door.ask(head, "POST", f"/applications/{application}/decisions", decision | {"reason_codes": ["nonsense"]})
    proxy = await door.ask(head, "POST", f"/applications/{application}/decisions", decision | {"on_behalf_of": "somebody"})

    assert (unknown.status_code, unknown.json()["code"]) == (409, "reason_unknown")
    assert (proxy.status_code, proxy.json()["code"]) == (403, "not_standing_in")


@pytest.mark.asyncio
async def test_a_form_is_told_the_codes_in_force_and_each_reason_it_offers_is_taken(door: Door) -> None:
    await door.database.pool.execute("INSERT INTO return_reasons VALUES ('old', '旧原因', '2020-01-01', '2024-01-01')")
    await door.database.pool.execute("INSERT INTO return_reasons VALUES ('new', '新原因', '2999-01-01', NULL)")
    application, head = await door.submit(), Who("head", frozenset({Role.UNIT_HEAD}), (UNIT,))

    codes = (await door.ask(CLERK, "GET", "/codes")).json()
    offered = [reason["code"] for reason in codes["return_reasons"]]
    decision = {"verdict": "return", "revision": 1, "step": "unit_head", "reason_codes": offered}
    taken = await door.ask(head, "POST", f"/applications/{application}/decisions", decision)

    assert {"code": "entry_application", "label": "入编申请"} in codes["application_types"]
    assert {"code": "awaiting_seal", "label": "待签章"} in codes["states"]
    assert {"code": "no_vacancy", "label": "无可用编制"} in codes["return_reasons"]
    assert (offered[-1], {"old", "new"}.isdisjoint(offered)) == ("other", True)
    assert taken.json()["code"] == "not_ready"


@pytest.mark.asyncio
async def test_an_incomplete_form_and_an_unknown_field_are_refused(door: Door) -> None:
    incomplete = await door.ask(CLERK, "POST", "/applications", ASKED | {"type": "entry_application"})
    unknown = await door.ask(CLERK, "POST", "/applications", ASKED | {"surprise": 1})

    assert (incomplete.status_code, incomplete.json()["code"]) == (409, "application_incomplete")
    assert unknown.status_code == 422


@pytest.mark.asyncio
async def test_a_mended_form_is_asked_for_all_that_a_new_one_is(door: Door) -> None:
    application = await door.submit()
    mended = {name: value for name, value in ASKED.items() if name != "type"} | {"revision": 1}

    answers = [
        await door.ask(who, "POST", f"/applications/{application}/resubmission", mended | changed)
        for who, changed in ((CLERK, {"kind": ""}), (CLERK, {}), (STRANGER, {"kind": ""}))
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "application_incomplete"),
        (409, "not_ready"),
        (404, "application_unknown"),
    ]


@pytest.mark.asyncio
async def test_a_mended_form_names_the_unit_it_was_submitted_for_also_where_its_applicant_may_see_both(door: Door) -> None:
    application = await door.submit()
    both = Who("clerk", frozenset({Role.UNIT_CLERK}), (UNIT, ELSEWHERE))
    mended = {name: value for name, value in ASKED.items() if name != "type"} | {"revision": 1}

    answers = [
        await door.ask(both, "POST", f"/applications/{application}/resubmission", mended | changed)
        for changed in ({"unit_id": str(ELSEWHERE)}, {"from_unit_id": str(ELSEWHERE)}, {})
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "unit_fixed"),
        (409, "unit_fixed"),
        (409, "not_ready"),
    ]
    assert "请撤回后另行申请" in answers[0].json()["detail"]


@pytest.mark.asyncio
async def test_a_mended_form_stays_within_establishment_or_outside_it_since_other_freezes_stop_the_one(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_off_establishment(_: RosterReader, kind: str) -> bool | None:
        return {"SY": False, "XZ": False, "BW": True}.get(kind)

    monkeypatch.setattr(RosterReader, "is_off_establishment", is_off_establishment)
    application = await door.submit()
    mended = {name: value for name, value in ASKED.items() if name != "type"} | {"revision": 1}

    answers = [
        await door.ask(CLERK, "POST", f"/applications/{application}/resubmission", mended | {"kind": kind})
        for kind in ("BW", "XZ", "UNKNOWN")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "side_fixed"),
        (409, "not_ready"),
        (409, "not_ready"),
    ]


@pytest.mark.asyncio
async def test_an_exception_to_a_freeze_is_claimed_with_ground_document_and_why_where_there_is_a_freeze(door: Door) -> None:
    told = {"ground": "policy_placement", "document_no": "安置〔2026〕1号", "why": "安置退役士兵"}
    application, order = await door.submit(), uuid.uuid4()
    mended = {name: value for name, value in ASKED.items() if name != "type"} | {"revision": 1, "exception": told}
    again = f"/applications/{application}/resubmission"
    needless = [await door.ask(CLERK, "POST", "/applications", ASKED | {"exception": told}), await door.ask(CLERK, "POST", again, mended)]
    known = UnitFrozen(
        occurred_at=datetime.now(UTC), unit_id=UNIT, version=2, order_id=order, root_unit_id=UNIT, scopes=(FreezeScope.POST_USE,)
    )
    async with door.database.transaction() as conn:
        await consumers.handlers()[UnitFrozen](conn, known)
    partial = [told | each for each in ({"why": ""}, {"document_no": " "}, {"ground": "leader_asked"}, {"orders": [str(order)]})]
    unfit = [await door.ask(CLERK, "POST", "/applications", ASKED | {"exception": each}) for each in partial]
    mended_late = await door.ask(CLERK, "POST", again, mended)
    taken = await door.ask(CLERK, "POST", "/applications", ASKED | {"exception": told})
    seen = (await door.ask(CLERK, "GET", f"/applications/{taken.json()['application_id']}")).json()
    excepted = [(await door.ask(CLERK, "GET", f"/applications?excepted_from={each}")).json() for each in (order, uuid.uuid4())]

    assert [(answer.status_code, answer.json()["code"]) for answer in needless] == 2 * [(409, "freeze_exception_needless")]
    assert [answer.status_code for answer in unfit] == 4 * [422]
    assert [each["fields"][0]["field"] for each in (answer.json() for answer in unfit)] == [
        f"exception.{name}" for name in ("why", "document_no", "ground", "orders")
    ]
    assert mended_late.json()["code"] == "not_ready"
    assert taken.status_code == 201
    assert seen["exception"] == told | {"orders": [str(order)]}
    assert [[each["id"] for each in page["items"]] for page in excepted] == [[seen["id"]], []]


@pytest.mark.asyncio
async def test_while_the_roster_is_away_an_application_is_taken_in_all_the_same(door: Door) -> None:
    await door.submit()

    assert await door.database.pool.fetchval("SELECT off_establishment FROM revisions") is None


@pytest.mark.asyncio
async def test_pages_end_and_go_on(door: Door) -> None:
    applications = [await door.submit() for _ in range(3)]

    first = (await door.ask(CLERK, "GET", "/applications?limit=2")).json()
    second = (await door.ask(CLERK, "GET", f"/applications?limit=2&after={first['next']}")).json()

    assert [each["id"] for each in (*first["items"], *second["items"])] == applications
    assert second["next"] is None


@pytest.mark.asyncio
async def test_whom_an_application_is_about_is_named_by_a_login_name_that_there_is(door: Door) -> None:  # trap 36
    known = UserRegistered(occurred_at=datetime.now(UTC), version=1, user_id=uuid.uuid4(), user="wang.li")
    async with door.database.transaction() as conn:
        await consumers.handlers()[UserRegistered](conn, known)
    application = await door.submit()
    mended = {name: value for name, value in ASKED.items() if name != "type"} | {"revision": 1}
    again = f"/applications/{application}/resubmission"

    named = (["wang.li", "wang.lii", "王丽"], [" Wang.Li "])
    submitted = [await door.ask(CLERK, "POST", "/applications", ASKED | {"concerned": names}) for names in named]
    resubmitted = [await door.ask(CLERK, "POST", again, mended | {"concerned": names}) for names in named]

    assert [answer.status_code for answer in submitted] == [409, 201]
    assert [answer.json()["code"] for answer in (submitted[0], *resubmitted)] == ["concerned_unknown", "concerned_unknown", "not_ready"]
    assert "第 2、3 个登录名不存在" in submitted[0].json()["detail"]
    assert "王丽" not in submitted[0].text
    made = submitted[1].json()["application_id"]
    assert await door.database.pool.fetchval("SELECT concerned FROM applications WHERE id = $1", uuid.UUID(made)) == ["wang.li"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("kind", "asked"), [("exit_application", "person_id"), ("entry_application", "reservation_id")])
async def test_what_says_of_which_posts_it_is_is_missed_and_not_what_it_would_say(door: Door, kind: str, asked: str) -> None:
    bare = ASKED | {"type": kind, "kind": "", "funding": "", "effective_on": "2026-09-18"}

    said = [(await door.ask(CLERK, "POST", "/applications", bare | each)).json() for each in ({}, {asked: str(uuid.uuid4())})]

    assert "编制类型" not in said[0]["detail"]
    assert [asked in each["facts"]["fields"].split(",") for each in said] == [True, False]
    assert [{"kind", "funding"} <= set(each["facts"]["fields"].split(",")) for each in said] == [False, True]
