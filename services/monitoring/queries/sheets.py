"""An edition of the weekly list as a spreadsheet. Text only, never formulas; blocking: call it from a thread."""

import io
from datetime import datetime
from typing import Any

import xlsxwriter

from services.monitoring.models.words import RULE_TITLES
from services.monitoring.queries.lists import ListLine, ListPage
from shared.clock import to_the_minute
from shared.glossary import LABELS

SHEET = "督办清单"
DRAFT = "未签发草稿"
HEADER = ("序号", "类别", "规则", "督办事项", "通知书文号", "发现日期", "整改期限", "剩余工作日", "状态", "整改要求")
_WIDTHS = (6, 10, 16, 56, 20, 12, 18, 12, 14, 40)


def sheet(edition: ListPage, reader: str, at: datetime) -> bytes:
    """The workbook: a watermark row that names who exported it and when (and a draft as one), of when the edition is, a frozen header, one row per line."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(content, options)
    page = book.add_worksheet(SHEET)
    for column, width in enumerate(_WIDTHS):
        page.set_column(column, column, width)
    mark = "" if edition.sealed_at else f"{DRAFT}　"
    page.write_row(0, 0, (f"{mark}{edition.unit}　{edition.number}　{edition.iso_week}　导出人 {reader}　{to_the_minute(at)}",))
    page.write_row(1, 0, (_times(edition),))
    page.write_row(2, 0, HEADER, book.add_format({"bold": True, "bg_color": "#DDDDDD", "border": 1}))
    page.freeze_panes(3, 0)
    text = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    for number, line in enumerate(edition.lines):
        page.write_row(number + 3, 0, _row(line), text)
    book.close()
    return content.getvalue()


def _times(edition: ListPage) -> str:
    planned = f"应发 {to_the_minute(edition.issued_at)}"
    if edition.made_at is None:
        return planned
    return f"{planned}　生成 {to_the_minute(edition.made_at)}（所列情况和剩余工作日截至此时）"


def _row(line: ListLine) -> tuple[Any, ...]:
    return (
        line.line_no,
        line.kind_label,
        f"{line.rule} {RULE_TITLES[line.rule]}",
        line.matter,
        line.document_no or "—",
        str(line.found_on),
        to_the_minute(line.due_at) if line.due_at else "—",
        "—" if line.remaining is None else line.remaining,
        LABELS[line.state],
        line.measure or "—",
    )
