"""An old register's headers and codes go in by a mapping file, and a mapping that does not fit is told where."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.roster.models.fields import PERSONS
from services.roster.models.imports import MappingFile, MappingWrong
from services.roster.rules.imports.mapping import ensure_fits, translated
from shared.sheets.headers import find
from tests.imports.rows import CHOICES, one, person

OLD = MappingFile.model_validate(
    {
        "columns": {"职工姓名": "姓名", "身份": "", "编别": "编制类型"},
        "codes": {"编制类型": {"全额事业": "事业编制"}},
        "defaults": {"经费形式": "全额拨款", "人员身份": "专业技术人员"},
        "extract": [{"from": "备注", "to": "专业技术职务", "pattern": "职称[:：](?P<value>[^；]+)"}],
    }
)


EXAMPLE = Path(__file__).parents[2] / "docs" / "mapping.example.toml"


@pytest.mark.parametrize("mapping", [OLD, MappingFile.model_validate(tomllib.loads(EXAMPLE.read_text()))], ids=["here", "in docs"])
def test_an_old_register_is_read_by_its_mapping(mapping: MappingFile) -> None:
    row = person(备注="2020年调入；职称：高级教师；党员", 编别="全额事业", 身份="x")
    row["职工姓名"] = row.pop("姓名")
    for gone in ("编制类型", "经费形式", "人员身份"):
        del row[gone]

    ensure_fits(mapping, "roster", [PERSONS], CHOICES)
    judged = one("roster", row, mapping)

    assert judged.problems == []
    assert judged.values["name"] == "测试甲"
    assert (judged.values["kind"], judged.values["funding"], judged.values["identity"]) == ("SY", "full", "professional")
    assert judged.values["professional_title"] == "高级教师"


def test_what_an_old_register_calls_a_unit_is_read_by_its_mapping() -> None:
    mapping = MappingFile.model_validate({"codes": {"单位": {"一小（本部）": "示例市第一小学"}}})

    ensure_fits(mapping, "roster", [PERSONS], CHOICES)

    assert [one("roster", person(单位=unit), mapping).values["unit"] for unit in ("一小 (本部)", "二小")] == ["示例市第一小学", "二小"]


def test_a_filled_column_wins_over_what_is_extracted_and_over_a_default() -> None:
    judged = one("roster", person(专业技术职务="一级教师", 备注="职称：高级教师", 编别="事业编制", 经费形式="财政拨款", 职工姓名="甲"), OLD)

    assert (judged.values["professional_title"], judged.values["funding"]) == ("一级教师", "state")


def test_a_mapping_may_speak_of_a_header_with_its_remark() -> None:
    mapping = MappingFile.model_validate({"columns": {"职级（套改前）": "", "学历（全日制）": "全日制学历", "学历（在职）": ""}})
    row = {"职级（套改前）": "副科级", "职级": "一级主任科员", "学历 (全日制)*": "本科", "学历（在职）": "硕士研究生毕业"}
    how = translated(PERSONS, CHOICES, mapping)

    header = find([(1, [*person(), *row])], [], how.columns, how.own)

    first = len(person())
    assert header is not None
    assert {name: place - first for name, place in header.columns.items() if place >= first} == {"grade": 1, "full_time_education": 2}
    assert (header.unknown, header.doubled) == ({"职级(套改前)": first, "学历(在职)": first + 3}, ())
    judged = one("roster", person(**{"学历（全日制）": "本科", "学历（在职）": "x", "学历": "硕士研究生毕业"}), mapping)
    assert judged.problems == []
    assert {judged.values[name] for name in ("full_time_education", "education")} == {"20", "14"}


def test_studies_of_both_kinds_stand_below_a_merged_title() -> None:
    how = translated(PERSONS, CHOICES, None)
    over = ["姓名", "公民身份号码", "全日制教育", None, "在职教育", None]
    below = [None, None, "学历", "学位", "学历", "学位"]

    header = find([(1, over), (2, below)], [(0, 2, 0, 3), (0, 4, 0, 5)], how.columns)

    assert header is not None
    assert [*header.columns][2:] == ["full_time_education", "full_time_degree", "in_service_education", "in_service_degree"]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"kind": "units"}, "kind 为 units"),
        ({"columns": {"名": "姓 名"}}, "columns 中的“姓 名”不是模板中的名称，是否应为“姓名”"),
        ({"codes": {"编制种类": {}}}, "是否应为“编制类型”"),
        ({"columns": {"来校时间": "入编日期"}}, "是否应为“入编时间”"),
        ({"codes": {"职务": {"x": "科长"}}}, "不能对照"),
        ({"codes": {"编制类型": {"x": "事业"}}}, "可填：行政编制"),
        ({"defaults": {"入编时间": "去年"}}, "defaults 中“入编时间”的值不是日期"),
        ({"extract": [{"from": "备注", "to": "专业技术职务", "pattern": "("}]}, "不是有效的正则表达式"),
        ({"extract": [{"from": "备注", "to": "专业技术职务", "pattern": "x"}]}, "没有"),
        ({"sheets": {"花名册": "名册"}}, "sheets 中的“名册”"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told_where(mapping: dict[str, object], said: str) -> None:
    with pytest.raises(MappingWrong, match=said):
        ensure_fits(MappingFile.model_validate(mapping), "roster", [PERSONS], CHOICES)


def test_a_mapping_has_no_unknown_parts() -> None:
    with pytest.raises(ValidationError):
        MappingFile.model_validate({"column": {}})
