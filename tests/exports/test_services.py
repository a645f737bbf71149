"""The lists of approval, monitoring and reporting: each can be taken, whole, by whoever may see it, and by nobody else."""

import gc
import importlib
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.place import Place
from shared.audit.commands import seal
from shared.audit.models import Broken
from shared.audit.queries import verify
from shared.clock import Clock
from shared.db import Database
from shared.events.audit import ApprovalAuditSealed, IdentityAuditSealed, MonitoringAuditSealed, RosterAuditSealed
from shared.events.envelope import uuid7
from shared.exports.running import Office
from shared.given_up import pass_over
from shared.glossary import Role
from tests.exports.exporting import Taken, asked, ended, taken, working
from tests.roster.doors import Doors
from tests.scopes import opened
from tests.shared.given import HAND

pytestmark = pytest.mark.asyncio
MINE, BELOW, OTHER, HIDDEN = (uuid4() for _ in range(4))
PATHS = {MINE: [MINE], BELOW: [MINE, BELOW], OTHER: [OTHER], HIDDEN: [HIDDEN]}
CODES = {MINE: "U-1", BELOW: "U-2", OTHER: "U-3", HIDDEN: "U-4"}
HEAD = "INSERT INTO unit_copies (id, path, name, code, category, withheld) VALUES ($1, $2, $3, $3, 'SY-1', $4)"


@dataclass(frozen=True)
class Service:
    """One service's door and worker, on tables of the test's own."""

    doors: Doors
    database: Database
    lists: Sequence[str]

    async def take(self, name: str, role: Role = Role.BUSINESS_OFFICER, units: tuple[UUID, ...] | None = None, **more: Any) -> Taken:
        return await taken(self.doors.http, self.doors.as_(role, units=units), name, **more)


@asynccontextmanager
async def running(
    service: str, stack: Place, database: Callable[[str], str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    async with opened(service, stack, database, folder, monkeypatch) as (app, doors, tables):
        office = Office(tables, database(service), app.state.exports, app.state.shelf, Clock(None), timedelta(days=1), "演示数据")
        async with working(office):
            yield Service(doors, tables, list(app.state.exports.lists))


async def fill_approval(pool: Any) -> None:
    await pool.executemany(HEAD, [(unit, PATHS[unit], CODES[unit], unit == HIDDEN) for unit in PATHS])
    for number, unit in enumerate(PATHS, 1):
        application, document = uuid4(), uuid4()
        await pool.execute(
            "INSERT INTO applications (id, number, application_type, unit_id, applicant, concerned, chain_version, submitted_at, version, state,"
            " revision, step, holder, due_at, changed_at) VALUES ($1, $2, 'post_use_application', $3, 'clerk', '{}', 1, now(), 1, 'in_review', 1,"
            " 'unit_head', 'unit_head', now(), now())",
            *(application, f"申〔2026〕{number}号", unit),
        )
        await pool.execute(
            "INSERT INTO revisions (application_id, revision, title, justification, kind, funding, posts, submitted_by, submitted_at)"
            " VALUES ($1, 1, '=用编', '理由', 'SY', 'full', 2, 'clerk', now())",
            application,
        )
        await pool.execute(
            "INSERT INTO documents (id, application_id, unit_id, document_no, title, template, numbered_on) VALUES ($1, $2, $3, $4, '通知单', 't', now())",
            *(document, application, unit, f"编核〔2026〕{number}号"),
        )
        await pool.execute(
            "INSERT INTO filing_ledger (document_id, document_no, sha256, signer, sealed_at, filed_at) VALUES ($1, $2, 'ab', '编办', now(), now())",
            *(document, f"编核〔2026〕{number}号"),
        )


async def fill_monitoring(pool: Any) -> None:
    await pool.executemany(HEAD, [(unit, PATHS[unit], CODES[unit], unit == HIDDEN) for unit in PATHS])
    inputs = {
        "kind": "SY",
        "kind_label": "事业编制",
        "funding": "full",
        "funding_label": "全额拨款",
        "quota": 3,
        "headcount": 4,
        "people": 1,
    }
    for number, unit in enumerate(PATHS, 1):
        issue, edition = uuid4(), uuid4()
        await pool.execute("INSERT INTO lights (unit_id, light, version, changed_at) VALUES ($1, 'red', 1, now())", unit)
        await pool.execute(
            "INSERT INTO issues (id, unit_id, rule, rule_version, subject, level, state, must_vanish, opens_case, size, inputs, threshold, found_at)"
            " VALUES ($1, $2, 'M01', '1', 's', 'red', 'to_verify', true, true, 1, $3, '{}', now())",
            *(issue, unit, inputs),
        )
        await pool.execute(
            "INSERT INTO freeze_orders (id, unit_id, scopes, state, reason, proposed_by, proposed_at, posts)"
            " VALUES ($1, $2, '{post_use,entry}', 'freeze_proposed', '逾期', 'officer', now(), '[{\"posts\": 2}, {\"posts\": 3}]')",
            *(uuid4(), unit),
        )
        await pool.execute(
            "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at) VALUES ($1, $2, $3, '2026-W38', now())",
            *(edition, f"编督〔2026〕{number}号", unit),
        )
        await pool.execute(
            "INSERT INTO supervision_lines (list_id, line_no, issue_id, round, kind, rule, level, state, matter, found_on)"
            " VALUES ($1, 1, $2, 1, 'new_line', 'M01', 'red', 'to_verify', '超编', now())",
            *(edition, issue),
        )


async def test_a_file_whose_taking_cannot_be_recorded_is_closed_at_once(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """What the garbage collector has to close is told as a warning."""
    warnings.simplefilter("always", ResourceWarning)
    async with running("monitoring", stack, database, tmp_path, monkeypatch) as service:
        headers = service.doors.as_(Role.BUSINESS_OFFICER)
        view = await asked(service.doors.http, headers, service.lists[0])
        await ended(service.doors.http, headers, view["id"])
        superuser = await asyncpg.connect(database("postgres"), server_settings={"search_path": "monitoring"})
        await superuser.execute("REVOKE INSERT ON export_downloads FROM monitoring")
        await superuser.close()
        with suppress(asyncpg.InsufficientPrivilegeError):
            await service.doors.http.get(f"/exports/{view['id']}/file", headers=headers)
        assert await service.database.pool.fetchval("SELECT count(*) FROM export_downloads") == 0
    gc.collect()

    assert [str(each.message) for each in recwarn if view["id"] in str(each.message)] == []


SEALED_AS = {
    "roster": RosterAuditSealed,
    "approval": ApprovalAuditSealed,
    "monitoring": MonitoringAuditSealed,
    "identity": IdentityAuditSealed,
}


@pytest.mark.parametrize("name", SEALED_AS)
async def test_what_was_asked_of_an_export_or_given_up_stands_under_the_seal_and_is_not_what_becomes_of_it(
    name: str, stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited = importlib.import_module(f"services.{name}.models.audited").AUDITED
    async with running(name, stack, database, tmp_path, monkeypatch) as service:
        asker = Role.AUDIT_ADMIN if name == "identity" else Role.BUSINESS_OFFICER
        await service.take("units" if name == "roster" else service.lists[0], asker)
        await pass_over(service.database, HAND, name, "roster.events", 0, 7)
        await seal(service.database, Clock(None), audited, SEALED_AS[name], margin=0)
        async with service.database.reading() as conn:
            assert [each async for each in verify(conn, audited)] == []
        superuser = await asyncpg.connect(database("postgres"), server_settings={"search_path": name})
        await superuser.execute("SET session_replication_role = replica")
        export_id = await superuser.fetchval("UPDATE exports SET unmasked = NOT unmasked RETURNING id")
        given_up_id = await superuser.fetchval("UPDATE given_up SET reason = '另一事由' RETURNING id")
        await superuser.close()
        async with service.database.reading() as conn:
            found = [each async for each in verify(conn, audited)]
    assert found == [Broken(1, "altered", "exports", str(export_id)), Broken(1, "altered", "given_up", str(given_up_id))]


OF_UNITS = {"approval": ("applications", "filing"), "monitoring": ("work", "issues", "lights", "freezes", "supervision")}


async def test_exceptions_to_freezes_are_a_list_narrowed_by_order_and_scope(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = {unit: uuid4() for unit in (MINE, OTHER)}
    async with running("approval", stack, database, tmp_path, monkeypatch) as service:
        await fill_approval(service.database.pool)
        for unit, order in orders.items():
            await service.database.pool.execute(
                "UPDATE revisions SET exception = $1 WHERE application_id IN (SELECT id FROM applications WHERE unit_id = $2)",
                {"ground": "policy_placement", "document_no": "安置〔2026〕2号", "why": "军转安置", "orders": [str(order)]},
                unit,
            )
        everything, of_one, nothing = [
            (await service.take("exceptions", filters=filters)).records()
            for filters in ({}, {"order": str(orders[OTHER])}, {"order": str(uuid4())})
        ]
        own = (await service.take("exceptions", Role.UNIT_CLERK, (MINE,))).records()
        later = uuid4()
        async with service.database.transaction() as conn:
            for revision, exception in ((2, "r.exception"), (3, f"""r.exception || '{{"orders": ["{later}"]}}'""")):
                await conn.execute(
                    "INSERT INTO revisions SELECT (jsonb_populate_record(r, jsonb_build_object('revision', $2::integer, 'exception',"
                    f" {exception}))).* FROM revisions r JOIN applications a ON a.id = r.application_id WHERE a.unit_id = $1 AND r.revision = 1",
                    MINE,
                    revision,
                )
            await conn.execute("UPDATE applications SET revision = 3 WHERE unit_id = $1", MINE)
        each_of_them = (await service.take("exceptions", Role.UNIT_CLERK, (MINE,))).records()
        of_first = (await service.take("exceptions", filters={"order": str(orders[MINE])})).records()
        async with service.database.transaction() as conn:
            await conn.execute(
                "INSERT INTO revisions SELECT (jsonb_populate_record(r, jsonb_build_object('revision', 4, 'exception', NULL))).*"
                " FROM revisions r JOIN applications a ON a.id = r.application_id WHERE a.unit_id = $1 AND r.revision = 1",
                MINE,
            )
            await conn.execute("UPDATE applications SET revision = revision + 1 WHERE unit_id = $1", MINE)
        dropped = (await service.take("exceptions", Role.UNIT_CLERK, (MINE,))).records()

    assert [
        [(each["件次"], each["冻结单编号"], each["已不再申报"]) for each in found] for found in (own, each_of_them, dropped, of_first)
    ] == [
        [(1, str(orders[MINE]), "否")],
        [(2, str(orders[MINE]), "是"), (3, str(later), "否")],
        [(2, str(orders[MINE]), "是"), (3, str(later), "是")],
        [(2, str(orders[MINE]), "是")],
    ]
    told = ("申请人", "例外情形", "例外依据文号", "例外理由", "状态", "冻结单编号")
    assert [len(each) for each in (everything, of_one, nothing, own)] == [2, 1, 0, 1]
    assert [of_one[0][name] for name in told] == ["clerk", "政策性安置", "安置〔2026〕2号", "军转安置", "审核中", str(orders[OTHER])]
    assert own[0]["冻结单编号"] == str(orders[MINE])


AUDITED_LISTS = {"approval": {"filing", "unused_numbers", "trail_approval"}, "monitoring": {"trail_monitoring"}}
FILLS = {"approval": fill_approval, "monitoring": fill_monitoring}


async def decide_monitoring(pool: Any) -> None:
    """Orders are signed and editions sealed: before that they are of those who decide alone (docs/decisions/0063)."""
    await pool.execute("UPDATE freeze_orders SET state = 'in_force'")
    await pool.execute("UPDATE supervision_lists SET released_at = now(), sealed_at = now()")


@pytest.mark.parametrize("name", ["approval", "monitoring"])
async def test_a_list_holds_what_its_asker_may_see(
    name: str, stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(name, stack, database, tmp_path, monkeypatch) as service:
        await FILLS[name](service.database.pool)
        if name == "monitoring":
            await decide_monitoring(service.database.pool)
        for each in OF_UNITS[name]:
            office, observer, clerk, below, others = [
                sorted({record["单位编码"] for record in (await service.take(each, role, units, **more)).records()})
                for role, units, more in (
                    (Role.BUSINESS_OFFICER, None, {}),
                    (Role.OBSERVER, None, {}),
                    (Role.UNIT_CLERK, (MINE,), {}),
                    (Role.UNIT_CLERK, (MINE,), {"filters": {"unit": str(BELOW)}}),
                    (Role.UNIT_CLERK, (MINE,), {"filters": {"unit": str(OTHER)}}),
                )
            ]
            assert (office, observer) == (["U-1", "U-2", "U-3", "U-4"], ["U-1", "U-2", "U-3"]), each
            assert (clerk, below, others) == (["U-1", "U-2"], ["U-2"], []), each
        offered = (await service.doors.http.get("/exports/lists", headers=service.doors.as_(Role.AUDIT_ADMIN))).json()["items"]
        assert {each["name"] for each in offered} >= AUDITED_LISTS[name]
        for each in AUDITED_LISTS[name] & {"filing"}:
            told = {record["单位编码"] for record in (await service.take(each, Role.AUDIT_ADMIN)).records()}
            assert told == {"U-1", "U-2", "U-3"}


@pytest.mark.parametrize("name", ["approval", "monitoring", "reporting", "identity"])
async def test_the_trail_of_a_service_goes_out_as_its_page_shows_it(
    name: str, stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(name, stack, database, tmp_path, monkeypatch) as service:
        pool, case = service.database.pool, "supervision:2026-W38"
        await pool.executemany(HEAD, [(unit, PATHS[unit], CODES[unit], unit == HIDDEN) for unit in PATHS])
        for number, unit in enumerate((MINE, HIDDEN, OTHER, MINE)):
            await pool.execute(
                "INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason, case_id,"
                " headers, body) VALUES ($1, 'unit', $2, $3, $2, 'roster.over_quota_recorded.v1', now(), 'officer', '=检查', $4, '{}', '{}')",
                *(uuid7(), unit, number + 1, case if number else None),
            )
        await pass_over(service.database, HAND, name, "roster.events", 0, 7)
        if name == "monitoring":
            await pool.execute(
                "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at, released_by, released_at, release_reason,"
                " released_kept_at) VALUES ($1, '编督〔2026〕1号', $2, '2026-W38', now(), 'operator', now(), '核对无误', now())",
                *(uuid4(), MINE),
            )
        headers, of_one = service.doors.as_(Role.AUDIT_ADMIN), {"case": case, "unit": str(MINE)}
        pages = [
            (await service.doors.http.get("/trail", params=query, headers=headers)).json()["items"]
            for query in ({}, {"case": case}, of_one)
        ]
        files = [
            await service.take(f"trail_{name}", Role.AUDIT_ADMIN, filters=filters)
            for filters in ({}, {"case": case}, {"case": case, "of_unit": str(MINE)})
        ]
        refused = await asked(service.doors.http, service.doors.office, f"trail_{name}")

    shown = ("id", "title", "actor", "reason", "document_no", "case_title")
    labels = ("记录编号", "事项", "经办", "事由", "依据", "案件")
    for page, file in zip(pages, files, strict=True):
        assert [[each[label] for label in labels] for each in file.records()] == [[each[field] or "" for field in shown] for each in page]
    assert [len(file.records()) for file in files] == ([6, 4, 2] if name == "monitoring" else [5, 3, 1])
    assert {(each["单位编码"], each["单位"]) for each in files[0].records()} == {("U-1", "U-1"), ("U-3", "U-3"), ("", "")}
    assert f"案件编号为{case}，单位为U-1" in files[2].mark
    assert refused["code"] == "export_list_unknown"


@pytest.mark.parametrize("name", ["roster", "approval", "monitoring", "reporting", "identity"])
async def test_the_dead_letters_of_a_service_go_out_without_their_data(
    name: str, stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(name, stack, database, tmp_path, monkeypatch) as service:
        for offset, (key, headers) in enumerate(((str(MINE), {"ce_type": "roster.over_quota_recorded.v1"}), ("欧阳娜娜", {}))):
            await service.database.pool.execute(
                "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error)"
                " VALUES ($1, $2, 'roster.events', 0, $3, $4, convert_to('{\"name\": \"欧阳娜娜\"}', 'UTF8'), 'GapSeen')",
                *(name, key, offset, headers),
            )
        page = (await service.doors.http.get("/upkeep/dead-letters", headers=service.doors.as_(Role.SYSTEM_ADMIN))).json()["items"]
        file = await service.take(f"dead_letters_{name}", Role.SYSTEM_ADMIN)
        refused = await asked(service.doors.http, service.doors.office, f"dead_letters_{name}")

    shown, labels = (
        ("id", "title", "type", "consumer", "key", "topic"),
        ("死信编号", "事件", "事件类型", "消费者", "对象", "主题"),
    )
    assert [[each[label] for label in labels] for each in file.records()] == [[str(each[field]) for field in shown] for each in page]
    assert [each["对象"] for each in file.records()] == [str(MINE), "（4 字）"]
    assert [each["原因"] for each in file.records()] == ["缺少此前的版本（GapSeen）"] * 2
    assert refused["code"] == "export_list_unknown"


async def test_chains_go_out_step_by_step_as_their_page_shows_them(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("approval", stack, database, tmp_path, monkeypatch) as service:
        page = (await service.doors.http.get("/chains", headers=service.doors.office)).json()
        records = (await service.take("chains")).records()

    steps = [
        (chain["label"], chain["version"], step["label"], step["role_label"], step["budget_days"])
        for chain in page
        for step in chain["steps"]
    ]
    assert [(each["申请类型"], each["版本"], each["环节"], each["办理岗位"], each["时限（工作日）"]) for each in records] == steps
    assert len(steps) > 5


async def test_parameters_go_out_with_every_version_in_words(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("monitoring", stack, database, tmp_path, monkeypatch) as service:
        day = {"effective_on": "2027-01-01", "source": "=检查", "owner": "监督科", "document_no": "编办〔2026〕9号"}
        for name, value in (("budget_days", 7), ("notice_sealed", True)):
            body = {"rule": "M01" if name == "budget_days" else "*", "name": name, "value": value, **day}
            set_ = await service.doors.http.post("/parameters", json=body, headers=service.doors.as_(Role.SUPERVISION_OFFICER))
            assert set_.status_code < 300, set_.text
        page = (await service.doors.http.get("/parameters", headers=service.doors.office)).json()
        records = (await service.take("parameters")).records()

    assert len(records) == len(page) > 10
    assert {(each["值"], each["依据"]) for each in records if str(each["生效日期"])[:10] == "2027-01-01"} == {
        ("7", "=检查"),
        ("是", "=检查"),
    }
    assert not [each for each in records if each["参数"].isascii() or "{" in each["值"] or "[" in each["值"]]


async def test_the_rosters_limits_go_out_with_every_value(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("roster", stack, database, tmp_path, monkeypatch) as service:
        page = (await service.doors.http.get("/parameters", headers=service.doors.office)).json()["items"]
        records = (await service.take("limits")).records()

    told = [(each["值"], each["依据"], each["责任科室"]) for each in records]
    assert sorted(told) == sorted((each["value"], each["source"], each["owner"]) for each in page)
    assert not [each for each in records if each["参数"].isascii()]


async def test_monitorings_words_are_those_of_its_pages(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("monitoring", stack, database, tmp_path, monkeypatch) as service:
        await fill_monitoring(service.database.pool)
        issue, *_ = (await service.take("issues")).records()
        freeze, *_ = (await service.take("freezes")).records()
        page = (await service.doors.http.get("/issues", headers=service.doors.office)).json()["items"]

    assert issue["问题事实"] in {each["matter"] for each in page}
    assert (issue["问题"], issue["状态"], issue["亮灯"]) == ("超编", "待核实", "红灯")
    assert (freeze["冻结范围"], freeze["冻结编制数"]) == ("冻结用编、冻结入编", 5)


async def test_monitorings_lists_are_narrowed_as_its_pages_are(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("monitoring", stack, database, tmp_path, monkeypatch) as service:
        await fill_monitoring(service.database.pool)
        await service.database.pool.execute("UPDATE issues SET state = 'closed' WHERE unit_id = $1", MINE)
        await service.database.pool.execute("UPDATE issues SET rule = 'M07', level = 'yellow' WHERE unit_id = $1", OTHER)
        found = {
            (name, *narrowed.items()): {
                record["单位编码"] for record in (await service.take(name, filters=narrowed, fields=["unit_code"])).records()
            }
            for name, narrowed in (
                ("issues", {"state": "open"}),
                ("issues", {"state": "closed"}),
                ("issues", {"rule": "M07"}),
                ("issues", {"level": "red", "state": "open"}),
                ("lights", {"rule": "M01"}),
            )
        }

    mine, other = {CODES[MINE]}, {CODES[OTHER]}
    everybody = set(CODES.values())
    assert list(found.values()) == [everybody - mine, mine, other, everybody - mine - other, everybody - mine - other]


async def as_page_and_as_file(service: Service, who: Role, name: str, page: tuple[str, dict[str, str]], filters: dict[str, str]) -> None:
    """The rows of the file are those of the page, in its order; what narrows them leaves somebody out."""
    path, query = page
    headers = service.doors.as_(who)
    shown = [each["unit"] for each in (await service.doors.http.get(path, params=query, headers=headers)).json()["items"]]
    records = [record["单位编码"] for record in (await service.take(name, who, filters=filters)).records()]
    assert records == shown, (name, filters)
    assert 0 < len(shown) < len(PATHS) or "-unit" in filters.values(), (name, filters)


async def test_what_monitorings_pages_seek_and_how_they_order_it_goes_into_their_files(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("monitoring", stack, database, tmp_path, monkeypatch) as service:
        await fill_monitoring(service.database.pool)
        await service.database.pool.execute("UPDATE issues SET due_at = now() - interval '1 day' WHERE unit_id = ANY ($1)", [MINE, OTHER])
        await service.database.pool.execute("UPDATE issues SET due_at = now() + interval '1 day' WHERE unit_id = $1", BELOW)
        await service.database.pool.execute("UPDATE lights SET light = 'yellow' WHERE unit_id = $1", MINE)
        await service.database.pool.execute("UPDATE supervision_lists SET released_at = now() WHERE unit_id = $1", BELOW)
        await service.database.pool.execute("UPDATE issues SET has_case = true")
        await service.database.pool.execute("UPDATE unit_copies SET light = 'red' WHERE id = $1", BELOW)
        await service.database.pool.execute("UPDATE freeze_orders SET posts = '[]'")  # those of the fill are of no kind
        for name, path, query, filters in (
            ("issues", "/issues", {"late": "true", "sort": "-unit"}, {"late": "true", "sort": "-unit"}),
            ("issues", "/issues", {"unit": str(MINE), "below": "false"}, {"unit": str(MINE), "below": "false"}),
            ("issues", "/issues", {"q": "u-2", "sort": "due"}, {"q": "u-2", "sort": "due"}),
            ("lights", "/lights/matrix", {"name": "U-3"}, {"q": "U-3"}),
            ("lights", "/lights/matrix", {"color": "red"}, {"light": "red"}),
            ("freezes", "/freeze-orders", {"q": "u-3"}, {"q": "u-3"}),
            ("freezes", "/freeze-orders", {"sort": "-unit"}, {"sort": "-unit"}),
            ("supervision", "/supervision-lists", {"standing": "awaiting_seal"}, {"standing": "awaiting_seal"}),
            ("supervision", "/supervision-lists", {"q": "2号"}, {"q": "2号"}),
            ("supervision", "/supervision-lists", {"sort": "-unit"}, {"sort": "-unit"}),
            ("supervision", "/supervision-lists", {"unit": str(MINE), "below": "false"}, {"unit": str(MINE), "below": "false"}),
            ("freezes", "/freeze-orders", {"unit": str(MINE), "below": "false"}, {"unit": str(MINE), "below": "false"}),
            *(("work", "/tasks", asked, asked) for asked in ({"q": "u-2", "tab": "todo"}, {"tab": "todo", "sort": "-unit"})),
            ("work", "/tasks", {"tab": "todo", "light": "red", "type": "issue"}, {"tab": "todo", "light": "red", "type": "issue"}),
        ):
            await as_page_and_as_file(service, Role.SUPERVISION_OFFICER, name, (path, query), filters)


async def test_a_tab_of_the_work_list_goes_into_its_file(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("approval", stack, database, tmp_path, monkeypatch) as service:
        await fill_approval(service.database.pool)
        pool = service.database.pool
        await pool.execute("UPDATE applications SET holder = 'business_officer' WHERE unit_id = ANY ($1)", [MINE, BELOW])
        await pool.execute("UPDATE applications SET applicant = 'business_officer-user' WHERE unit_id = $1", OTHER)
        await pool.execute("UPDATE unit_copies SET light = 'red' WHERE id = $1", BELOW)
        for asked in (
            {"tab": "todo", "sort": "-unit"},
            {"tab": "todo", "q": "1号"},
            {"tab": "todo", "light": "red"},
            {"tab": "started"},
        ):
            await as_page_and_as_file(service, Role.BUSINESS_OFFICER, "applications", ("/tasks", asked), asked)
        everything = await service.take("applications", Role.BUSINESS_OFFICER)

    assert len(everything.records()) == len(PATHS)


async def test_reportings_sums_are_those_of_its_page(
    stack: Place, database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running("reporting", stack, database, tmp_path, monkeypatch) as service:
        for unit, quota in ((MINE, 3), (BELOW, 5), (OTHER, 7)):
            await service.database.pool.execute(
                "INSERT INTO units (generation, id, path, name, code, category, category_label, last_event_at)"
                " VALUES (1, $1, $2, $3, $3, $4, $5, now())",
                *(unit, PATHS[unit], CODES[unit], *(("XZ-1", "") if unit == OTHER else ("SY-1", "公益一类" if unit == BELOW else ""))),
            )
            await service.database.pool.execute(
                "INSERT INTO establishments (generation, unit_id, kind, funding, counted, quota, headcount, reserved, frozen, kind_label,"
                " funding_label) VALUES (1, $1, 'SY', 'full', true, $2, 4, 0, 0, '事业编制', '全额拨款')",
                *(unit, quota),
            )
        for name, group in (("distribution", {"group": "category"}), ("saturation", {})):
            for units in (None, (MINE,)):
                records = (await service.take(name, units=units, filters=group)).records()
                headers = service.doors.as_(Role.BUSINESS_OFFICER, units=units)
                page = (await service.doors.http.get(f"/figures/{name}", params=group, headers=headers)).json()
                shown = [*page["items"], *page["totals"]]
                figures = {"编制数": "quota", "实有数": "headcount", "空编": "vacancy", "超编": "overstaffing", "使用率": "saturation"}
                assert [[record[label] for label in figures] for record in records] == [
                    [line[figure] for figure in figures.values()] for line in shown
                ]
        [*_, groups] = (await service.take("distribution", filters={"group": "kind"})).records()
        named = [
            [record["名称"] for record in (await service.take("distribution", filters={"group": "category"} | sort)).records()[:2]]
            for sort in ({}, {"sort": "quota"})
        ]
        parents = (await service.take("distribution", filters={"group": "parent"})).records()
    assert records[-1]["编制数"] == 8
    assert (records[-1]["编制类型"], records[-1]["经费形式"], groups["名称"]) == ("编制合计", "", "编制合计"), "a sum is of no one kind"
    assert named == [["公益一类", "XZ-1"], ["XZ-1", "公益一类"]], (
        "by its posts, unless another order is asked for; told by a code where no event has named it"
    )
    assert {record["代码"] for record in parents} == {"U-1", "U-2", "U-3", "合计"}, "a unit is told by its code"
