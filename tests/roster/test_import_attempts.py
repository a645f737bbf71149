"""A check and a writing that are cancelled, repeated, or made by two at once: nothing is doubled, nothing left out."""

import asyncio
from types import NoneType
from typing import Any

import asyncpg
import pytest

from deploy.city.invented import Inventor
from services.roster.commands import import_checks
from services.roster.commands.brought import IMPORTED
from services.roster.commands.import_checks import check_import
from services.roster.commands.import_gathered import Check
from services.roster.commands.import_rows import Gathering
from services.roster.commands.import_writes import AT_ONCE, apply_import
from services.roster.commands.imports import begin_applying, cancel_import, forget_import
from services.roster.models.imports import (
    NOT_LENT,
    BeginApplying,
    BorrowerNotWritten,
    CancelImport,
    FileForgotten,
    ImportOver,
    ImportState,
    NotChecked,
    Superseded,
)
from tests.imports.rows import NUMBERS, USCC, person
from tests.roster import given
from tests.roster.importing import Office, two_units, with_posts

pytestmark = pytest.mark.asyncio


async def test_a_cancelled_check_writes_nothing_more_and_a_repeated_one_begins_anew(office: Office) -> None:
    cancelled, repeated = [await office.bring("roster", {"单位": [with_posts()], "人员": [person(0)]}) for _ in range(2)]
    await cancel_import(office.database, given.by(None), CancelImport(import_id=cancelled))
    await check_import(office.database, given.CIPHER, office.clock, cancelled)
    both = (check_import(office.database, given.CIPHER, office.clock, repeated) for _ in range(2))
    ends = await asyncio.gather(*both, return_exceptions=True)

    assert {type(end) for end in ends} <= {NoneType, Superseded}
    assert (await office.view(cancelled)).state == ImportState.CANCELLED
    told = await office.database.pool.fetch("SELECT type, body FROM outbox WHERE type LIKE 'update:%'")
    assert [(each["type"], str(cancelled) in bytes(each["body"]).decode()) for each in told] == [("update:cancel_import", True)]
    view = await office.view(repeated)
    assert (view.state, view.sheets["roster"].added) == (ImportState.CHECKED, 1)
    with pytest.raises(ImportOver):
        await cancel_import(office.database, given.by(None), CancelImport(import_id=cancelled))
    with pytest.raises(NotChecked):
        await begin_applying(office.database, given.by(None), BeginApplying(import_id=cancelled))


async def test_a_check_that_another_attempt_took_over_fails_and_the_next_one_checks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = await office.bring("roster", {"单位": [with_posts()], "人员": [person(0)]})
    prepared = import_checks._prepare

    async def overtaken(*asked: Any) -> Check:
        await office.database.pool.execute("UPDATE imports SET attempt = attempt + 1 WHERE id = $1", brought)
        return await prepared(*asked)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(import_checks, "_prepare", overtaken)
        with pytest.raises(Superseded):
            await check_import(office.database, given.CIPHER, office.clock, brought)
    await check_import(office.database, given.CIPHER, office.clock, brought)

    view = await office.view(brought)
    assert (view.state, view.sheets["roster"].added) == (ImportState.CHECKED, 1)


async def test_a_file_that_two_brought_before_either_was_written_changes_nothing_the_second_time(office: Office) -> None:
    document = {"单位": "甲单位", "批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"}
    file = {
        "单位": [with_posts()],
        "领导职数": [document | {"职务层次": "单位正职", "核定职数": 1}],
        "人员": [person(0, 借出单位="外市某局", 借调开始="2026-01-01", 借调到期="2026-12-31")],
    }
    first, second = await office.check("roster", file), await office.check("roster", file)

    written = [await office.apply(first), await office.apply(second)]

    assert [(each.written["quotas"], each.written["seats"], each.written["persons"]) for each in written] == [(1, 1, 1), (0, 0, 0)]
    assert (await office.refused(written[1]), [each for each in await office.said(written[1]) if "未登记" in each[3]]) == ([], [])
    assert [each.written["already"] for each in written] == [0, 1]
    assert await office.database.pool.fetchval("SELECT count(*) FROM quotas") == 1
    assert await office.database.pool.fetchval("SELECT count(*) FROM seats") == 1


async def test_changes_that_two_brought_before_either_was_written_are_refused_to_neither(office: Office) -> None:
    await two_units(office)
    file = {"单位": [with_posts(单位简称="甲", 内设机构="办公室")], "人员": [person(1, 单位="乙单位", 学历="硕士研究生毕业")]}
    views = [await office.check("roster", file) for _ in range(2)]

    written = [await office.apply(view) for view in views]

    assert [await office.refused(each) for each in written] == [[], []]
    assert [(each.written["changed"], each.written["already"]) for each in written] == [(2, 0), (0, 2)]


async def test_what_two_write_at_once_of_one_file_is_refused_to_neither(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new unit, one that is there and gets somebody, and one of whom something changes."""
    await two_units(office)
    file = {
        "单位": [with_posts(单位名称="新单位", 统一社会信用代码=USCC[2]), with_posts(单位简称="甲")],
        "人员": [person(2, 单位="新单位"), person(3), person(1, 单位="乙单位", 学历="硕士研究生毕业")],
    }
    views = [await office.check("roster", file) for _ in range(2)]
    both_have_gathered(monkeypatch)

    written = await asyncio.gather(*(office.apply(view) for view in views))

    assert [await office.refused(each) for each in written] == [[], []]
    assert sorted((each.written["units"], each.written["persons"], each.written["changed"]) for each in written) == [(0, 0, 0), (1, 2, 2)]
    assert sorted(each.written["already"] for each in written) == [0, 3]
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 4


async def test_one_new_unit_that_two_write_at_once_is_refused_to_neither(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a block of its own: nothing but a second look tells that it stands."""
    file = {"单位": [with_posts()], "人员": [person(0)]}
    views = [await office.check("roster", file) for _ in range(2)]
    both_have_gathered(monkeypatch)

    written = await asyncio.gather(*(office.apply(view) for view in views))

    assert [await office.refused(each) for each in written] == [[], []]
    assert sorted((each.written["units"], each.written["already"]) for each in written) == [(0, 1), (1, 0)]


async def test_what_two_change_at_once_is_changed_and_recorded_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is refused the second time: only who looks again sees that it stands."""
    await two_units(office)
    people = [person(0, 学历="硕士研究生毕业"), person(1, 单位="乙单位", 籍贯="某地", 所在内设机构="办公室")]
    views = [await office.check("roster", people) for _ in range(2)]
    both_have_gathered(monkeypatch)

    written = await asyncio.gather(*(office.apply(view) for view in views))

    assert [await office.refused(each) for each in written] == [[], []]
    assert sorted((each.written["changed"], each.written["already"]) for each in written) == [(0, 2), (2, 0)]
    assert await office.database.pool.fetchval("SELECT count(*) FROM person_records WHERE NOT upper_inf(recorded)") == 2
    assert await office.database.pool.fetchval("SELECT count(*) FROM post_changes") == 1


@pytest.mark.parametrize(
    ("kind", "first", "later"),
    [
        ("quotas", {}, {"编制类型": "事业编制", "经费形式": "全额拨款", "编制数": 9}),
        ("seats", {"职务层次": "单位正职", "核定职数": 1}, {"职务层次": "单位正职", "核定职数": 2}),
    ],
)
async def test_a_number_that_two_change_at_once_is_recorded_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, kind: str, first: dict[str, Any], later: dict[str, Any]
) -> None:
    await two_units(office)
    of, on = (
        {"单位": "甲单位", "批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"},
        {"批准文号": "测编〔2026〕9号", "批准日期": "2026-05-01"},
    )
    if first:
        await office.write(kind, [of | first])
    views = [await office.check(kind, [of | later | on]) for _ in range(2)]
    both_have_gathered(monkeypatch)

    written = await asyncio.gather(*(office.apply(view) for view in views))

    assert [await office.refused(each) for each in written] == [[], []]
    assert sorted((each.written[kind], each.written["already"]) for each in written) == [(0, 1), (1, 0)]


def both_have_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of two imports writes before both have looked at what stands."""
    gathered, looked, met = Gathering.units, set(), asyncio.Barrier(2)

    async def together(self: Gathering, *asked: Any) -> Any:
        found = await gathered(self, *asked)
        if self.job.id not in looked:
            looked.add(self.job.id)
            await met.wait()
        return found

    monkeypatch.setattr(Gathering, "units", together)


async def test_a_cancelled_writing_leaves_whole_units(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    people = [person(place, 单位=f"单位{place // 2}") for place in range(8)]
    view = await office.check("roster", {"单位": units, "人员": people})
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    gathered, seen = Gathering.units, set[str]()

    async def cancelled_meanwhile(*asked: Any) -> Any:
        await cancel_import(office.database, given.by(None), CancelImport(import_id=view.id))
        seen.add((await office.view(view.id)).state)
        return await gathered(*asked)

    monkeypatch.setattr(Gathering, "units", cancelled_meanwhile)
    await apply_import(office.database, given.CIPHER, office.clock, view.id, 4)

    done = await office.view(view.id)
    there = await office.database.pool.fetch("SELECT count(*) AS people FROM units JOIN placements ON unit_id = units.id GROUP BY units.id")
    assert (seen, done.state) == ({ImportState.APPLYING}, ImportState.CANCELLED)
    assert 1 <= done.units_done <= AT_ONCE < len(units)
    assert [row["people"] for row in there] == [2] * done.units_done


async def test_a_cancelled_writing_ends_whoever_of_the_writers_hears_of_it_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one about to take the upper unit hears of it, the other one, who needs that unit, was told before that nobody cancels."""
    upper, lower = with_posts(单位名称="上单位"), with_posts(单位名称="下单位", 统一社会信用代码=USCC[1], 主管部门="上单位")
    file = {"单位": [lower, upper], "人员": [person(0, 单位="上单位"), person(1, 单位="下单位")]}
    view = await office.check("roster", file)
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    asked_after: list[asyncio.Event] = []
    fetchval = asyncpg.Pool.fetchval

    async def first_is_told_last(pool: Any, query: str, *args: Any, **more: Any) -> Any:
        if "cancel_asked" not in query:
            return await fetchval(pool, query, *args, **more)
        asked_after.append(asyncio.Event())
        if len(asked_after) == 1:
            await asked_after[0].wait()
            await cancel_import(office.database, given.by(None), CancelImport(import_id=view.id))
        told = await fetchval(pool, query, *args, **more)
        asked_after[0].set()
        return told

    monkeypatch.setattr(asyncpg.Pool, "fetchval", first_is_told_last)
    async with asyncio.timeout(30):
        await apply_import(office.database, given.CIPHER, office.clock, view.id, 1)

    done, again = await office.view(view.id), await office.write("roster", file)
    assert (done.state, done.units_done, done.units_total) == (ImportState.CANCELLED, 1, 2)
    assert (again.state, again.written["units"], again.written["persons"]) == (ImportState.APPLIED, 1, 1)


async def test_a_loan_to_a_unit_that_a_cancelled_writing_left_out_comes_with_the_same_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [with_posts(单位名称=f"{name}单位", 统一社会信用代码=code) for name, code in zip("甲乙丙", USCC, strict=False)]
    lent = {"借出单位": "丙单位", "借调开始": "2026-03-01", "借调到期": "2027-02-28", "借调文号": "测借〔2026〕1号"}
    file = {"单位": units, "人员": [person(0, **lent), person(1, 单位="乙单位"), person(2, 单位="丙单位")]}
    view = await office.check("roster", file)
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    gathered = Gathering.units

    async def cancelled_meanwhile(*asked: Any) -> Any:
        await cancel_import(office.database, given.by(None), CancelImport(import_id=view.id))
        return await gathered(*asked)

    with monkeypatch.context() as patched:
        patched.setattr(Gathering, "units", cancelled_meanwhile)
        await apply_import(office.database, given.CIPHER, office.clock, view.id, 1)
    cancelled, told = await office.view(view.id), await office.said(view)

    again = await office.write("roster", file)

    left = len(units) - cancelled.units_done  # the second writer hears of it before or after it has taken its first unit
    assert (cancelled.state, cancelled.written["loans"]) == (ImportState.CANCELLED, 0)
    assert left in {1, 2}
    assert told == [("人员", 2, "借出单位", f"{NOT_LENT}{BorrowerNotWritten(borrower='丙单位')}")]
    assert (again.written["units"], again.written["persons"], again.written["loans"]) == (left, left, 1)
    assert await office.database.pool.fetchval("SELECT borrower_id FROM secondments") == await office.unit_id("丙单位")


async def test_a_loan_to_a_unit_that_is_refused_at_the_writing_waits_for_it(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])]
    lent = {"借出单位": "乙单位", "借调开始": "2026-03-01", "借调到期": "2027-02-28", "借调文号": "测借〔2026〕1号"}
    view = await office.check("roster", {"单位": units, "人员": [person(0, **lent), person(1, 单位="乙单位")]})
    other = with_posts(单位名称="别的单位", 统一社会信用代码=Inventor(9).uscc("12"))
    await office.write("roster", {"单位": [other], "人员": [person(1, 单位="别的单位")]})

    done = await office.apply(view)

    assert [name for name, _ in await office.refused(view)] == ["乙单位"]
    assert (done.written["persons"], done.written["loans"], done.warnings) == (1, 0, 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM secondments") == 0


async def test_writing_again_from_the_middle_doubles_nothing(office: Office) -> None:
    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    await office.database.pool.execute("UPDATE imports SET state = $2 WHERE id = $1", view.id, ImportState.APPLYING)

    await apply_import(office.database, given.CIPHER, office.clock, view.id)

    assert await office.refused(view) == []
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 1
    assert await office.database.pool.fetchval("SELECT count(*) FROM units") == 1


async def test_a_refused_unit_takes_those_below_it_along_and_no_other_of_its_block(office: Office) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    units[3]["主管部门"] = "单位1"
    people = [person(place, 单位=f"单位{place}") for place in range(4)]
    view = await office.check("roster", {"单位": units, "人员": people})
    other = Inventor(9).uscc("12")
    await office.write("roster", {"单位": [with_posts(单位名称="别的单位", 统一社会信用代码=other)], "人员": [person(1, 单位="别的单位")]})

    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    await apply_import(office.database, given.CIPHER, office.clock, view.id)

    assert [name for name, _ in await office.refused(view)] == ["单位1", "单位3"]
    there = await office.database.pool.fetch("SELECT name, version FROM units ORDER BY name")
    assert {row["name"] for row in there} == {"单位0", "单位2", "别的单位"}
    assert await office.database.pool.fetchval("SELECT count(*) FROM event_log WHERE aggregate_type = 'unit'") == sum(
        row["version"] for row in there
    )


async def test_two_attempts_at_once_double_nothing_and_leave_nothing_out(office: Office) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    view = await office.check("roster", {"单位": units, "人员": [person(place, 单位=f"单位{place // 2}") for place in range(8)]})
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))

    await asyncio.gather(*(apply_import(office.database, given.CIPHER, office.clock, view.id, rows) for rows in (100, 4)))

    done = await office.view(view.id)
    assert (done.state, done.units_done, await office.refused(view)) == (ImportState.APPLIED, 4, [])
    assert await office.database.pool.fetchval("SELECT count(*) FROM units") == 4
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 8


async def test_what_is_kept_of_a_file_is_encrypted_and_gone_after_its_time(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0)]})
    kept = await office.database.pool.fetch(
        "SELECT content AS data FROM import_files UNION ALL SELECT sealed FROM import_rows WHERE sealed IS NOT NULL"
    )
    assert len(kept) == 3
    assert not any(NUMBERS[0].encode() in row["data"] or row["data"][:2] == b"PK" for row in kept)

    await forget_import(office.database, given.by(None), CancelImport(import_id=view.id))

    with pytest.raises(FileForgotten):
        await IMPORTED.opened(office.database, given.CIPHER, view.id)
    assert await office.database.pool.fetchval("SELECT count(*) FROM import_rows WHERE sealed IS NOT NULL OR mark IS NOT NULL") == 0
    assert (await office.view(view.id)).state == ImportState.FORGOTTEN
