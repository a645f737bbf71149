"""What a page tells in a word stands in a list as a word."""

import importlib
import re
from collections.abc import Iterator

import httpx
import pytest

from services.approval.queries.exports import APPLICATIONS
from services.approval.queries.notices import RosterReader
from services.monitoring.queries.exports import FREEZES
from shared.exports.filters import CODE_SETS
from shared.exports.lists import Column, Exports, Eye, Turn
from shared.sheets.writing import Form

LISTS = {name: f"services.{name}.queries.exports" for name in ("identity", "roster", "approval", "monitoring")} | {
    "reporting": "services.reporting.queries"
}
CODED = {
    *CODE_SETS,
    "state",
    "type",
    "application_type",
    "level",
    "light",
    "role",
    "holder",
    "leads",
    "decided",
    "scopes",
    "measure",
    "whom",
}
CODED |= {"led_by", "deed", "outcome", "side", "proposed_by", "actor"}
"""Columns of tables that hold a code of a set or of the glossary."""
BY_A_PERSON = {("roster", name, "actor") for name in ("imports", "comparisons", "reveals", "person_finds")}
"""Nobody else brings a file or asks about a person."""
OF_AN_EDITION = {("monitoring", "supervision", name) for name in ("rule", "matter", "measure")}
AS_THE_OFFICE_CALLS_IT = {("monitoring", "issues", "rule")} | OF_AN_EDITION | BY_A_PERSON
"""M01 beside its title; what was found and what is demanded of a unit are sentences."""


def raw_codes() -> Iterator[tuple[str, str, str]]:
    for service, module in LISTS.items():
        found: Exports = importlib.import_module(module).EXPORTS
        for each in found.lists.values():
            for column in (column for sheet in each.sheets for column in sheet.columns):
                holds = (re.findall(r"\w+", column.sql) or [""])[-1]
                if column.form is Form.TEXT and column.turn is None and holds in CODED:
                    yield service, each.name, column.name


def test_no_column_of_any_list_is_a_bare_code() -> None:
    assert set(raw_codes()) == AS_THE_OFFICE_CALLS_IT


def turned(columns: tuple[Column, ...], name: str, eye: Eye) -> Turn:
    """How a column makes its cells."""
    (turn,) = (column.turn for column in columns if column.name == name)
    assert turn is not None
    return turn(eye)


@pytest.mark.asyncio
async def test_kind_and_funding_of_an_application_are_told_as_the_roster_calls_them_and_as_last_heard_while_it_is_away() -> None:
    codes = {"kinds": [{"code": "SY", "label": "事业编制"}], "fundings": [{"code": "full", "label": "全额拨款"}]}
    answers = [httpx.Response(503), httpx.Response(200, json=codes), httpx.Response(503)]
    transport = httpx.MockTransport(lambda _: answers.pop(0))
    async with httpx.AsyncClient(transport=transport, base_url="http://roster") as client:
        reader = RosterReader(client, lambda: "token")
        eyes = [Eye(dict(await reader.code_words()), None, unmasked=False) for _ in range(3)]

    cells = [[turned(APPLICATIONS, name, eye)(code, None) for name, code in (("kind", "SY"), ("funding", "full"))] for eye in eyes]  # type: ignore[arg-type]
    assert cells == [["SY", "full"], ["事业编制", "全额拨款"], ["事业编制", "全额拨款"]]


def test_who_acted_is_the_system_the_command_line_or_a_person() -> None:
    said = turned(FREEZES, "proposed_by", Eye({}, None, unmasked=False))

    names = ("engine", "service.approval", "migration", "bianban", "supervisor", None)
    assert [said(each, None) for each in names] == ["系统", "系统", "系统", "命令行", "supervisor", None]  # type: ignore[arg-type]
