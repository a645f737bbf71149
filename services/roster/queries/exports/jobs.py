"""Lists of the files that were brought: 导入记录 and 比对记录. Nothing here holds a name or a number of a file."""

from collections.abc import Callable, Mapping
from typing import Any

from services.roster.models import comparisons, imports
from services.roster.models.fields import SHEETS
from services.roster.models.imports import Verdict
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Eye, Filters, Sheet, Source, Turn, wall_clock
from shared.sheets.writing import Form
from shared.unit_copies import scope

_SEEN = "($1::uuid[] IS NULL OR row.actor = $2)"
"""Who sees the whole county sees all, who sees a part his own; as on their pages."""


def imports_source(who: Who, _: Filters) -> Source:
    """The latest first, as on their page."""
    return Source(f"FROM imports AS row WHERE {_SEEN}", "row.id DESC", (scope(who), who.name))


def comparisons_source(who: Who, _: Filters) -> Source:
    """The latest first, as on their page."""
    rows = f"FROM comparison_runs AS row LEFT JOIN units AS root ON root.id = row.root_id WHERE {_SEEN}"
    return Source(rows, "row.id DESC", (scope(who), who.name))


def _state(states: Mapping[Any, str]) -> Callable[[Eye], Turn]:
    return lambda _: lambda value, __: states[value]


def _rows(verdict: Verdict) -> str:
    """How many rows of all sheets were judged so."""
    return f"(SELECT sum((sheet.value ->> '{verdict}')::integer) FROM jsonb_each(row.counts) AS sheet)::integer"


def _outcome(name: str) -> str:
    return f"(row.outcome ->> '{name}')::integer"


IMPORT_COLUMNS = (
    Column("file_name", "文件", "row.file_name"),
    Column("kind", "导入内容", "row.kind", turn=lambda _: lambda value, __: SHEETS[value].title),
    Column("state", "状态", "row.state", turn=_state(imports.STATES)),
    Column("rows_read", "行数", "row.rows_read", Form.NUMBER),
    *(Column(verdict, f"{label}行数", _rows(verdict), Form.NUMBER) for verdict, label in imports.VERDICTS.items()),
    Column("errors", "错误", "row.errors", Form.NUMBER),
    Column("warnings", "提示", "row.warnings", Form.NUMBER),
    Column("units_done", "已写入单位数", "row.units_done", Form.NUMBER),
    Column("units_total", "单位总数", "row.units_total", Form.NUMBER),
    Column("document_no", "文号", "row.document_no"),
    Column("actor", "上传人", "row.actor"),
    Column("received_at", "上传时间", wall_clock("row.received_at"), Form.INSTANT),
    Column("checked_at", "核对时间", wall_clock("row.checked_at"), Form.INSTANT),
    Column("ended_at", "结束时间", wall_clock("row.ended_at"), Form.INSTANT),
    Column("keep_until", "文件保留到", wall_clock("row.keep_until"), Form.INSTANT),
    Column("note", "说明", "row.note"),
    Column("import_id", "导入编号", "row.id::text"),
)
COMPARISON_COLUMNS = (
    Column("file_name", "文件", "row.file_name"),
    Column("unit", "包含的单位", "CASE WHEN row.root_id IS NULL THEN '全部单位' ELSE root.name END"),
    Column("state", "状态", "row.state", turn=_state(comparisons.STATES)),
    Column("rows_read", "行数", "row.rows_read", Form.NUMBER),
    Column("new", "新发现", _outcome("new"), Form.NUMBER),
    Column("again", "重新核实", _outcome("again"), Form.NUMBER),
    Column("same", "仍未一致", _outcome("same"), Form.NUMBER),
    Column("silent", "已说明", _outcome("silent"), Form.NUMBER),
    Column("closed", "自动销号", _outcome("closed"), Form.NUMBER),
    Column("unread", "未比对", "row.unread", Form.NUMBER),
    Column("format", "国家格式版本", "row.format"),
    Column("actor", "上传人", "row.actor"),
    Column("received_at", "上传时间", wall_clock("row.received_at"), Form.INSTANT),
    Column("compared_at", "比对时间", wall_clock("row.compared_at"), Form.INSTANT),
    Column("ended_at", "结束时间", wall_clock("row.ended_at"), Form.INSTANT),
    Column("note", "说明", "row.note"),
    Column("run_id", "比对编号", "row.id::text"),
)
JOB_LISTS = (
    ExportList("imports", "导入记录", "roster.maintain", [Sheet("导入", IMPORT_COLUMNS, imports_source)]),
    ExportList("comparisons", "比对记录", "roster.maintain", [Sheet("比对", COMPARISON_COLUMNS, comparisons_source)]),
)
