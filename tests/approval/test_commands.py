"""Approval's transactions on a real database: numbers, repeats, races with a freeze, what can never be changed."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio

from deploy.seal.keys import load_or_make
from services.approval import consumers
from services.approval.activities import ApprovalActivities
from services.approval.commands import applications, documents
from services.approval.commands.attachments import keep_attachment
from services.approval.commands.reopening import reopen_cases
from services.approval.commands.revocations import revoke_document
from services.approval.models.attachments import KeepAttachment
from services.approval.models.refusals import DocumentDamaged, ExceptionNeedless, NotFiled, NotReleased, OwnCase, SealMismatch
from services.approval.models.requests import FileDocument, KeepAnswer, KeepRendered, PrepareSeal, RevokeDocument, SubmitApplication
from services.approval.queries import applications as queries
from services.approval.queries import documents as document_queries
from services.approval.queries.applications import chain
from services.approval.queries.exports import EXPORTS
from services.approval.queries.reopening import kept_revocation
from shared.auth import Who
from shared.db import By, Database, connect
from shared.documents import keep_file
from shared.errors import KeyReused
from shared.events.envelope import Event
from shared.events.roster import UnitClosed, UnitFrozen, UnitRegistered, UnitUnfrozen
from shared.glossary import ApplicationState, ApplicationType, EntryKind, FreezeScope, Role
from shared.law.notices import load_calendar
from shared.unit_copies import UnitEnded, UnitUnknown
from tests.approval.test_activities import answer as signed_by
from tests.approval.test_activities import prepared_by
from workflows import approval_messages as messages
from workflows.approval_steps import Decider

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 1, 0, tzinfo=UTC)
CALENDAR = load_calendar()
UNIT = uuid.uuid4()


@pytest_asyncio.fixture
async def db(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with connect(database("approval"), "approval") as db:
        await happen(
            db,
            UnitRegistered(
                **unit_event(1), parent_id=None, path=(UNIT,), name="小学", code="S1", category="SY-E", valid_from=date(2020, 1, 1)
            ),
        )
        yield db


def unit_event(version: int) -> dict[str, Any]:
    return {"occurred_at": NOW, "unit_id": UNIT, "version": version}


def frozen(order: uuid.UUID, *scopes: FreezeScope) -> UnitFrozen:
    return UnitFrozen(**unit_event(2), order_id=order, root_unit_id=UNIT, scopes=scopes)


def unfrozen(order: uuid.UUID) -> UnitUnfrozen:
    return UnitUnfrozen(**unit_event(3), order_id=order, root_unit_id=UNIT)


async def happen(db: Database, event: Event) -> None:
    """As the consumer does it: fold and reaction in one transaction."""
    async with db.transaction() as conn:
        await consumers.handlers()[type(event)](conn, event)


def by(key: str | None = None, actor: str = "clerk") -> By:
    return By(actor, NOW, key or str(uuid.uuid4()), "理由")


def asked(application_type: ApplicationType = ApplicationType.POST_USE, **changes: Any) -> SubmitApplication:
    fields: dict[str, Any] = {"unit_id": UNIT, "kind": "SY", "funding": "full"}
    if application_type is not ApplicationType.POST_USE:
        fields |= {
            "person_id": uuid.UUID(int=3),
            "reason_code": "resignation",
            "effective_on": date(2026, 9, 18),
            "from_unit_id": uuid.UUID(int=4) if application_type is ApplicationType.TRANSFER else None,
        }
    content = messages.Content.model_validate(fields | changes)
    return SubmitApplication(type=application_type, content=content, title="用编", justification="补员", calendar=CALENDAR)


def entry(application: uuid.UUID, sequence: int, kind: EntryKind = EntryKind.APPROVED, **changes: Any) -> messages.Entry:
    standing = messages.Standing(state=ApplicationState.IN_REVIEW, revision=1, step="business_review", holder=Role.BUSINESS_OFFICER)
    fields: dict[str, Any] = {"application_id": application, "sequence": sequence, "kind": kind, "at": NOW, "standing": standing}
    return messages.Entry.model_validate(fields | changes)


async def record(db: Database, what: messages.Entry) -> None:
    await applications.record_entry(db, By("system", NOW, f"approval:{what.application_id}/{what.sequence}"), what)


async def asked_of_temporal(db: Database, verb: str) -> list[dict[str, Any]]:
    rows = await db.pool.fetch("SELECT body FROM outbox WHERE destination = 'temporal' AND type LIKE $1 ORDER BY id", f"{verb}%")
    return [json.loads(row["body"]) for row in rows]


async def test_a_submission_is_an_application_an_event_and_the_start_of_its_workflow(db: Database) -> None:
    submitted = await applications.submit_application(db, by(), asked())

    (started,) = await asked_of_temporal(db, "start:ApprovalWorkflow")
    assert submitted.number == "编申〔2026〕1号"
    assert started["application_id"] == str(submitted.application_id)
    assert datetime.fromisoformat(started["submitted_at"]) == NOW, "the limits of this moment are the case's"
    assert [step["code"] for step in started["chain"]] == ["unit_head", "business_review", "director_approval"]
    assert await db.pool.fetchval("SELECT type FROM event_log") == "approval.application_submitted.v1"


async def test_what_is_told_of_off_establishment_staff_is_kept_and_goes_with_the_case(db: Database) -> None:
    told = {"kind": "BW", "off_post_kind": "counter_service", "employment_form": "labour_contract"}
    entering = (await applications.submit_application(db, by(), asked(ApplicationType.ENTRY, **told))).application_id
    await applications.submit_application(db, by(), asked(ApplicationType.ENTRY))

    outside, inside = await asked_of_temporal(db, "start")
    async with db.reading() as conn:
        kept = (await queries.pinned(conn, entering)).content
    request = kept.request(entering, 1, ApplicationType.ENTRY)
    assert told.items() <= outside["content"].items()
    assert not told.keys() & inside["content"].keys() - {"kind"}
    assert told.items() <= request.model_dump().items()


async def test_a_repeated_submission_also_at_another_time_is_the_same_application(db: Database) -> None:
    first = await applications.submit_application(db, by("k"), asked())

    moved = asked().model_copy(update={"clock_offset": timedelta(days=3)})
    assert await applications.submit_application(db, by("k"), moved) == first
    with pytest.raises(KeyReused):
        await applications.submit_application(db, by("k"), asked(posts=2))
    assert await db.pool.fetchval("SELECT count(*) FROM applications") == 1


async def test_a_refused_submission_leaves_no_number_and_no_row(db: Database) -> None:
    with pytest.raises(UnitUnknown):
        await applications.submit_application(db, by(), asked(unit_id=uuid.uuid4()))

    assert (await applications.submit_application(db, by(), asked())).number == "编申〔2026〕1号"


async def test_numbers_given_out_at_the_same_time_have_no_gap_and_no_double(db: Database) -> None:
    submitted = await asyncio.gather(*(applications.submit_application(db, by(), asked()) for _ in range(20)))

    assert sorted(each.number for each in submitted) == sorted(f"编申〔2026〕{number}号" for number in range(1, 21))


async def test_a_chain_is_the_one_in_force_on_the_day(db: Database, database: Callable[[str], str]) -> None:
    owner = await asyncpg.connect(database("bianban"), server_settings={"search_path": "approval"})
    await owner.execute("INSERT INTO chains VALUES ('exit_application', 2, '2026-10-01', '编〔2026〕9号')")
    await owner.execute("INSERT INTO chain_steps VALUES ('exit_application', 2, 1, 'unit_head', '审签', 'unit_head', 1, '{0}')")
    await owner.close()

    async with db.reading() as conn:
        before, after = [await chain(conn, ApplicationType.EXIT, date(2026, month, 1)) for month in (9, 10)]

    assert [each.version for each in (before, after) if each] == [1, 2]


async def test_a_journal_entry_recorded_twice_is_one_line_and_one_event(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked())).application_id

    await record(db, entry(application, 1))
    await record(db, entry(application, 1))

    assert await db.pool.fetchval("SELECT count(*) FROM entries") == 1
    assert await db.pool.fetchval("SELECT array_agg(version ORDER BY version) FROM event_log WHERE aggregate_id = $1", application) == [
        1,
        2,
    ]


async def test_a_freeze_reaches_what_is_pending_by_its_scope_only(db: Database) -> None:
    use = (await applications.submit_application(db, by(), asked())).application_id
    entering = (await applications.submit_application(db, by(), asked(ApplicationType.ENTRY))).application_id
    await applications.submit_application(db, by(), asked(ApplicationType.EXIT))

    await happen(db, frozen(uuid.uuid4(), FreezeScope.POST_USE, FreezeScope.ORGANISATION))
    blocked = await db.pool.fetch("SELECT key FROM outbox WHERE type = 'update:block'")
    await happen(db, frozen(uuid.uuid4(), FreezeScope.ENTRY))
    more = await db.pool.fetch("SELECT key FROM outbox WHERE type = 'update:block'")

    assert [row["key"] for row in blocked] == [messages.workflow_id(use)]
    assert [row["key"] for row in more[1:]] == [messages.workflow_id(entering)]


async def test_a_freeze_of_establishment_leaves_off_establishment_alone_and_its_own_stops_it(db: Database) -> None:
    order, own = uuid.uuid4(), uuid.uuid4()
    kinds = [asked(kind="BW").model_copy(update={"off_establishment": True}), asked()]
    outside, inside = [(await applications.submit_application(db, by(), each)).application_id for each in kinds]

    await happen(db, frozen(order, FreezeScope.POST_USE, FreezeScope.ENTRY))
    await happen(db, frozen(own, FreezeScope.OFF_ESTABLISHMENT))
    for each in kinds:
        await applications.submit_application(db, by(), each)

    told = await db.pool.fetch("SELECT key, body FROM outbox WHERE type = 'update:block' ORDER BY id")
    begun = [each["blocked_by"] for each in await asked_of_temporal(db, "start")]
    assert [(row["key"], json.loads(row["body"])["order_id"]) for row in told] == [
        (messages.workflow_id(inside), str(order)),
        (messages.workflow_id(outside), str(own)),
    ]
    assert begun == [[], [], [str(own)], [str(order)]]


EXCEPTION = {"ground": "announced_examination", "document_no": "招考〔2026〕1号", "why": "公告在冻结之前"}


async def test_an_exception_is_one_to_the_orders_in_force_and_is_kept_with_its_revision(db: Database) -> None:
    order, other = uuid.uuid4(), uuid.uuid4()
    await happen(db, frozen(order, FreezeScope.POST_USE))
    await happen(db, frozen(other, FreezeScope.ENTRY))
    application = (await applications.submit_application(db, by(), asked(exception=EXCEPTION))).application_id
    await applications.submit_application(db, by(), asked())

    excepted, plain = await asked_of_temporal(db, "start")
    async with db.reading() as conn:
        kept = (await queries.pinned(conn, application)).content
    assert excepted["content"]["exception"] == EXCEPTION | {"orders": [str(order)]}
    assert "exception" not in plain["content"]
    assert [each["blocked_by"] for each in (excepted, plain)] == 2 * [[str(order)]]
    assert kept.excepted == (order,)
    assert "why" not in json.dumps(kept.request(application, 1, ApplicationType.POST_USE).model_dump(mode="json"))


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (ApplicationType.POST_USE, FreezeScope.ENTRY),
        (ApplicationType.ENTRY, FreezeScope.POST_USE),
        (ApplicationType.EXIT, FreezeScope.ENTRY),
        (ApplicationType.POST_USE, None),
    ],
)
async def test_an_exception_to_a_freeze_that_does_not_stop_it_is_refused_and_leaves_nothing(
    db: Database, kind: ApplicationType, scope: FreezeScope | None
) -> None:
    if scope:
        await happen(db, frozen(uuid.uuid4(), scope))

    with pytest.raises(ExceptionNeedless):
        await applications.submit_application(db, by(), asked(kind, exception=EXCEPTION))

    assert await db.pool.fetchval("SELECT count(*) FROM applications") == 0


async def test_a_case_that_begins_again_is_excepted_as_it_was(db: Database) -> None:
    order = uuid.uuid4()
    await happen(db, frozen(order, FreezeScope.POST_USE))
    application = (await applications.submit_application(db, by(), asked(exception=EXCEPTION))).application_id
    await record(db, entry(application, 1, EntryKind.RECEIVED))

    async with db.transaction() as conn:
        await reopen_cases(conn, None)

    (started,) = await asked_of_temporal(db, "start:ApprovalWorkflow")
    case = started["carried"]["case"]
    assert (case["excepted"], case["blocked_by"]) == ([str(order)], [])


async def test_a_mended_application_is_stopped_as_the_kind_it_asks_for_now(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked())).application_id
    content = asked(kind="BW").content
    mended = messages.Resubmission(
        by=Decider(actor="clerk", roles=(Role.UNIT_CLERK,)),
        revision=1,
        content=content,
        title="用编",
        justification="改为编外用工",
        off_establishment=True,
    )
    standing = messages.Standing(state=ApplicationState.IN_REVIEW, revision=2, step=None, holder=None)
    await record(db, entry(application, 1, EntryKind.RESUBMITTED, standing=standing, resubmission=mended))

    await happen(db, frozen(uuid.uuid4(), FreezeScope.POST_USE))
    untold = await db.pool.fetchval("SELECT count(*) FROM outbox WHERE type = 'update:block'")
    await happen(db, frozen(uuid.uuid4(), FreezeScope.OFF_ESTABLISHMENT))

    assert (untold, await db.pool.fetchval("SELECT count(*) FROM outbox WHERE type = 'update:block'")) == (0, 1)


async def test_whom_each_revision_is_about_is_kept(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked().model_copy(update={"concerned": ("teacher",)}))).application_id
    mended = messages.Resubmission(
        by=Decider(actor="clerk", roles=(Role.UNIT_CLERK,)),
        revision=1,
        content=asked().content,
        title="用编",
        justification="换人",
        concerned=("director", "teacher"),
    )
    standing = messages.Standing(state=ApplicationState.IN_REVIEW, revision=2, step=None, holder=None)

    await record(db, entry(application, 1, EntryKind.RESUBMITTED, standing=standing, resubmission=mended))

    assert await db.pool.fetchval("SELECT concerned FROM applications WHERE id = $1", application) == ["teacher", "director"]


async def test_an_application_submitted_after_the_freeze_starts_blocked_and_after_its_end_free(db: Database) -> None:
    order = uuid.uuid4()

    await happen(db, frozen(order, FreezeScope.POST_USE))
    await applications.submit_application(db, by(), asked())
    await happen(db, unfrozen(order))
    await applications.submit_application(db, by(), asked())

    assert [each["blocked_by"] for each in await asked_of_temporal(db, "start")] == [[str(order)], []]


async def test_a_unit_that_left_what_an_order_freezes_and_came_back_is_frozen_again(db: Database) -> None:
    order = uuid.uuid4()

    for event in (frozen(order, FreezeScope.POST_USE), unfrozen(order), frozen(order, FreezeScope.POST_USE)):
        await happen(db, event)
    await applications.submit_application(db, by(), asked())

    assert [each["blocked_by"] for each in await asked_of_temporal(db, "start")] == [[str(order)]]


async def test_a_case_that_begins_again_gets_its_lines_also_where_its_first_start_still_waits(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked())).application_id
    await record(db, entry(application, 1, EntryKind.RECEIVED))

    async with db.transaction() as conn:
        await reopen_cases(conn, None)

    (started,) = await asked_of_temporal(db, "start:ApprovalWorkflow")
    assert started["carried"]["recorded"] == 1


async def test_an_order_that_ends_twice_for_a_unit_is_told_twice_and_a_repeated_event_once(db: Database) -> None:
    await applications.submit_application(db, by(), asked())
    order = uuid.uuid4()
    moved_away, back, released = unfrozen(order), frozen(order, FreezeScope.POST_USE), unfrozen(order)

    for event in (moved_away, back, released, released, back):
        await happen(db, event)

    rows = await db.pool.fetch("SELECT type, event_id FROM outbox WHERE type LIKE 'update:%' ORDER BY id")
    assert [row["type"] for row in rows] == ["update:unblock", "update:block", "update:unblock", "update:unblock", "update:block"]
    first, begun, second, second_again, begun_again = [row["event_id"] for row in rows]
    assert len({first, begun, second}) == 3
    assert (second_again, begun_again) == (second, begun)


async def test_a_freeze_and_a_submission_at_the_same_time_never_miss_each_other(db: Database) -> None:
    for _ in range(25):
        order = uuid.uuid4()

        submitted, _ = await asyncio.gather(
            applications.submit_application(db, by(), asked()), happen(db, frozen(order, FreezeScope.POST_USE))
        )

        case = messages.workflow_id(submitted.application_id)
        begun = json.loads(await db.pool.fetchval("SELECT body FROM outbox WHERE key = $1 AND type LIKE 'start:%'", case))
        told = await db.pool.fetch("SELECT body FROM outbox WHERE key = $1 AND type = 'update:block'", case)
        assert str(order) in begun["blocked_by"] or [json.loads(row["body"])["order_id"] for row in told] == [str(order)]


async def notice(db: Database, *, released: bool = True) -> tuple[uuid.UUID, messages.Numbered]:
    application = (await applications.submit_application(db, by(), asked())).application_id
    numbered = await documents.number_document(db, by(), messages.NumberDocument(application_id=application, on=date(2026, 9, 18)))
    await documents.keep_rendered(db, by(), KeepRendered(document_id=numbered.document_id, file="a.pdf", sha256="a" * 64))
    if released:
        sealer = {"actor": "sealer", "role": Role.SEAL_OPERATOR, "document_id": numbered.document_id}
        await record(db, entry(application, 1, EntryKind.RELEASED, **sealer))
    return application, numbered


def preparing(document: uuid.UUID, digest: str = "d" * 64) -> PrepareSeal:
    prepared = {"digest": digest, "start": 1, "end": 2}
    return PrepareSeal(document_id=document, prepared=prepared, prepared_file="p.pdf", seal_code="S")


def filing(document: uuid.UUID) -> FileDocument:
    return FileDocument(document_id=document, file="s.pdf", sha256="c" * 64, signer="office", sealed_at=NOW)


async def test_one_application_has_one_number_and_one_set_of_bytes(db: Database) -> None:
    application, numbered = await notice(db, released=False)

    again = await documents.number_document(db, by(), messages.NumberDocument(application_id=application, on=date(2027, 1, 4)))
    rendered = await documents.keep_rendered(db, by(), KeepRendered(document_id=numbered.document_id, file="b.pdf", sha256="b" * 64))

    assert again == numbered
    assert numbered.document_no == "编核〔2026〕1号"
    assert rendered.sha256 == "a" * 64


async def test_a_number_is_kept_and_its_day_follows_the_approval_until_the_notice_is_written(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked())).application_id
    first, second, third = [messages.NumberDocument(application_id=application, on=date(2026, 9, day)) for day in (18, 21, 22)]

    given = await documents.number_document(db, by(), first)
    again = await documents.number_document(db, by(), second)
    await documents.keep_rendered(db, by(), KeepRendered(document_id=given.document_id, file="a.pdf", sha256="a" * 64))
    await documents.number_document(db, by(), third)

    assert again == given
    assert await db.pool.fetchval("SELECT numbered_on FROM documents") == second.on


async def test_what_is_approved_again_in_another_year_has_a_number_of_that_year(db: Database) -> None:
    application = (await applications.submit_application(db, by(), asked())).application_id
    days = (date(2026, 12, 31), date(2027, 1, 4), date(2027, 1, 5))

    given = [await documents.number_document(db, by(), messages.NumberDocument(application_id=application, on=day)) for day in days]

    assert [each.document_no for each in given] == ["编核〔2026〕1号", "编核〔2027〕1号", "编核〔2027〕1号"]
    assert len({each.document_id for each in given}) == 1
    kept = await db.pool.fetch("SELECT document_no, numbered_on, unused_nos FROM documents")
    assert [tuple(row) for row in kept] == [("编核〔2027〕1号", days[2], ["编核〔2026〕1号"])]


async def test_every_gap_in_the_numbers_is_listed_with_what_became_of_its_application(db: Database) -> None:
    (moved, withdrawn, kept) = [(await applications.submit_application(db, by(), asked())).application_id for _ in range(3)]
    for application in (moved, withdrawn, kept):
        await documents.number_document(db, by(), messages.NumberDocument(application_id=application, on=date(2026, 12, 31)))
    await documents.number_document(db, by(), messages.NumberDocument(application_id=moved, on=date(2027, 1, 4)))
    over = messages.Standing(state=ApplicationState.WITHDRAWN, revision=1, step=None, holder=None)
    await record(db, entry(withdrawn, 1, EntryKind.WITHDREW, standing=over))

    office, other = (Who("officer", frozenset({Role.BUSINESS_OFFICER}), units) for units in (None, (uuid.uuid4(),)))
    async with db.reading() as conn:
        found = await document_queries.unused_numbers(conn, office, "", 1)
        found += await document_queries.unused_numbers(conn, office, found[0].document_no, 9)
        hidden = await document_queries.unused_numbers(conn, other, "", 9)
        (shown,) = await document_queries.of_application(conn, moved)
        sheet = EXPORTS.lists["unused_numbers"].sheets[0]
        source = sheet.source(office, {"unit": UNIT})
        exported = await conn.fetch(f"SELECT {sheet.columns[0].sql} {source.rows} ORDER BY {source.order}", *source.parameters)

    told = [(each.document_no, each.application_id, each.used_no, each.reason) for each in found]
    assert told == [
        ("编核〔2026〕1号", moved, "编核〔2027〕1号", "跨年重新编号"),
        ("编核〔2026〕2号", withdrawn, None, "编号后申请撤回"),
    ]
    assert (hidden, shown.unused_nos) == ([], ("编核〔2026〕1号",))
    assert [row[0] for row in exported] == [each.document_no for each in found]


async def test_what_no_operator_released_is_not_sealed(db: Database) -> None:
    _, numbered = await notice(db, released=False)

    with pytest.raises(NotReleased):
        await documents.prepare_seal(db, by(), preparing(numbered.document_id))


async def test_a_document_is_prepared_once_so_that_no_retry_seals_it_twice_trap_30(db: Database) -> None:
    _, numbered = await notice(db)

    first = await documents.prepare_seal(db, by(), preparing(numbered.document_id))
    second = await documents.prepare_seal(db, by(), preparing(numbered.document_id, "e" * 64))

    assert second == first
    assert first.operator == "sealer"


async def test_an_answer_is_kept_once_and_one_about_other_bytes_never(db: Database) -> None:
    _, numbered = await notice(db)
    task = await documents.prepare_seal(db, by(), preparing(numbered.document_id))
    answer = KeepAnswer(task_id=task.task_id, digest=task.digest, answer={"cms": "first"})

    await documents.keep_answer(db, by(), answer)
    await documents.keep_answer(db, by(), answer.model_copy(update={"answer": {"cms": "second"}}))
    with pytest.raises(SealMismatch):
        await documents.keep_answer(db, by(), answer.model_copy(update={"digest": "f" * 64}))

    assert await db.pool.fetchval("SELECT answer FROM seal_tasks") == {"cms": "first"}
    assert len(await asked_of_temporal(db, "update:seal_completed")) == 1


async def test_a_prepared_file_that_is_gone_or_altered_holds_its_case_until_it_is_back(db: Database, tmp_path: Path) -> None:
    """Must fail when the filing is only tried again: nobody would be told, and the page would say 待签章 for ever."""
    signer = load_or_make(tmp_path / "signer")
    application, numbered = await notice(db)
    prepared, _ = prepared_by(signer)
    name = keep_file(tmp_path, numbered.document_id, prepared.pdf)
    what = preparing(numbered.document_id).model_copy(update={"prepared": prepared.placeholder.model_dump(), "prepared_file": name})
    task = await documents.prepare_seal(db, by(), what)
    answered = (await asyncio.to_thread(signed_by, signer, task.digest)).model_dump(mode="json")
    await documents.keep_answer(db, by(), KeepAnswer(task_id=task.task_id, digest=task.digest, answer=answered))
    activities = ApprovalActivities(db, tmp_path, "编办", cast("Any", None), cast("Any", None), cast("Any", None), "")
    filing = messages.SealRequest(document_id=numbered.document_id, at=NOW)

    for spoiled in (None, prepared.pdf + b" "):
        (tmp_path / name).unlink() if spoiled is None else (tmp_path / name).write_bytes(spoiled)
        with pytest.raises(DocumentDamaged):
            await activities.file_document(filing)
    held = await db.pool.fetchval("SELECT held FROM applications")
    (tmp_path / name).write_bytes(prepared.pdf)
    filed = await activities.file_document(filing)
    await record(db, entry(application, 2, EntryKind.RECORDED))

    assert (held, filed.document_no, await db.pool.fetchval("SELECT held FROM applications")) == (
        "document_damaged",
        "编核〔2026〕1号",
        None,
    )


async def test_a_filed_document_stays_as_it_is_and_is_filed_once_trap_30(db: Database) -> None:
    _, numbered = await notice(db)

    await documents.file_document(db, by(), filing(numbered.document_id))
    again = await documents.file_document(db, by(), filing(numbered.document_id).model_copy(update={"sha256": "d" * 64}))

    assert again.sha256 == "c" * 64
    assert await db.pool.fetchval("SELECT count(*) FROM event_log WHERE type = 'approval.document_filed.v1'") == 1
    for change in (
        "UPDATE documents SET sha256 = 'x'",
        "UPDATE filing_ledger SET signer = 'x'",
        "DELETE FROM seal_register",
        "DELETE FROM entries",
    ):
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.InsufficientPrivilegeError)):
            await db.pool.execute(change)


async def test_a_document_is_revoked_once_its_application_is_recorded_as_filed(db: Database) -> None:
    """Sooner, the revocation would take the number of that line, and the application could never record it."""
    application, numbered = await notice(db)
    await documents.file_document(db, by(), filing(numbered.document_id))
    filed = messages.Standing(state=ApplicationState.FILED, revision=1, step=None, holder=None)

    with pytest.raises(NotFiled):
        await revoke_document(db, by(actor="director"), RevokeDocument(document_id=numbered.document_id, calendar=CALENDAR))
    await record(db, entry(application, 2, EntryKind.RECORDED, standing=filed))
    await revoke_document(db, by(actor="director"), RevokeDocument(document_id=numbered.document_id, calendar=CALENDAR))

    kinds = await db.pool.fetch("SELECT kind FROM entries WHERE application_id = $1 ORDER BY sequence", application)
    assert [row["kind"] for row in kinds] == [EntryKind.RELEASED, EntryKind.RECORDED, EntryKind.REVOKED]


async def test_nobody_revokes_a_notice_of_his_own_case_and_its_people_are_known_to_the_revocation(db: Database) -> None:
    concerned = asked().model_copy(update={"concerned": ("director", "sealer")})
    application = (await applications.submit_application(db, by(), concerned)).application_id
    mended = messages.Resubmission(
        by=Decider(actor="deputy", roles=(Role.UNIT_CLERK,)), revision=1, content=asked().content, title="用编", justification="补正"
    )
    second = messages.Standing(state=ApplicationState.IN_REVIEW, revision=2, step=None, holder=None)
    again = entry(application, 1, EntryKind.RESUBMITTED, actor="deputy", standing=second, resubmission=mended)
    await applications.record_entry(db, by(actor="deputy"), again)
    file = {"id": uuid.uuid4(), "name": "批复.pdf", "media_type": "application/pdf", "size": 1, "sha256": "a" * 64, "file": "x"}
    await keep_attachment(db, by(actor="helper"), KeepAttachment(application_id=application, **file))
    numbered = await documents.number_document(db, by(), messages.NumberDocument(application_id=application, on=date(2026, 9, 18)))
    await documents.file_document(db, by(), filing(numbered.document_id))
    filed = messages.Standing(state=ApplicationState.FILED, revision=2, step=None, holder=None)
    await record(db, entry(application, 2, EntryKind.RECORDED, standing=filed))
    revoking = RevokeDocument(document_id=numbered.document_id, calendar=CALENDAR)

    for actor in ("clerk", "deputy", "director", "helper"):
        with pytest.raises(OwnCase):
            await revoke_document(db, by(actor=actor), revoking)
    made = await revoke_document(db, by(actor="other"), revoking)

    (started,) = [each for each in await asked_of_temporal(db, "start:ApprovalWorkflow") if each["revokes"]]
    case = started["carried"]["case"]
    assert (case["applicant"], case["concerned"], case["authors"]) == ("other", ["director", "sealer"], ["clerk", "deputy"])
    async with db.reading() as conn:
        _, kept = await kept_revocation(conn, made.document_id)
    assert (kept.applicant, kept.concerned, kept.authors) == ("other", ("director", "sealer"), ("clerk", "deputy"))


async def test_a_unit_that_is_no_more_applies_for_nothing(db: Database) -> None:
    await happen(db, UnitClosed(**unit_event(2), closed_on=date(2026, 9, 10)))

    with pytest.raises(UnitEnded):
        await applications.submit_application(db, by(), asked())
