"""The refusals of approval: code for programs, sentence for people."""

from shared.errors import Conflict, Forbidden, NotFound
from workflows.approval_steps import SENTENCES


class ApplicationUnknown(NotFound):
    """Not here, or not for this caller."""

    code = "application_unknown"
    sentence = "没有找到该申请，或者它不在您的管辖范围内。请核对后再试。"


class PersonUnknown(NotFound):
    """No such person, or not for this caller; the roster tells it by the same words."""

    code = "person_unknown"
    sentence = "没有找到该人员，或者其不在您的管辖范围内。请先登记人员。"


class ChangeUnknown(NotFound):
    """No such registered change, or not for this caller; the roster tells it by the same words."""

    code = "change_unknown"
    sentence = "没有找到该项待办变更，或者它不在您的管辖范围内。请先登记变更内容。"


class DocumentUnknown(NotFound):
    """Not here, or not for this caller."""

    code = "document_unknown"
    sentence = "没有找到该文件，或者它不在您的管辖范围内。请核对后再试。"


class DocumentNotDrawable(Conflict):
    """The notice has characters that no installed font draws."""

    code = "document_not_drawable"
    sentence = "文书中有现有字库不能显示的字符（{characters}）。申请可以照常提交；请告知系统管理员补充字库，否则批准后文书不能生成。"


class ReasonNotDrawable(Conflict):
    """The document that revokes would have characters that no installed font draws."""

    code = "reason_not_drawable"
    sentence = "撤销原因中有现有字库不能显示的字符（{characters}），印不到撤销通知单上。请改用其他字后再提交。"


class NotReceivedYet(Conflict):
    """Its workflow is about to start."""

    code = "not_ready"
    sentence = "申请正在受理核对，请稍后再办理。"


class ChainMissing(Conflict):
    """No chain is in force for the type."""

    code = "chain_missing"
    sentence = "该类申请尚未设置审批环节，暂不能提交。请联系编办。"


class ApplicationIncomplete(Conflict):
    """The procedure asks for more; `missing` names the fields in words, `fields` as a form has them."""

    code = "application_incomplete"
    sentence = "申请缺少必填内容：{missing}。请补充后再提交。"


class ConcernedUnknown(Conflict):
    """Who is named is nobody's login name, so the rule that nobody decides his own case would hold nobody. `places`: what was typed may be a name."""

    code = "concerned_unknown"
    sentence = "所涉人员中的第 {places} 个登录名不存在，未予提交。请核对后改正；没有本系统账号的人员不必填写。"


class NotATransfer(Conflict):
    """It names a unit that lets a person go, whose people would read it; nobody moves."""

    code = "not_a_transfer"
    sentence = "只有人员调动申请才填写调出单位。请去掉调出单位后再提交。"


class UnitFixed(Conflict):
    """Scopes, freezes and documents know the units of the submission only."""

    code = "unit_fixed"
    sentence = SENTENCES[code]


class ExceptionNeedless(Conflict):
    """It claims an exception to a freeze, and none stops it."""

    code = "freeze_exception_needless"
    sentence = "该单位目前没有冻结此项业务，不需要申报冻结例外。请删去冻结例外后再提交。"


class CauseUnknown(Conflict):
    """The entry or exit reason is not in the roster's table on the day it takes effect."""

    code = "cause_unknown"
    sentence = "事由 {cause} 不在代码表中，或在生效日期已停用。请从代码表中重新选择事由。"


class CauseUnfit(Conflict):
    """The reason is that of another procedure. `instead`: which one."""

    code = "cause_unfit"
    sentence = "事由“{cause}”不能用于{matter}：{instead}确属其他情形的，请改选事由后再提交。"


class SideFixed(Conflict):
    """Freezes know of the submission only whether it asked for 编外."""

    code = "side_fixed"
    sentence = "补正时不能由编制改为编外，或由编外改为编制。如需更改，请撤回后另行申请。"


class ReasonUnknown(Conflict):
    """No such reason for a return is in force."""

    code = "reason_unknown"
    sentence = "退回原因代码不存在或已停用：{reason}。请从退回原因代码表中选择。"


class NotStandingIn(Forbidden):
    """He names a colleague he does not stand in for."""

    code = "not_standing_in"
    sentence = "您没有获得代办授权，不能以他人名义办理。请先由安全管理员登记代办，或以本人名义办理。"


class SealTaskUnknown(NotFound):
    """The platform speaks of a task that was never asked for."""

    code = "seal_task_unknown"
    sentence = "没有这个签章任务。"


class SealMismatch(Conflict):
    """The answer is for other bytes than those that were sent."""

    code = "seal_mismatch"
    sentence = "签章结果与待签章的文件不符，未予采用。"


class CallbackForged(Forbidden):
    """The message does not come from the platform."""

    code = "callback_forged"
    sentence = "签章回调未通过验证。"


class NotReleased(Conflict):
    """Nobody has registered the use of the seal."""

    code = "not_released"
    sentence = "文件未经用印登记，不能签章。请用印管理员先办理用印登记。"


class NotFiled(Conflict):
    """What is not sealed can be left unsealed; there is nothing to revoke."""

    code = "not_filed"
    sentence = "只有已签章归档的文件才能撤销。请待文件归档后再办理。"


class NotWrittenYet(NotFound):
    """The notice has its number, and no bytes yet."""

    code = "document_not_written"
    sentence = "文件尚未生成。请稍后再试。"


class DocumentDamaged(Conflict):
    """The stored bytes are not those that were filed."""

    code = "document_damaged"
    sentence = "文件内容与登记的摘要不符，已停止提供。请联系系统管理员。"


class OwnCase(Conflict):
    """He applied, wrote a revision, or it is about him."""

    code = "own_case"
    sentence = SENTENCES[code]


class AlreadyRevoked(Conflict):
    """A revocation of this document was decided before."""

    code = "already_revoked"
    sentence = "该文件的撤销已经在办理或已经办结。请勿重复办理。"


class AttachmentUnknown(NotFound):
    """Not beside this application."""

    code = "attachment_unknown"
    sentence = "没有找到该附件，或者您无权查看。请重新打开申请，从附件列表中选取。"


class AttachmentUnfit(Conflict):
    """Another kind of file, or not what its name claims."""

    code = "attachment_unfit"
    sentence = "附件只接受 PDF、OFD、JPG、PNG、docx、xlsx，且内容须与扩展名一致。该文件未保存，请另存为其中一种格式后再上传。"


class AttachmentTooLarge(Conflict):
    """Too many bytes."""

    code = "attachment_too_large"
    sentence = "每个附件不超过 {most} MB。该文件未保存，请压缩或拆分后再上传。"


class TooManyAttachments(Conflict):
    """As many as one may bring."""

    code = "too_many_attachments"
    sentence = "一件申请最多 {most} 个附件。该文件未保存，请合并后再上传。"


class NotTheTimeForFiles(Conflict):
    """What was decided was decided by what lay there."""

    code = "not_the_time_for_files"
    sentence = "申请已核准、办结或撤回，不能再补充附件。"


class AttachmentDamaged(Conflict):
    """The bytes are not those that were brought."""

    code = "attachment_damaged"
    sentence = "附件文件与登记的校验值不一致，已停止提供。请联系系统管理员从备份恢复。"


class AttachmentRemoved(NotFound):
    """Its time of keeping is over."""

    code = "attachment_removed"
    sentence = "该附件保存期满，已按规定清除，只保留登记信息。"
