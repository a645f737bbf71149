"""What is asked of an export and kept of it, and its refusals."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Conflict, Forbidden, NotFound
from shared.glossary import Role


class ExportState(StrEnum):
    """The life of an export."""

    WAITING = "export_waiting"
    RUNNING = "export_running"
    DONE = "export_done"
    FAILED = "export_failed"
    CANCELLED = "export_cancelled"
    EXPIRED = "export_expired"


STATES = {
    ExportState.WAITING: "等待导出",
    ExportState.RUNNING: "导出中",
    ExportState.DONE: "已完成",
    ExportState.FAILED: "未能完成",
    ExportState.CANCELLED: "已取消",
    ExportState.EXPIRED: "文件已到期删除",
}
UNDER_WAY = frozenset({ExportState.WAITING, ExportState.RUNNING})
"""States that go on by themselves."""
MOST_UNDER_WAY = 10
MOST_IN_AN_HOUR = 60
"""How many exports of a service one user may have under way, and ask for: each of its lists more than once."""
Format = Literal["xlsx", "csv"]


class AskExport(BaseModel):
    """A list as somebody wants it, with what he may see; `called`: his own name. The reason is the mandate's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    export_id: UUID = Field(exclude=True)
    list: str
    format: Format
    filters: dict[str, str]
    fields: tuple[str, ...]
    unmasked: bool
    roles: tuple[Role, ...]
    scope: tuple[UUID, ...] | None
    called: str = ""


class OfExport(BaseModel):
    """One export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    export_id: UUID


class ExportView(BaseModel):
    """One export as it is shown. `rows_total` is none until it is counted; `sha256` is that of the file as it is handed out."""

    id: UUID
    list: str
    title: str
    format: Format
    filters: dict[str, str]
    fields: tuple[str, ...]
    unmasked: bool
    reason: str
    actor: str
    asked_at: datetime
    state: ExportState
    state_label: str
    rows_total: int | None
    rows_done: int
    read_at: datetime | None
    file_bytes: int | None
    sha256: str | None
    note: str
    ended_at: datetime | None
    keep_until: datetime | None


class Download(BaseModel):
    """Somebody took a file."""

    actor: str
    at: datetime


class AuditedExport(ExportView):
    """An export with everybody who took its file."""

    downloads: tuple[Download, ...]


class ListUnknown(NotFound):
    """No such list in this service, or not for this caller."""

    code = "export_list_unknown"
    sentence = "没有名为 {list} 的清单，或者您无权查看。可导出的清单见 GET /exports/lists。"


class ExportUnknown(NotFound):
    """No such export, or somebody else's."""

    code = "export_unknown"
    sentence = "没有找到这次导出，或者它不是您发起的。请在导出记录中核对。"


class FieldUnknown(Conflict):
    """The list has no such column."""

    code = "export_field_unknown"
    sentence = "清单中没有 {field} 这一列。可选：{known}。"


class FilterUnknown(Conflict):
    """The list cannot be narrowed by this."""

    code = "export_filter_unknown"
    sentence = "不能按 {filter} 筛选。可用：{known}。"


class FilterValueUnknown(Conflict):
    """No row can have this value. What was written is not repeated: it may be a name."""

    code = "export_filter_value_unknown"
    sentence = "筛选条件 {filter}（{label}）不能是这个值。可用：{known}。"


class OneSheetOnly(Conflict):
    """A CSV file is one table."""

    code = "export_one_sheet_only"
    sentence = "这份清单有多张工作表，不能选列，也不能导出为 CSV。请导出为 xlsx，不指定列。"


class ReasonMissing(Conflict):
    """Sensitive fields in full only with a reason."""

    code = "export_reason_missing"
    sentence = "导出未脱敏的数据须用文字写明用途（至少四个字，不能只有数字或符号）。请补充后重新提交。"


class TooManyUnderWay(Conflict):
    """One user keeps a worker busy for everybody."""

    code = "export_too_many"
    sentence = "您有 {count} 项导出还没有完成。请等它们完成，或取消不需要的，再发起新的导出。"


class TooManyInAnHour(Conflict):
    """Whoever carries the registers out, list by list, is slowed down and noticed."""

    code = "export_too_often"
    sentence = "一小时内最多发起 {most} 项导出。请稍后再试；需要长期批量使用数据的，请与编办协商数据接口。"


class NotToBeUnmasked(Forbidden):
    """His role sees sensitive fields masked only."""

    code = "export_not_unmasked"
    sentence = "您的岗位只能导出脱敏的数据。如确有需要，请由编办业务科办理。"


class RightsChanged(Forbidden):
    """He may no longer see what he once asked for."""

    code = "export_rights_changed"
    sentence = "您现在的权限或单位范围与导出时不同，不能再下载这份文件。请重新导出。"


class NotReady(Conflict):
    """There is no file yet, or none any more."""

    code = "export_not_ready"
    sentence = "现在没有可下载的文件：{why}。"


class ExportOver(Conflict):
    """It is over, nothing can be stopped."""

    code = "export_over"
    sentence = "这次导出已经结束，不能取消。"
