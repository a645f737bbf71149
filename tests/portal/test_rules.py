"""What the portal decides by itself: where a browser may be sent, which requests are its own, how things are drawn and written."""

import re
from typing import Any

import pytest

from services.portal.queries.templates import FOLDER
from services.portal.rules import areas, drawing, merging, paths, written


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", None, "/a\nb", "/a b", "\\\\evil", "/x\\y"],
)
def test_a_browser_is_sent_to_no_other_house(path: str | None) -> None:
    assert paths.own(path) == "/"


def test_a_path_of_ours_is_kept() -> None:
    assert paths.own("/tasks?tab=done&q=%E6%95%99") == "/tasks?tab=done&q=%E6%95%99"


@pytest.mark.parametrize(
    ("origin", "site", "ours"),
    [
        ("https://a", "same-origin", True),
        ("https://a", None, True),
        (None, "same-origin", True),
        (None, None, False),
        ("https://b", None, False),
        ("null", None, False),
        ("https://a", "cross-site", False),
        ("https://a", "same-site", False),
        (None, "none", False),
        ("https://a.evil", None, False),
    ],
)
def test_what_changes_something_comes_from_our_own_pages(origin: str | None, site: str | None, ours: bool) -> None:
    assert paths.is_own_request("POST", "a", origin, site) is ours
    assert paths.is_own_request("GET", "a", origin, site)


def test_days_instants_and_numbers_have_one_form() -> None:
    assert written.day("2026-11-25T18:30:00Z") == written.day("2026-11-26") == "2026-11-26"
    assert written.moment("2026-11-25T01:30:00+00:00") == "2026-11-25 09:30"
    assert (written.number(27723), written.percent(0.9871), written.label("red")) == ("27,723", "98.7%", "红灯")
    assert {written.day(None), written.moment(None), written.number(None), written.percent(None), written.label(None)} == {"—"}


def test_a_deadline_bar_leaves_rest_days_out_and_shows_pauses() -> None:
    verdicts = ["counted", "rest_day", "paused", "counted", "counted"]
    cells = drawing.bar([{"day": f"2026-09-{number}", "verdict": each} for number, each in enumerate(verdicts, 21)], used=2)

    assert [cell.kind for cell in cells] == ["used", "paused", "used", "left"]
    assert [cell.x for cell in cells] == [0, 25, 50, 75]
    assert drawing.bar([], 0) == ()


def test_a_share_never_leaves_its_bar() -> None:
    assert [drawing.share(*each) for each in ((1, 4), (9, 4), (-1, 4), (1, 0))] == [25.0, 100.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("path", "area"),
    [("/", "/"), ("/tasks", "/tasks"), ("/applications/x", "/tasks"), ("/applications/new/y", "/applications/new"), ("/me", "")],
)
def test_a_page_belongs_to_one_area(path: str, area: str) -> None:
    assert areas.here(path) == area


def test_two_lists_are_one_and_go_on_where_each_ended() -> None:
    first: dict[str, Any] = {"items": [{"id": each, "due_at": f"2026-09-{each}"} for each in ("18", "21", "30")], "next": "30"}
    second: dict[str, Any] = {"items": [{"id": each, "due_at": due} for each, due in (("a", "2026-09-20"), ("b", None))], "next": None}
    start = merging.cursors("", ("one", "two"))
    page = merging.merged({"one": first, "two": second}, start, "due", 3)
    rest = merging.merged(
        {"one": {"items": [first["items"][2]], "next": None}, "two": {"items": [second["items"][1]], "next": None}},
        merging.cursors(page.next, ("one", "two")),
        "due",
        3,
    )

    assert ([each["id"] for each in page.items], page.next) == (["18", "a", "21"], "21~a")
    assert ([each["id"] for each in rest.items], rest.next) == (["30", "b"], "")
    assert merging.cursors("nonsense", ("one", "two")) == start


def test_a_line_that_brings_its_own_cursor_is_gone_on_behind_by_it() -> None:
    items = [{"id": name, "due_at": "2026-12-03", "cursor": f"behind-{name}"} for name in ("a", "b")]
    page = merging.merged({"one": {"items": items, "next": None}, "two": {"items": [], "next": None}}, {"one": "", "two": "z"}, "due", 1)

    assert page.next == "behind-a~z"


def test_the_other_way_round_too_and_one_list_alone() -> None:
    lists: dict[str, Any] = {
        "one": {"items": [{"id": "c", "unit": "丙"}, {"id": "a", "unit": "甲"}], "next": "x"},
        "two": {"items": [], "next": None},
    }
    page = merging.merged(lists, {"one": "", "two": "z"}, "-unit", 1)

    assert ([each["id"] for each in page.items], page.next) == (["c"], "c~z")


def test_a_field_that_is_wrong_is_called_as_its_form_calls_it_and_never_by_its_code() -> None:
    asks = re.compile(r'(?:field|choice|boxes)\("([a-z_]+)", ?"')
    asked = {name for file in FOLDER.rglob("*.html") for name in asks.findall(file.read_text(encoding="utf-8"))}
    called = {name: written.field_name(name) for name in asked}

    assert len(asked) > 40
    assert {name: words for name, words in called.items() if words.isascii() or words == written.FIELD} == {}
    assert [written.field_name(each) for each in ("body.started_on", "posts.0.count", "整改要求")] == ["到岗日期", "用编数", "整改要求"]
    assert written.field_name("contract_until") == "内容"
