"""The lists of monitoring that leave the house: issues, lights, freeze orders, and the weekly lists line by line."""

from typing import Any, Literal
from uuid import UUID

import asyncpg

from services.monitoring.models.tasks import Kind, Tab
from services.monitoring.models.words import BY_LADDER, RULE_TITLES, matter_of
from services.monitoring.queries import board, freezes, issues, lists, tasks
from services.monitoring.queries.measures import CORRECTED, told_of
from services.monitoring.queries.settled import UNSETTLED
from services.monitoring.rules.measures import shown_to
from shared import parameter_words
from shared.auth import Who
from shared.db import Connection
from shared.exports.letters import letters_list
from shared.exports.lists import (
    ASKED_AT,
    Column,
    ExportList,
    Eye,
    Filters,
    Sheet,
    Sought,
    Source,
    Turn,
    Words,
    acted,
    all_labelled,
    as_page,
    exports_of,
    flagged,
    labelled,
    sorts_of,
    wall_clock,
)
from shared.exports.trail import trail_list
from shared.glossary import WORK_KINDS, FreezeState, IssueState, Light, Measure
from shared.pages import Parameters, ordered
from shared.sheets.writing import Form
from shared.unit_copies import scope, visible

OPEN = "open"
"""What the page of issues shows by itself: neither baseline nor over."""
_UNIT = (Column("unit_code", "单位编码", "u.code"), Column("unit", "单位", "u.name"))


def issues_source(who: Who, filters: Filters) -> Source:
    """Issues, narrowed and ordered as their page is."""
    put, state = Parameters([scope(who)]), filters.get("state")
    wanted = as_page(issues.Wanted, {**filters, "state": None if state == OPEN else state, "open": state == OPEN})
    rows = (
        f"FROM issues i JOIN unit_copies u ON u.id = i.unit_id WHERE {visible(who)} AND {issues.narrowed(wanted, put, filters[ASKED_AT])}"
    )
    return Source(rows, ordered(wanted.sort, issues.SORTS).by, put)


def work_source(who: Who, filters: Filters) -> Source:
    """Issues, freeze orders and editions as work; of a tab of the work list, what stands in the asker's."""
    put, wanted = tasks.asking(who, filters[ASKED_AT]), as_page(tasks.Wanted, filters)
    in_tab = tasks.TABS[wanted.tab] if "tab" in filters else "true"
    below = f"{put(filters['unit'], 'uuid')} = ANY(u.path)" if "unit" in filters else "true"
    rows = f"{tasks.ROWS} WHERE {tasks.told_to(who)} AND {tasks.GIVEN} AND {in_tab} AND {below} AND {tasks.narrowed(wanted, put)}"
    return Source(rows, ordered(wanted.sort, tasks.SORTS).by, put)


WORK = (
    Column("kind", "类别", "m.kind", turn=lambda _: lambda value, __: WORK_KINDS[value]),
    Column("number", "编号", "m.number"),
    *_UNIT,
    Column("title", "事项", "m.title", turn=lambda _: lambda __, row: tasks.title_of(row)),
    Column("state", "状态", "m.state", turn=lambda _: lambda __, row: tasks.state_of(row)),
    Column("light", "单位亮灯", "u.light", turn=labelled),
    Column("holders", "当前办理岗位", "m.holders", turn=all_labelled),
    Column("submitted_at", "提出时间", wall_clock("m.submitted_at"), Form.INSTANT),
    Column("due_at", "期限", wall_clock("m.due_at"), Form.INSTANT),
)


def _title(_: Eye) -> Turn:
    return lambda value, row: value or RULE_TITLES.get(row["rule"], row["rule"])


def _matter(_: Eye) -> Turn:
    """What was found, in a sentence without anybody's name."""

    def turn(inputs: Any, row: asyncpg.Record) -> str:
        return matter_of(row["rule"], inputs)

    return turn


ISSUES = (
    Column("number", "整改编号", "i.number"),
    *_UNIT,
    Column("title", "问题", "i.title", turn=_title),
    Column("rule", "规则", "i.rule"),
    Column("matter", "问题事实", "i.inputs", turn=_matter),
    Column("level", "亮灯", "i.level", turn=labelled),
    Column("state", "状态", "i.state", turn=labelled),
    Column("round", "轮次", "i.round", Form.NUMBER),
    Column("present", "现在仍存在", "i.present", turn=flagged),
    Column("found_at", "发现时间", wall_clock("i.found_at"), Form.INSTANT),
    Column("demand", "整改要求", "i.demand"),
    Column("served_on", "送达日期", "i.served_on", Form.DAY),
    Column("due_at", "整改期限", wall_clock("i.due_at"), Form.INSTANT),
    Column("closed_at", "销号时间", wall_clock("i.closed_at"), Form.INSTANT),
    Column("closing_document_no", "销号文号", "i.closing_document_no"),
)


def lights_source(who: Who, filters: Filters) -> Source:
    """Units with their lights, as the board shows them."""
    unit, name, light, rule = (filters.get(each) for each in ("unit", "q", "light", "rule"))
    return Source(f"{board.ROWS} WHERE {board.chosen_by(who)} AND {board.LIT_BY}", board.PLACE, (scope(who), unit, name, None, light, rule))


LIGHTS = (
    *_UNIT,
    Column("light", "亮灯", "coalesce(l.light, 'green')", turn=labelled),
    Column("since", "自", wall_clock("l.changed_at"), Form.INSTANT),
    Column(
        "open_issues",
        "未销号问题",
        f"(SELECT count(*) FROM issues i WHERE i.unit_id = u.id AND i.{UNSETTLED})::integer",
        Form.NUMBER,
    ),
)


def freezes_source(who: Who, filters: Filters) -> Source:
    """Freeze orders, narrowed and ordered as their page is."""
    put, wanted = Parameters([scope(who)]), as_page(freezes.Wanted, filters)
    rows = f"FROM freeze_orders o JOIN unit_copies u ON u.id = o.unit_id WHERE {freezes.told_to(who)} AND {freezes.narrowed(wanted, put)}"
    return Source(rows, ordered(wanted.sort, freezes.SORTS).by, put)


FREEZES = (
    *_UNIT,
    Column("scopes", "冻结范围", "o.scopes", turn=all_labelled),
    Column(
        "posts", "冻结编制数", "(SELECT sum((each ->> 'posts')::integer) FROM jsonb_array_elements(o.posts) AS each)::integer", Form.NUMBER
    ),
    Column("state", "状态", "o.state", turn=labelled),
    Column("reason", "事由", "o.reason", turn=lambda _: lambda value, __: value or BY_LADDER),
    Column("proposed_by", "提出", "o.proposed_by", turn=acted),
    Column("proposed_at", "提出时间", wall_clock("o.proposed_at"), Form.INSTANT),
    Column("document_no", "冻结文号", "o.document_no"),
    Column("decided_by", "决定人", "o.decided_by"),
    Column("decided_at", "决定时间", wall_clock("o.decided_at"), Form.INSTANT),
    Column("release_document_no", "解冻文号", "o.release_document_no"),
    Column("released_by", "解冻人", "o.released_by"),
    Column("released_at", "解冻时间", wall_clock("o.released_at"), Form.INSTANT),
    Column("order", "冻结单编号", "o.id::text"),
)


def supervision_source(who: Who, filters: Filters) -> Source:
    """Every line of every edition, as it was issued."""
    put, wanted = Parameters([scope(who)]), as_page(lists.Wanted, filters)
    rows = f"""
        FROM supervision_lists l JOIN unit_copies u ON u.id = l.unit_id JOIN supervision_lines i ON i.list_id = l.id
        WHERE {lists.told_to(who)} AND {lists.narrowed(wanted, put)}
    """
    return Source(rows, f"{ordered(wanted.sort, lists.SORTS).by}, i.line_no", put)


SUPERVISION = (
    Column("number", "清单编号", "l.number"),
    *_UNIT,
    Column("iso_week", "周次", "l.iso_week"),
    Column("issued_at", "应发时间", wall_clock("l.issued_at"), Form.INSTANT),
    Column("made_at", "生成时间", wall_clock("l.made_at"), Form.INSTANT),
    Column("line_no", "序号", "i.line_no", Form.NUMBER),
    Column("kind", "类别", "i.kind", turn=labelled),
    Column("rule", "规则", "i.rule"),
    Column("level", "亮灯", "i.level", turn=labelled),
    Column("state", "状态", "i.state", turn=labelled),
    Column("matter", "督办事项", "i.matter"),
    Column("document_no", "整改编号", "i.document_no"),
    Column("measure", "整改要求", "i.measure"),
    Column("found_on", "发现日期", "i.found_on", Form.DAY),
    Column("due_at", "整改期限", wall_clock("i.due_at"), Form.INSTANT),
    Column("remaining", "剩余工作日", "i.remaining", Form.NUMBER),
    Column("released_at", "用印时间", wall_clock("l.released_at"), Form.INSTANT),
    Column("sealed_at", "签章时间", wall_clock("l.sealed_at"), Form.INSTANT),
    Column("acknowledged_by", "签收人", "l.acknowledged_by"),
    Column("acknowledged_at", "签收时间", wall_clock("l.acknowledged_at"), Form.INSTANT),
)


def measures_source(who: Who, filters: Filters) -> Source:
    """What was done beyond the notices, the latest first."""
    put = Parameters([scope(who)])
    below = f"{put(filters['unit'], 'uuid')} = ANY(u.path)" if "unit" in filters else "true"
    kind = f"m.measure = {put(filters['measure'], 'text')}" if "measure" in filters else "true"
    known = put(shown_to(who.roles), "text[]")
    kind += f" AND m.measure = ANY({known})"
    rows = "FROM measures m JOIN issues i ON i.id = m.issue_id JOIN unit_copies u ON u.id = i.unit_id"
    rows += f" {CORRECTED} LEFT JOIN LATERAL (SELECT {told_of(known)}) AS told ON true WHERE {visible(who)} AND {below} AND {kind}"
    return Source(rows, "m.taken_on DESC, m.id DESC", put)


MEASURES = (
    *_UNIT,
    Column("number", "整改编号", "i.number"),
    Column("title", "问题", "i.title", turn=_title),
    Column("round", "轮次", "m.round", Form.NUMBER),
    Column("measure", "措施", "m.measure", turn=labelled),
    Column("whom", "约谈对象或接收部门", "m.whom", turn=labelled),
    Column("led_by", "约谈人", "m.led_by", turn=labelled),
    Column("taken_on", "日期", "m.taken_on", Form.DAY),
    Column("document_no", "文号", "m.document_no"),
    Column("summary", "情况", "m.summary"),
    Column("recorded_by", "登记人", "m.recorded_by"),
    Column("recorded_at", "登记时间", wall_clock("m.recorded_at"), Form.INSTANT),
    Column("corrected", "已更正（原登记作废）", "c.measure_id IS NOT NULL", turn=flagged),
    Column("corrected_why", "更正理由", "told.corrected_why"),
    Column("corrected_by", "更正人", "c.corrected_by"),
    Column("corrected_at", "更正时间", wall_clock("c.corrected_at"), Form.INSTANT),
    Column("measure_id", "登记编号", "m.id::text"),
    Column("instead_id", "更正后的登记编号", "told.instead_id::text"),
)


def parameters_source(_: Who, __: Filters) -> Source:
    """Every version of every parameter, the newest first."""
    return Source("FROM parameters p", "p.rule, p.name, p.version DESC", ())


def _in_words(_: Eye) -> Turn:
    return lambda value, row: parameter_words.reads(row["name"], value)


def _of_rule(_: Eye) -> Turn:
    return lambda value, _: parameter_words.GROUPS.get(value, value)


def _called(_: Eye) -> Turn:
    return lambda value, _: parameter_words.NAMES.get(value, value)


PARAMETERS = (
    Column("rule", "规则", "p.rule", turn=_of_rule),
    Column("title", "参数", "p.name", turn=_called),
    Column("value", "值", "p.value", turn=_in_words),
    Column("version", "版本", "p.version", Form.NUMBER),
    Column("effective_on", "生效日期", "p.effective_on", Form.DAY),
    Column("source", "依据", "p.source"),
    Column("owner", "责任科室", "p.owner"),
    Column("recorded_at", "记录时间", wall_clock("p.recorded_at"), Form.INSTANT),
    Column("recorded_by", "记录人", "p.recorded_by"),
)


async def _words(_: Connection) -> Words:
    return {"rules": RULE_TITLES}


_READ = "lights.read"
EXPORTS = exports_of(
    ExportList(
        "work",
        "监督事项办理清单",
        _READ,
        [Sheet("事项", WORK, work_source, "m.kind, m.title, m.state, m.rule, m.scopes")],
        {
            "unit": UUID,
            "tab": Tab,
            "type": Kind,
            "state": IssueState | FreezeState | lists.Standing,
            "light": Light,
            "q": Sought,
            "sort": sorts_of(tasks.SORTS),
        },
    ),
    ExportList(
        "issues",
        "问题清单",
        _READ,
        [Sheet("问题", ISSUES, issues_source, "i.rule")],
        {
            "unit": UUID,
            "below": bool,
            "state": IssueState | Literal["open"],
            "rule": str,
            "level": Light,
            "late": bool,
            "q": Sought,
            "sort": sorts_of(issues.SORTS),
        },
    ),
    ExportList(
        "lights", "亮灯清单", _READ, [Sheet("亮灯", LIGHTS, lights_source)], {"unit": UUID, "light": Light, "rule": str, "q": Sought}
    ),
    ExportList(
        "freezes",
        "冻结清单",
        _READ,
        [Sheet("冻结", FREEZES, freezes_source)],
        {"unit": UUID, "below": bool, "state": FreezeState, "q": Sought, "sort": sorts_of(freezes.SORTS)},
    ),
    ExportList(
        "supervision",
        "督办清单",
        _READ,
        [Sheet("督办", SUPERVISION, supervision_source)],
        {"unit": UUID, "below": bool, "week": lists.Week, "standing": lists.Standing, "q": Sought, "sort": sorts_of(lists.SORTS)},
    ),
    ExportList("measures", "处置措施台账", _READ, [Sheet("措施", MEASURES, measures_source, "i.rule")], {"unit": UUID, "measure": Measure}),
    ExportList("parameters", "规则参数", _READ, [Sheet("规则参数", PARAMETERS, parameters_source, "p.name")]),
    letters_list("monitoring"),
    trail_list("monitoring", lists.REGISTER),
    words=_words,
)
