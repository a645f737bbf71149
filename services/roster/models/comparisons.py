"""Comparisons with the upper level's 实名制 register: what is asked and kept of them, and why they are refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.roster.models.requests import Request
from shared.errors import Conflict, NotFound
from shared.glossary import DifferenceKind, DifferenceState, LeadingSide
from shared.reasons import Reason


class ComparisonState(StrEnum):
    """The life of a comparison."""

    RECEIVED = "comparison_received"
    COMPARING = "comparison_comparing"
    COMPARED = "comparison_compared"
    UNREADABLE = "comparison_unreadable"
    CANCELLED = "comparison_cancelled"


STATES = {
    ComparisonState.RECEIVED: "已接收",
    ComparisonState.COMPARING: "比对中",
    ComparisonState.COMPARED: "已比对",
    ComparisonState.UNREADABLE: "不能读取",
    ComparisonState.CANCELLED: "已取消",
}
UNDER_WAY = frozenset({ComparisonState.RECEIVED, ComparisonState.COMPARING})
"""States that go on by themselves."""


@dataclass(frozen=True, slots=True)
class Found:
    """One difference of one comparison. Values are JSON values as text, none for nothing. `about`: whom or what it is about; of somebody whom the
    roster does not know (`person_id`), his number, which is kept encrypted only.
    """

    sheet: str
    kind: DifferenceKind
    field: str
    unit_id: UUID | None
    name: str
    about: str = ""
    person_id: UUID | None = None
    number: str | None = None
    ours: str | None = None
    theirs: str | None = None
    leads: LeadingSide = LeadingSide.ASK

    @property
    def subject(self) -> str:
        """By what it is recognised in the next comparison."""
        whom = self.person_id or self.about
        return subject_of(self.sheet, self.kind, self.field, str(whom), self.number)


def subject_of(sheet: str, kind: str, field: str, whom: str, number: str | None) -> str:
    """What a difference is about. With a number it stays in memory: the tables hold another text in its place."""
    return f"{sheet}/{kind}/{field}/{whom if number is None else f'number:{number}'}"


def whom_of(subject: str) -> str:
    """Whom or what a difference is about."""
    return subject.split("/", 3)[3]


class ReceiveComparison(Request):
    """A file, kept encrypted until it is compared; `pieces` gives it anew each time it is asked. `root_id`: the subtree that it covers;
    `whole`: few units as it has, it is the whole register.
    """

    run_id: UUID = Field(exclude=True)
    file_name: str = Field(min_length=1, max_length=200)
    file_bytes: int
    file_hash: str
    root_id: UUID | None = None
    whole: bool = False
    format: str
    leads: str
    leads_text: str | None = Field(None, description="Of the office's own setting.")
    pieces: Callable[[], Iterable[bytes]] = Field(exclude=True, repr=False)


class OfComparison(Request):
    """One comparison."""

    run_id: UUID


class AnswerDifference(Request):
    """A unit says how it comes; the mandate's reason is the answer."""

    difference_id: UUID


class MoveDifference(Request):
    """The office moves it on. `side`: which register is right, where the setting asks."""

    difference_id: UUID
    to: DifferenceState
    side: LeadingSide | None = None
    change_id: UUID | None = None


class SeeDifference(Request):
    """Somebody needs the sensitive values in full; he says why."""

    difference_id: UUID
    reason: Reason


class ComparisonUnknown(NotFound):
    """No such comparison, or not for this caller."""

    code = "comparison_unknown"
    sentence = "没有找到这次比对，或者您无权查看。请在比对列表中核对。"


class LeadsChanged(Conflict):
    """A version of the office's setting is another than when it was first used."""

    code = "leads_changed"
    sentence = "主导方设置的版本 {version} 已用于以前的比对，文件内容却改过了。请在文件中换一个新的版本号（version），重新启动后再比对。"


class ComparisonOver(Conflict):
    """It has ended."""

    code = "comparison_over"
    sentence = "这次比对已经结束，不能取消。差异请逐条处理。"


class ComparisonNotWhole(Conflict):
    """Whoever sees a part of the county compares that part: what he cannot see would be missing."""

    code = "comparison_not_whole"
    sentence = "您负责的不是全县单位。请用 unit 指明文件包含的单位（须在您的负责范围内），再提交比对。"


class FileOfPart(Conflict):
    """Compared with the whole county, a file of a few units would make a case of everybody else."""

    code = "comparison_file_of_part"
    sentence = (
        "文件只含本系统 {here} 个单位中的 {there} 个，未作比对，以免其余单位都被记为差异。只是其中一个单位（含下级）的，请指明“文件包含的单位”"
        "（命令行用 --unit）；确是全部数据的，请勾选“也按全部单位比对”（命令行用 --whole）后重新提交。"
    )


class NumbersHidden(Conflict):
    """People of whom no number can be read, as in a masked file, are found nowhere: all of ours would be a case."""

    code = "comparison_numbers_hidden"
    sentence = (
        "文件中的 {rows} 名人员都没有可用的公民身份号码（如号码已脱敏），未作比对，以免本系统的人员都被记为差异。"
        "请换成号码完整的文件后重新提交；由本系统导出的，请导出未脱敏的文件。"
    )


class DifferenceUnknown(NotFound):
    """No such difference, or not for this caller."""

    code = "difference_unknown"
    sentence = "没有找到这条差异，或者其单位不在您的管辖范围内。请在差异清单中核对。"


class DifferenceMoveRefused(Conflict):
    """Its state does not allow that step."""

    code = "difference_move_refused"
    sentence = "这条差异现为“{state}”，不能转为“{to}”。可转为：{possible}。"


class DifferenceReasonMissing(Conflict):
    """Every step says why."""

    code = "difference_reason_missing"
    sentence = "处理差异须用文字写明理由（至少四个字，不能只有数字或符号）。请补充后重新提交。"


class DifferenceSideMissing(Conflict):
    """The setting asks, and nobody has said yet which register is right."""

    code = "difference_side_missing"
    sentence = "这条差异须先由编办认定以哪个系统为准（side 填 ours 或 theirs），再转为已整改。"


class CorrectionElsewhere(Conflict):
    """Not a field that can be taken over from here."""

    code = "correction_elsewhere"
    sentence = "“{field}”不能在此直接采用。请按批准文件在单位、编制或人员的办理入口登记；下次比对一致后自动销号。"


class CorrectionNotTheirs(Conflict):
    """Only where the upper level's register is right."""

    code = "correction_not_theirs"
    sentence = "这条差异以本系统为准或尚未认定，不能采用上级系统的内容。须改以上级系统为准的，请先认定。"


class CorrectionOutdated(Conflict):
    """Ours is no longer what the comparison saw."""

    code = "correction_outdated"
    sentence = "比对之后本系统的“{field}”已有变动，未采用。请核对；下次比对会重新判断。"
