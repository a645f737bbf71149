"""How days, instants and numbers are written, and in which order names stand: one form everywhere."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from shared.clock import CHINA, to_the_minute
from shared.glossary import LABELS
from shared.spelling import spelt

NOTHING = "—"
FIELD = "内容"
FIELDS = {
    "title": "标题或职务",
    "justification": "理由",
    "posts": "用编数",
    "unit": "单位",
    "unit_id": "单位",
    "unit_ids": "单位",
    "from_unit_id": "调出单位",
    "person_id": "人员",
    "row": "编制类型",
    "left": "人员范围",
    "kind": "编制类型",
    "funding": "经费形式",
    "reservation_id": "核准用编",
    "exception": "冻结例外",
    "reason_code": "事由",
    "reason_codes": "退回原因",
    "effective_on": "生效日期",
    "seat_level": "占用职数",
    "level": "层次",
    "approved": "核定职数",
    "over_seats_cause": "超职数原因",
    "over_quota_cause": "超编原因",
    "change": "办理事项",
    "form": "形式",
    "borrower_unit": "借入单位",
    "borrower": "其他借入单位",
    "filed_on": "单位申请日期",
    "ended_on": "归还日期",
    "quota_posts": "名额数",
    "to_unit": "转入单位",
    "use_until": "使用期限",
    "document_on": "批准日期",
    "since": "起始日期",
    "started_on": "到岗日期",
    "begins_on": "起始日期",
    "until": "截止日期",
    "reason": "理由",
    "concerned": "所涉人员的登录名",
    "asked": "本人的要求",
    "fields": "要求更正的项目",
    "proof": "怎样核实是本人",
    "granted": "结果",
    "answer": "答复内容",
    "ground": "法律依据",
    "opinion": "意见",
    "explanation": "退回意见",
    "document_no": "文号",
    "authorisation_no": "用编单编号",
    "authorised_on": "核编日期",
    "entry_document_no": "入编文号",
    "entry_reason": "进入形式",
    "name": "名称",
    "real_name": "姓名",
    "role": "角色",
    "absent": "被代办人",
    "password": "密码",
    "new_password": "新密码",
    "again": "再输一次新密码",
    "code": "动态口令",
    "words": "查找内容",
    "owner": "责任科室",
    "source": "依据",
    "value": "值",
    "format": "格式",
    "scope": "范围",
    "scopes": "冻结范围",
    "issue_ids": "所涉问题",
    "cause": "超编原因",
    "cleared": "改为空的项目",
    "side": "认定以谁为准",
    "to": "转为",
    "week": "周次",
    "id_number": "身份证号",
    "from_unit": "人员现单位",
    "sex": "性别",
    "birth_on": "出生日期",
    "certified_birth_on": "档案认定出生日期",
    "identity": "人员身份",
    "post_category": "岗位类别",
    "off_post_kind": "编外岗位类别",
    "employment_form": "用工方式",
    "duty_status": "人员状态",
    "leadership_level": "领导职务级别",
    "retirement_category": "退休类别",
    "retirement_reason": "退休类别认定理由",
}
"""What the forms call their fields, for the list of what is wrong above a form; beside the field stands its own label."""


def label(code: str | None) -> str:
    """What a code of the glossary is called."""
    return NOTHING if code is None else LABELS.get(code, code)  # type: ignore[call-overload]  # a StrEnum is its text


def day(value: date | str | None) -> str:
    """2026-11-25, in Beijing."""
    if value is None or value == "":
        return NOTHING
    if (isinstance(value, str) and len(value) > 10) or isinstance(value, datetime):
        return f"{_instant(value).astimezone(CHINA):%Y-%m-%d}"
    return str(value)


def moment(value: datetime | str | None) -> str:
    """2026-11-25 09:30, in Beijing."""
    return NOTHING if not value else to_the_minute(_instant(value))


def instant(value: float) -> str:
    """2026-11-25 09:30:07.123, in Beijing, of seconds since 1970: for those who look at single steps."""
    return f"{datetime.fromtimestamp(value, CHINA):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def number(value: Any) -> str:
    """1,234; a ratio is written by `percent`."""
    return NOTHING if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """98.7%."""
    return NOTHING if value is None else f"{value * 100:.1f}%"


def by_sound(named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Codes and names in the order in which the names are spelt (汉语拼音), as lists of units are."""
    return sorted(named, key=lambda each: spelt(each[1]).key)


def field_name(name: str) -> str:
    """What the forms call a field that a service names (`body.started_on`); one that none of them names is 内容, never its code."""
    return next((FIELDS[each] for each in name.split(".") if each in FIELDS), FIELD if name.isascii() else name)


def _instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
