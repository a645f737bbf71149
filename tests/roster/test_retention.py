"""What is kept goes when its time is over; who saw a number in full stays on record."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.roster.commands import import_checks, imports
from services.roster.commands.brought import COMPARED, IMPORTED
from services.roster.commands.comparisons import forget_lost_files, receive_comparison
from services.roster.commands.import_findings import close_check
from services.roster.commands.imports import begin_applying, forget_import, forget_overdue, serve_upkeep
from services.roster.models.comparisons import ComparisonState, ReceiveComparison
from services.roster.models.imports import BeginApplying, CancelImport, FileForgotten, ImportState
from shared.clock import Clock
from shared.db import Database
from shared.glossary import Role
from tests.imports.rows import person
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.importing import Office, with_posts
from tests.roster.test_api import registered

pytestmark = pytest.mark.asyncio
FILE = {"单位": [with_posts()], "人员": [person(0), person(1)]}


class Later(Clock):
    """Days after the tests' day."""

    def __init__(self, days: int) -> None:
        self._days = days

    def now(self) -> object:  # type: ignore[override]
        return given.NOW + timedelta(days=self._days)


async def test_a_file_goes_when_its_time_is_over_though_its_workflow_is_lost(roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    checked, fresh = await office.check("roster", FILE), await office.bring("roster", FILE)
    await roster_db.pool.execute("UPDATE imports SET keep_until = keep_until + interval '30 days' WHERE id = $1", fresh)

    assert await forget_overdue(roster_db, Later(29)) == 0
    assert await forget_overdue(roster_db, Later(31)) == 1
    assert await forget_overdue(roster_db, Later(31)) == 0

    with pytest.raises(FileForgotten):
        await IMPORTED.opened(roster_db, given.CIPHER, checked.id)
    assert (await office.view(checked.id)).state == ImportState.FORGOTTEN
    assert await roster_db.pool.fetchval("SELECT count(*) FROM import_rows WHERE import_id = $1 AND sealed IS NOT NULL", checked.id) == 0
    assert await roster_db.pool.fetchval("SELECT count(*) FROM import_files WHERE import_id = $1", fresh) == 1


async def test_the_file_of_a_comparison_goes_though_its_workflow_is_lost(roster_db: Database) -> None:
    run_id = uuid4()
    what = ReceiveComparison(
        run_id=run_id, file_name="a.xlsx", file_bytes=1, file_hash="0", format="2025", leads="2025", pieces=lambda: [b"sealed"]
    )
    await receive_comparison(roster_db, given.by(), what)

    assert await forget_lost_files(roster_db, Later(29), timedelta(days=30)) == 0
    assert await forget_lost_files(roster_db, Later(31), timedelta(days=30)) == 1
    assert await forget_lost_files(roster_db, Later(31), timedelta(days=30)) == 0

    [run] = await roster_db.pool.fetch("SELECT state, note FROM comparison_runs WHERE id = $1", run_id)
    assert (run["state"], run["note"][:8]) == (ComparisonState.CANCELLED, "上传文件保存期满")
    with pytest.raises(FileForgotten):
        await COMPARED.opened(roster_db, given.CIPHER, run_id)


async def test_a_file_that_is_being_written_is_not_taken_away(roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    checked = await office.check("roster", FILE)
    await begin_applying(roster_db, given.by(None), BeginApplying(import_id=checked.id, accept_valid=False))

    assert await forget_overdue(roster_db, Later(31)) == 0


async def test_what_a_check_wrote_after_its_file_had_gone_goes_with_the_next_look(
    roster_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Must fail when each look has the same key: the second would be a repeat of the first, and what was in the file stays for ever."""
    office = Office(roster_db, tmp_path)
    import_id, close = await office.bring("roster", FILE), close_check

    async def overtaken(*told: Any) -> None:
        assert await forget_overdue(roster_db, Later(31)) == 1
        await close(*told)

    monkeypatch.setattr(import_checks, "close_check", overtaken)
    await import_checks.check_import(roster_db, given.CIPHER, office.clock, import_id)
    looks = [await forget_overdue(roster_db, Later(days)) for days in (32, 33)]

    assert looks == [1, 0]
    assert await roster_db.pool.fetchval("SELECT count(*) FROM import_rows WHERE import_id = $1 AND sealed IS NOT NULL", import_id) == 0
    assert (await office.view(import_id)).state == ImportState.FORGOTTEN


async def test_what_was_told_to_be_written_too_late_for_its_workflow_is_forgotten_and_says_so(roster_db: Database, tmp_path: Path) -> None:
    """Must fail when it stays 正在写入 for ever: the retention was over before the workflow heard of it, and nothing is written."""
    office = Office(roster_db, tmp_path)
    told = await office.check("roster", FILE)
    await begin_applying(roster_db, given.by(None), BeginApplying(import_id=told.id, accept_valid=False))

    await forget_import(roster_db, given.by(None), CancelImport(import_id=told.id))

    assert (await office.view(told.id)).state == ImportState.FORGOTTEN


async def test_what_is_out_of_its_retention_is_not_told_to_be_written(roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    checked = await office.check("roster", FILE)
    late = replace(given.by(None), as_of=given.NOW + timedelta(days=31))

    with pytest.raises(FileForgotten):
        await begin_applying(roster_db, late, BeginApplying(import_id=checked.id, accept_valid=False))
    await forget_overdue(roster_db, Later(31))
    with pytest.raises(FileForgotten):
        await begin_applying(roster_db, late, BeginApplying(import_id=checked.id, accept_valid=False))


async def test_what_a_forgotten_file_would_have_changed_is_told_by_its_columns_alone(doors: Doors, office: Office) -> None:
    await office.write("roster", FILE)
    told = await office.check("roster", FILE | {"人员": [person(0, 毕业院校="另一大学")]})

    await forget_import(office.database, given.by(None), CancelImport(import_id=told.id))
    view = (await doors.http.get(f"/imports/{told.id}", headers=doors.office)).json()
    changes = await doors.http.get(f"/imports/{told.id}/changes", headers=doors.office)

    assert (view["state"], view["sheets"]["roster"]["changed"]) == (ImportState.FORGOTTEN, 1)
    (row,) = changes.json()["items"]
    gone = "（已按保存期限删除）"
    assert (row["row"], row["about"], row["changes"]) == (2, gone, [{"column": "毕业院校", "before": gone, "after": gone}])


async def test_the_auditor_sees_who_saw_whose_number_and_why(doors: Doors, roster_db: Database) -> None:
    person_id = await registered(doors, await given.unit(roster_db))
    for reason in ("核对档案原件", "核对户籍证明"):
        await doors.http.post(f"/persons/{person_id}/reveal", json={"reason": reason}, headers=doors.office)
    auditor = doors.as_(Role.AUDIT_ADMIN)
    asked: list[dict[str, str | int]] = [
        {},
        {"person_id": person_id},
        {"actor": "business_officer-user", "limit": 1},
        {"actor": "somebody"},
    ]

    told = [
        [each["reason"] for each in (await doors.http.get("/reveals", params=params, headers=auditor)).json()["items"]] for params in asked
    ]

    both = ["核对户籍证明", "核对档案原件"]
    assert told == [both, both, both[:1], []]
    assert (await doors.http.get("/reveals", headers=doors.office)).status_code == 403
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await roster_db.pool.execute("UPDATE person_reveals SET reason = 'x'")


async def test_the_auditor_reads_names_instead_of_ids_and_no_more_of_a_person_than_surname_and_unit(
    doors: Doors, roster_db: Database
) -> None:
    unit_id, auditor = await given.unit(roster_db), doors.as_(Role.AUDIT_ADMIN)
    person_id = await given.person(roster_db, unit_id)
    name = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()["name"]
    asked = {"unit": [str(unit_id), str(uuid4())], "person": [str(person_id), str(uuid4())]}

    told = await doors.http.get("/names", params=asked, headers=auditor)
    found = [
        (await doors.http.get("/names/units", params={"words": words}, headers=auditor)).json() for words in (name[2:], "没有这样的单位")
    ]
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", unit_id)
    withheld = await doors.http.get("/names", params=asked, headers=auditor)

    assert told.json() == {"units": {str(unit_id): name}, "persons": {str(person_id): {"name": "测＊＊", "unit": name}}}
    assert found == [[{"id": str(unit_id), "name": name}], []]
    assert withheld.json() == {"units": {}, "persons": {}}
    assert [(await doors.http.get(path, params=asked, headers=doors.office)).status_code for path in ("/names", "/names/units")] == [
        403,
        403,
    ]


async def test_one_sweep_that_the_database_refuses_stops_neither_the_others_nor_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SWEEP", 0.0)
    troubles, swept = iter([asyncpg.DiskFullError(), ConnectionRefusedError(), asyncpg.InterfaceError("away")]), 0
    enough = asyncio.Event()

    async def refused() -> int:
        for trouble in troubles:
            raise trouble
        enough.set()
        return 0

    async def counted() -> int:
        nonlocal swept
        swept += 1
        return 1

    upkeep = asyncio.create_task(serve_upkeep(refused, counted))
    await asyncio.wait([upkeep, asyncio.ensure_future(enough.wait())], timeout=10, return_when=asyncio.FIRST_COMPLETED)
    lives = not upkeep.done()
    upkeep.cancel()
    await asyncio.wait([upkeep])

    assert (lives, swept >= 3) == (True, True)
