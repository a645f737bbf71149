"""The main job, end to end, as `make demo` plays it: through the public doors, on real parts, across the holidays."""

import io

import pytest
from rich.console import Console

from deploy.clock import TimeIsReal, advance
from deploy.demo import story
from deploy.demo.stage import Deviation, Stage
from deploy.local.place import Place
from shared.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_story_is_played_to_its_end_and_all_its_checks_hold(whole: Place) -> None:
    told = io.StringIO()

    code = await story.run(whole, Console(file=told, width=200))

    assert code == 0, told.getvalue()
    assert "主线演示完成" in told.getvalue()


async def test_a_deviation_ends_the_story_with_what_was_expected_and_what_was_seen(whole: Place) -> None:
    async with story.stage_of(whole, Console(file=io.StringIO())) as stage:
        with pytest.raises(Deviation, match=r"灯色\n  应为：绿灯\n  实为：红灯"):
            stage.expect("灯色", "绿灯", "红灯")


async def test_production_refuses_to_move_time(whole: Place) -> None:
    production = Place(whole.home, whole.offset, "production")
    now = Clock(whole.clock_file).now()

    with pytest.raises(TimeIsReal):
        await advance(production, now.replace(year=now.year + 1))


async def test_what_nobody_may_do_is_no_step_of_the_story(whole: Place) -> None:
    async with story.stage_of(whole, Console(file=io.StringIO())) as stage:
        with pytest.raises(Deviation, match="拒绝"):
            await _register_as_if_forbidden(stage)


async def _register_as_if_forbidden(stage: Stage) -> None:
    await stage.refused("officer", "登录", "forbidden", "roster", "/loads/check", LOAD)


LOAD = {"name": "甲", "code": "甲", "category": "SY-1", "valid_from": "2020-01-01", "reason": "测试", "document_no": "测"}
