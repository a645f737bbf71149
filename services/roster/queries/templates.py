"""The templates of the register: each kind of file as a form to be filled in, from the one table of fields."""

from services.roster.models.fields import Field, Kind, Sheet
from services.roster.queries.codes import Codes
from shared.sheets.forms import Column, Form, form_of

_USUAL = {
    Kind.ID_NUMBER: "18 位，按文本填写",
    Kind.USCC: "18 位，按文本填写",
    Kind.DAY: "写作 2026-09-18",
    Kind.MONTH: "写作 2026-09，有具体日期的可写完整日期",
    Kind.FLAG: "填“是”或“否”",
    Kind.TEXTS: "多项之间用“、”分开",
    Kind.UNIT: "单位名称或统一社会信用代码",
    Kind.NUMBER: "只填数字",
}
_UNTAKEN = frozenset({"unknown_identity", "unknown_post", "unknown_sex", "unsaid_sex", "left"})


def template(sheet: Sheet, codes: Codes) -> bytes:
    """The workbook of one kind."""
    notes = [
        f"{sheet.title}：填写说明",
        f"1. 在工作表“{sheet.title}”中填写，每行一条；带 * 的列必填。列的先后可以调整，不需要的列可以删去，请勿改动列名。",
        "2. 没有的内容留空。代码类的列可从下拉列表中选择，全部内容见工作表“代码表”。",
        "3. 号码按文本填写，不要用公式；合计行可以保留，系统会核对合计数。",
        f"4. 填好后到门户的“导入导出—导入”页，导入内容选“{sheet.title}”，上传并核对；核对不写入数据。",
        f"   或用命令核对：bianban import {sheet.kind} 本文件.xlsx",
        "",
    ]
    return form_of(Form(sheet.title, mark_of(sheet), notes, [_column(field, codes) for field in sheet.fields]))


def mark_of(sheet: Sheet) -> str:
    """By which a template is recognised when it comes back."""
    return f"bianban:{sheet.kind}:{sheet.version}"


def _column(field: Field, codes: Codes) -> Column:
    choices = [code.label for code in codes.of(field.codes) if code.code not in _UNTAKEN] if field.codes else []
    hint = "；".join(each for each in (_USUAL.get(field.kind, ""), field.hint) if each)
    flags = ["是", "否"] if field.kind is Kind.FLAG else []
    return Column(field.label, field.required, hint, field.example, choices or flags)
