"""`bianban city load` tells what became of the files, and brings no invented city onto a real roster."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from deploy.city import command, files, loading, province
from deploy.city.city import PERSONS, UNITS, city_of
from deploy.doors import Doors
from deploy.local.place import Place, WrongPlace
from deploy.quiet import StillBusy
from services.roster.models.fields import SHEETS

BOOKS = dict.fromkeys(SHEETS, b"")


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path, 0, "production")
    monkeypatch.setattr(Place, "from_environment", lambda: place)
    return place


@pytest.mark.asyncio
@pytest.mark.usefixtures("production")
async def test_the_invented_city_is_not_loaded_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_: Place) -> Any:
        raise AssertionError("a door was opened")

    monkeypatch.setattr(command, "doors_of", opened)
    monkeypatch.setattr(files, "books", lambda _: BOOKS)

    with pytest.raises(WrongPlace, match="生产环境"):
        await command._load(tmp_path, None)


class Imported:
    """Every file is found good; what became of it at the writing is `done`."""

    done: ClassVar[dict[str, Any]] = {}

    def __init__(self, *_: Any) -> None: ...

    async def check(self, *_: Any) -> Any:
        return {"id": "1", "state": "import_checked", "note": "", "sheets": {}, "rows_read": 0, "warnings": 0}

    async def write(self, *_: Any, **__: Any) -> Any:
        return {"written": {}, "refused": [], "state": "import_applied", "state_label": "已写入", "warnings": 0} | self.done

    async def not_lent(self, _: Any, done: Any) -> Any:
        return [{"sheet": "人员", "row": 7, "sentence": "借调未登记：该人员不在本单位。"}] if done["warnings"] else []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("done", "said"),
    [
        ({"state": "import_cancelled", "state_label": "已取消"}, "已取消.*再次运行"),
        ({"refused": [{"name": "望汐市财政局", "sentence": "已开始日常业务。"}]}, "1 个单位未写入.*望汐市财政局：已开始日常业务"),
        ({"warnings": 1}, "1 项借调未登记.*第 7 行"),
    ],
)
async def test_a_load_that_was_cancelled_or_partly_refused_is_no_success(
    done: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "Importing", Imported)
    monkeypatch.setattr(Imported, "done", done)

    with pytest.raises(WrongPlace, match=said):
        await loading.load(cast("Doors", None), "officer", BOOKS, lambda _: None)


def test_a_stack_that_does_not_come_to_rest_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: Any) -> None:
        raise StillBusy("600 秒内没有处理完")

    monkeypatch.setattr(command, "_load", busy)

    with pytest.raises(WrongPlace, match="没有处理完"):
        command.load(tmp_path, user=None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"persons": 5_000}, "单位数和人数不相称"),
        ({"units": 59}, "单位数和人数不相称"),
        ({"day": datetime(2023, 12, 31)}, "日期须在 2024-01-01"),  # noqa: DTZ001  as typer gives it
    ],
)
def test_a_size_or_a_day_that_makes_no_city_is_said_in_a_sentence(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongPlace, match=said):
        command.generate(out=tmp_path / "city", **{"units": UNITS, "persons": PERSONS, "seed": 1, "day": None} | options)


def test_a_province_of_too_few_people_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def filled(*_: Any) -> None:
        raise AssertionError("it was begun")

    monkeypatch.setattr(province, "fill", filled)

    with pytest.raises(WrongPlace, match="单位数和人数不相称"):
        command.load(None, user=None, scale=command.Scale.PROVINCE, units=60_000, persons=2_000)


@pytest.mark.parametrize(("units", "persons"), [(60, 2_500), (124, 2_500), (125, 2_500), (300, 6_000), (1_000, 20_000)])
def test_every_size_that_is_said_to_fit_does(units: int, persons: int) -> None:
    city = city_of(units, persons)

    assert (len(city.rows["units"]), len(city.rows["roster"]) + len(city.rows["offestablishment"])) == (units, persons)


@pytest.mark.parametrize(
    "day", [date(2024, 1, 1), date(2024, 2, 29), date(2024, 8, 17), date(2025, 12, 31), date(2028, 2, 29), date(2039, 12, 31)]
)
def test_every_day_has_its_city(day: date) -> None:
    city = city_of(60, 2_500, today=day)

    assert max(str(cells["established_on"]) for cells in city.rows["units"]) < day.isoformat()
