"""A comparison as it runs: cancelled, taken over, under a new key, in many chunks."""

from typing import Any

import pytest

from services.roster.commands import comparison_runs
from services.roster.commands.comparison_runs import compare_registers
from services.roster.commands.comparisons import cancel_comparison
from services.roster.commands.keys import renew_all
from services.roster.models.comparisons import ComparisonOver, ComparisonState, OfComparison
from shared.crypto import FieldCipher, KeyRing, Suite, new_key
from shared.exports import running
from tests.imports.rows import NUMBERS
from tests.roster import given
from tests.roster.comparing import NOTHING, Upper, by_name
from tests.roster.importing import book
from tests.roster.test_provincial import FULL

pytestmark = pytest.mark.asyncio


async def test_a_cancelled_comparison_touches_nothing_and_no_register_is_said_to_be_none(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    run_id = await upper.bring()
    await cancel_comparison(upper.database, given.by(), OfComparison(run_id=run_id))
    await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)

    with pytest.raises(ComparisonOver):
        await cancel_comparison(upper.database, given.by(), OfComparison(run_id=run_id))
    assert await upper.differences() == []
    other = await upper.compare(book({"人员信息": [{"姓名": "某", "性别": "1"}]}))
    assert (other.state, "公民身份号码" in other.note) == (ComparisonState.UNREADABLE, True)
    assert ("bianban export provincial" in other.note, "--mapping" in other.note) == (True, False)
    assert await upper.database.pool.fetchval("SELECT count(*) FROM comparison_files") == 0


async def test_a_comparison_that_another_attempt_took_over_fails_and_the_next_one_compares(
    upper: Upper, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, prepared = await upper.bring(), comparison_runs._prepare

    async def overtaken(*asked: Any) -> Any:
        await upper.database.pool.execute("UPDATE comparison_runs SET attempt = attempt + 1 WHERE id = $1", run_id)
        return await prepared(*asked)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(comparison_runs, "_prepare", overtaken)
        with pytest.raises(comparison_runs._Superseded):
            await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)
    await compare_registers(upper.database, given.CIPHER, upper.desk.imports.clock, run_id)

    assert await upper.database.pool.fetchval("SELECT state FROM comparison_runs WHERE id = $1", run_id) == ComparisonState.COMPARED


async def test_under_a_new_key_what_was_found_is_still_known(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["民族"] = "02"
    by_name(upper, "王示例").update({"姓名": "赵示例", "公民身份号码": NUMBERS[3]})
    await upper.compare()
    ring = given.CIPHER.ring.writing_with(new_key(2, Suite.SM4))

    await renew_all(upper.database, FieldCipher(ring), [upper.desk.shelf], lambda _: None)
    upper.cipher = FieldCipher(KeyRing(ring.keys[-1:]))
    view = await upper.compare()

    assert (view.outcome, view.unread) == (NOTHING | {"same": 3}, 0)


async def test_sheets_of_many_chunks_take_turns_on_one_connection(upper: Upper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)

    again = await Upper(upper.desk).copy()

    assert again.sheets == upper.sheets
