"""Imports of an office's own files: what is asked and kept of them, what their judging says, and why they are refused."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.roster.models.fields import QUOTAS, SHEETS, UNITS, Sheet
from services.roster.models.requests import Request
from shared.errors import Conflict, NotFound

_POSTS = tuple(each for each in QUOTAS.fields if each.name in {"kind", "funding", "posts", "use_until"})
UNITS_WITH_POSTS = Sheet("units_with_posts", UNITS.title, (*UNITS.fields, *_POSTS), ("uscc", "kind", "funding"))
"""The sheet 单位 of older workbooks: a row for each kind and funding of each unit."""
OF_POSTS = frozenset(each.name for each in _POSTS)
"""What a row of that sheet says of posts, and not of the unit itself."""

BOOKS: Mapping[str, tuple[str, ...]] = {kind: (kind,) for kind in SHEETS} | {"roster": tuple(SHEETS)}
"""Which sheets a file of each kind may hold; its own must be there."""
TOTAL_WORDS = ("合计", "总计", "共计", "小计")


class Verdict(StrEnum):
    """What becomes of a row. LEFT_OUT: not imported on purpose."""

    WRONG = "wrong"
    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    LEFT_OUT = "left_out"


class ImportState(StrEnum):
    """The life of an import."""

    RECEIVED = "import_received"
    CHECKING = "import_checking"
    CHECKED = "import_checked"
    UNREADABLE = "import_unreadable"
    APPLYING = "import_applying"
    APPLIED = "import_applied"
    CANCELLED = "import_cancelled"
    FORGOTTEN = "import_forgotten"


STATES = {
    ImportState.RECEIVED: "已接收",
    ImportState.CHECKING: "核对中",
    ImportState.CHECKED: "已核对，待写入",
    ImportState.UNREADABLE: "不能读取",
    ImportState.APPLYING: "写入中",
    ImportState.APPLIED: "已写入",
    ImportState.CANCELLED: "已取消",
    ImportState.FORGOTTEN: "已删除文件",
}
VERDICTS = {
    Verdict.WRONG: "有错误",
    Verdict.ADDED: "新增",
    Verdict.CHANGED: "变更",
    Verdict.SAME: "相同",
    Verdict.LEFT_OUT: "不导入",
}
LEFT = "写入中途已取消：{units_total} 个单位中已写入 {units_done} 个，都是完整的，其余没有写入。把同一文件再导入一次，即写入其余部分，已写入的不会重复。"
"""What is said of a writing that was cancelled."""
RUNNING = frozenset({ImportState.RECEIVED, ImportState.CHECKING, ImportState.APPLYING})
"""States that go on by themselves."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one row. `field` is the name of a field, or empty. A warning does not keep the row out."""

    sheet: str
    row: int
    field: str
    sentence: str
    warning: bool = False


@dataclass(slots=True)
class JudgedRow:
    """One row as values by field name, and what was found in it."""

    sheet: str
    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands: sheet and number."""
        return self.sheet, self.number

    @property
    def wrong(self) -> bool:
        """Whether an error keeps it out."""
        return bool(self.problems) and not all(problem.warning for problem in self.problems)

    def complain(self, name: str, sentence: str) -> None:
        """An error of a field."""
        self.problems.append(Problem(self.sheet, self.number, name, sentence))

    def warn(self, name: str, sentence: str) -> None:
        """What somebody must look at."""
        self.problems.append(Problem(self.sheet, self.number, name, sentence, warning=True))

    def complained(self, name: str) -> bool:
        """Whether an error of the field was told."""
        return any(problem.field == name and not problem.warning for problem in self.problems)


class Extract(BaseModel):
    """A value hidden in another column's text: the group `value` of `pattern`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    source: str = Field(alias="from", min_length=1, max_length=100)
    to: str = Field(min_length=1, max_length=100)
    pattern: str = Field(min_length=1, max_length=200)


class MappingFile(BaseModel):
    """How an old register is read (对照文件): its sheets, headers and codes in our words. All names are Chinese labels, as in the template."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = None
    sheets: dict[str, str] = Field(default_factory=dict, max_length=20)
    columns: dict[str, str] = Field(default_factory=dict, max_length=200)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict, max_length=60)
    defaults: dict[str, str] = Field(default_factory=dict, max_length=60)
    extract: tuple[Extract, ...] = Field((), max_length=20)


class ReceiveImport(Request):
    """A file, kept encrypted by whoever received it; `pieces` gives it anew each time it is asked. `plain`: no formula and no error value in it."""

    import_id: UUID = Field(exclude=True)
    kind: str
    file_name: str = Field(min_length=1, max_length=200)
    file_bytes: int
    file_hash: str
    mapping: MappingFile | None = None
    political_legal: bool = False
    plain: bool = Field(False, exclude=True)
    scope: tuple[UUID, ...] | None = None
    keep_days: int = Field(exclude=True)
    pieces: Callable[[], Iterable[bytes]] = Field(exclude=True, repr=False)
    clock_offset: timedelta | None = Field(None, exclude=True)


class BeginApplying(Request):
    """`accept_valid`: write the good rows of a file with errors."""

    import_id: UUID
    accept_valid: bool = False


class CancelImport(Request):
    """Nothing more is written; units that are written stay."""

    import_id: UUID


@dataclass(frozen=True)
class KnownUnit:
    """A unit of the roster as an import sees it. `visible`: to the import's owner. `quotas`, `seats`: what is in force; `today`: its fields as JSON values.
    `former`: names that lead to it alone, and whether it bore them itself or a unit that it succeeded.
    """

    unit_id: UUID
    code: str
    name: str
    uscc: str | None
    category: str
    parent: str | None
    visible: bool = True
    today: Mapping[str, Any] = field(default_factory=dict)
    quotas: Mapping[tuple[str, str], "Standing"] = field(default_factory=dict)
    seats: Mapping[str, "Standing"] = field(default_factory=dict)
    former: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A number in force, and the approval it rests on."""

    number: int
    document_no: str | None
    since: date | None = None
    use_until: date | None = None


@dataclass(frozen=True)
class KnownPerson:
    """A person of the roster: where he stands today, if anywhere, and his fields as JSON values."""

    person_id: UUID
    unit_code: str | None
    kind: str | None
    funding: str | None
    started_on: str | None
    ended_on: str | None = None
    today: Mapping[str, Any] = field(default_factory=dict)


LOAN = ("seconded_to", "seconded_from_on", "seconded_until", "secondment_document_no")
"""The columns of a person's loan: written by the command of loans."""


NOT_LENT = "借调未登记："
"""How a finding begins that is told only at the writing (`at_writing`)."""


@dataclass(frozen=True)
class KnownLoan:
    """A loan that lasts. `called`: all that the borrower is called; days as ISO text."""

    called: frozenset[str]
    started_on: str
    until: str


@dataclass(frozen=True)
class Held:
    """A post that somebody holds (`ended_on`: none) or held; days as ISO text."""

    unit_code: str
    kind: str
    funding: str
    started_on: str
    ended_on: str | None


@dataclass(frozen=True)
class Job:
    """An import as its check and its writing need it."""

    id: UUID
    kind: str
    state: str
    file_name: str
    plain: bool
    mapping: MappingFile | None
    political_legal: bool
    actor: str
    scope: tuple[UUID, ...] | None
    attempt: int
    accept_valid: bool
    document_no: str | None
    file_hash: str
    checked_at: datetime | None


class MappingWrong(Conflict):
    """The mapping file does not fit our fields."""

    code = "mapping_wrong"
    sentence = "对照文件有误：{detail}。请对照模板的列名和代码表改正。"


class RowsAreUnits(Conflict):
    """A file of units was said to be of one unit."""

    code = "rows_are_units"
    sentence = "“单位”文件的每一行就是一个单位，不能指明整份文件的单位。请去掉所填的单位后重新上传。"


class UnitOfFileUnknown(Conflict):
    """None of the caller's units is called so, or several are."""

    code = "unit_of_file_unknown"
    sentence = "您的管辖范围内{found}叫“{unit}”的单位，本次没有导入。请填写它的{by}。"


class HeaderMissing(Conflict):
    """A sheet without a usable header."""

    code = "header_missing"
    sentence = "工作表“{sheet}”{detail}。请对照模板补正；旧台账的表头可用对照文件（--mapping）说明。"


class NationalHeaderMissing(HeaderMissing):
    """A sheet of the upper level's register without a usable header: it has the columns that we hand up, and no mapping file."""

    code = "national_header_missing"
    sentence = "工作表“{sheet}”{detail}。请对照本系统导出的“实名制信息”（命令行：bianban export provincial）补正。"


class TemplateTooOld(Conflict):
    """The template of another version, whose columns no longer carry what is needed."""

    code = "template_too_old"
    sentence = "这是“{found}”模板第 {version} 版，{wanted}。请下载现行模板，把内容粘贴过去后再导入。"


class ImportUnknown(NotFound):
    """No such import, or not this caller's to see."""

    code = "import_unknown"
    sentence = "没有找到这次导入，或者您无权查看。请在导入列表中核对。"


class ImportKindUnknown(Conflict):
    """Not one of the kinds."""

    code = "import_kind_unknown"
    sentence = "没有这种导入内容。可导入：units 单位、quotas 编制、seats 领导职数、roster 人员、offestablishment 编外人员。"


class NotChecked(Conflict):
    """Only a checked import can be applied, once."""

    code = "import_not_checked"
    sentence = "这次导入尚未核对完成，或已写入、已取消。请查看其状态；需要时重新上传。"


class ErrorsLeft(Conflict):
    """Nothing is written of a file with errors unless that is asked for."""

    code = "import_errors_left"
    sentence = "文件中有 {errors} 处错误，未写入。请改正后重新上传；或选择只写入无误的行。"


class ImportOver(Conflict):
    """It has ended; there is nothing to cancel."""

    code = "import_over"
    sentence = "这次导入已经结束，不能取消。已写入的内容如有误，请办理更正。"


class BorrowerNotWritten(Conflict):
    """The check has found the borrower of a loan, mostly in the file itself, and it is no unit in force when the loan is to be written."""

    code = "import_borrower_not_written"
    sentence = "借入单位“{borrower}”本次没有写入，或核对后已撤销。请处理该单位后，把同一文件重新导入，借调随之登记。"


class FileForgotten(NotFound):
    """The retention is over."""

    code = "import_file_forgotten"
    sentence = "上传的文件已按保存期限删除，不能再取回核对结果，也不能再写入。请重新上传。"


class UploadMalformed(Conflict):
    """No file in what was sent."""

    code = "upload_malformed"
    sentence = "没有收到文件。请以 multipart/form-data 提交，文件放在 file 中，内容种类放在 kind 中。"


class NotYourFile(Conflict):
    """The copy of a file holds what its owner brought, in full: nobody else gets it."""

    code = "not_your_file"
    sentence = "核对结果含有文件的全部内容，只有上传人可以取回。请由上传人下载。"


class Superseded(Exception):  # noqa: N818  named as the fact it states
    """The import was cancelled, or another attempt is at it: this one has nothing more to do."""


class ChangedMeanwhile(Exception):  # noqa: N818  named as the fact it states
    """Somebody has written of the same unit or person since it was looked at: look again."""


BEFORE = "before"
"""Among the encrypted values of a row: what the roster had of the fields it would change, when it was checked. No field is called so."""


def sealed_place(import_id: UUID, sheet: str, number: int) -> str:
    """What the encrypted values of a row are bound to."""
    return f"import_rows.sealed.{import_id}/{sheet}/{number}"
