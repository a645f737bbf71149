"""Why monitoring says no: codes for programs, sentences for people."""

from shared.errors import Conflict, Forbidden, NotFound
from workflows.rectification_orders import SENTENCES


class IssueUnknown(NotFound):
    """No such issue, or not for this caller."""

    code = "issue_unknown"
    sentence = "没有找到该问题，或者它不在您的管辖范围内。"


class OrderUnknown(NotFound):
    """No such freeze order, or not for this caller."""

    code = "freeze_order_unknown"
    sentence = "没有找到该冻结令，或者它不在您的管辖范围内。"


class ListUnknown(NotFound):
    """No such edition, or not for this caller."""

    code = "supervision_list_unknown"
    sentence = "没有找到该督办清单，或者它不在您的管辖范围内。"


class CaseMissing(Conflict):
    """The issue has no running case, so nothing can be decided about it."""

    code = "no_case"
    sentence = "该问题没有正在办理的整改案件（例如期初存量尚未纳入，或仅为提示）。"


class CaseOver(Conflict):
    """The case has ended; nothing more can be decided in it."""

    code = "case_over"
    sentence = "该案件已经办结，不能再作决定。"


class StillFound(Conflict):
    """The rule still finds what was to be rectified."""

    code = "still_found"
    sentence = "该问题的情形仍然存在（规则仍能查到），不能销号。请退回整改材料，写明还差什么；情形消失后再验收。"


class OwnEvidence(Conflict):
    """He handed evidence of this round in, or brought a file of it."""

    code = "own_case"
    sentence = SENTENCES[code]


class EvidenceFileUnknown(NotFound):
    """No such file of this issue, or not for this caller."""

    code = "evidence_file_unknown"
    sentence = "没有找到该整改材料附件，或者它不属于这个问题。"


class EvidenceFileMissing(Conflict):
    """The request holds no file."""

    code = "evidence_file_missing"
    sentence = "没有收到文件。请选择文件后重新上传。"


class EvidenceFileTooLarge(Conflict):
    """A file is larger than one may be."""

    code = "evidence_file_too_large"
    sentence = "文件超过 10 MB。请压缩或拆分后重新上传。"


class EvidenceFormUnknown(Conflict):
    """A form of file that is not taken."""

    code = "evidence_form_unknown"
    sentence = "附件只接收 PDF、OFD、JPG、PNG、DOCX、XLSX 文件。请转换格式后重新上传。"


class EvidenceFileMislabelled(Conflict):
    """The file is not what the end of its name says."""

    code = "evidence_file_mislabelled"
    sentence = "文件内容与扩展名不符，或者文件已经损坏。请用原来的软件另存后重新上传。"


class EvidenceFilesTooMany(Conflict):
    """A round of an issue has as many files as it may have."""

    code = "evidence_files_too_many"
    sentence = "本轮整改的附件已达 50 个。请合并后再上传。"


class EvidenceFileDamaged(Conflict):
    """The kept file is gone, or is not the one that was brought."""

    code = "evidence_file_damaged"
    sentence = "该附件的存档文件缺失或已被改动。请系统管理员从备份恢复。"


class NoticeNotSigned(Conflict):
    """The round has no signed notice."""

    code = "notice_not_signed"
    sentence = "该问题尚未签发整改通知书。请先核实并签发。"


class NoticeAlreadyReleased(Conflict):
    """The notice was released before."""

    code = "notice_already_released"
    sentence = "该整改通知书已经用印登记，不能重复办理。"


class NoticeNotSealed(Conflict):
    """What goes out is the sealed notice."""

    code = "notice_not_sealed"
    sentence = "该整改通知书尚未签章，不能送达，也不能由单位查阅。请先办理用印登记，签章返回后再试。"


class ServedBeforeSeal(Conflict):
    """A notice is served on the day of its seal or later."""

    code = "served_before_seal"
    sentence = "送达日期不能早于整改通知书签章之日（{sealed_on}）。"


class NotReleased(Conflict):
    """Nothing is sealed that no officer released."""

    code = "not_released"
    sentence = "该文件尚未用印登记，不能签章。"


class NoticeNotDrawable(Conflict):
    """The notice has characters that no installed font draws."""

    code = "notice_not_drawable"
    sentence = "整改通知书中有现有字库不能显示的字符（{characters}）。请改用其他字；通知书已经签发的，请系统管理员补充字库后再试。"


class NoticeDamaged(Conflict):
    """The kept file is gone, or is not the one that was written."""

    code = "notice_damaged"
    sentence = "{number} 的存档文件缺失或已被改动。请系统管理员从备份恢复。"


class MeasureUnknown(NotFound):
    """The issue has no such measure."""

    code = "measure_unknown"
    sentence = "这一问题没有编号为 {measure} 的处置措施。请在问题页面核对。"


class MeasureCorrectedAlready(Conflict):
    """It is struck out once; what was recorded instead may be corrected in its turn."""

    code = "measure_corrected_already"
    sentence = "这一登记已经更正过，不能再次更正。更正后的登记如仍有误，请更正那一条。"


class MeasureUnchanged(Conflict):
    """What is to stand instead says just what stands."""

    code = "measure_unchanged"
    sentence = "更正后的内容与原登记完全相同，没有更正。请改正有误的各项后再提交。"


class MeasureTooEarly(Conflict):
    """Nothing is done about a problem that no notice speaks of; of one that is struck off, a lead alone is handed over."""

    code = "measure_too_early"
    sentence = "整改通知书签发之后、销号之前才能登记约谈和通报；已销号的问题只能登记移送。"


class MeasureOutOfTime(Conflict):
    """Before the notice was signed, or in the future."""

    code = "measure_out_of_time"
    sentence = "日期不能早于整改通知书签发之日（{signed_on}），也不能晚于今天（{today}）。"


class AddresseeUnfit(Conflict):
    """Not one whom this measure is for."""

    code = "addressee_unfit"
    sentence = "“{measure}”的对象应为：{known}。"


class InterviewerUnfit(Conflict):
    """An interview is conducted by somebody, and that of the principal by a leader of the commission."""

    code = "interviewer_unfit"
    sentence = "约谈须写明约谈人，其他措施不写；约谈单位主要负责人的，由编委领导进行。"


class FreezeNotJustified(Conflict):
    """A freeze needs a confirmed red issue of the unit."""

    code = "freeze_not_justified"
    sentence = "冻结只能针对该单位已核实的红灯问题；政策性超编不冻结。"


class FrozenBeyondQuota(Conflict):
    """More posts of a row than it has."""

    code = "frozen_beyond_quota"
    sentence = "冻结名额 {posts} 名多于该项编制的核定数 {quota} 名。请核对后改小。"


class AlreadyFreezing(Conflict):
    """An order for one of these issues is on its way or in force."""

    code = "already_freezing"
    sentence = "所列问题已有待决定或执行中的冻结令。"


class ListAlreadyReleased(Conflict):
    """The edition was released before."""

    code = "list_already_released"
    sentence = "该督办清单已经用印登记，不能重复办理。"


class ListNotSealed(Conflict):
    """An edition goes out, and is acknowledged, after it was sealed."""

    code = "list_not_sealed"
    sentence = "该督办清单尚未签章，暂不能下载或签收。"


class ListNotDrawable(Conflict):
    """The edition has characters that no installed font draws."""

    code = "list_not_drawable"
    sentence = "督办清单中有现有字库不能显示的字符（{characters}），不能生成签章文件。请系统管理员补充字库后再办理用印登记。"


class ListDamaged(Conflict):
    """The sealed file is gone, or is not the one that was filed."""

    code = "list_damaged"
    sentence = "{number} 的存档文件缺失或已被改动，已停止提供。请系统管理员从备份恢复。"


class ListAlreadyAcknowledged(Conflict):
    """The unit has acknowledged before."""

    code = "list_already_acknowledged"
    sentence = "该督办清单已经签收。"


class SealTaskUnknown(NotFound):
    """No task of that number here."""

    code = "seal_task_unknown"
    sentence = "没有这个签章任务。"


class SealMismatch(Conflict):
    """The answer is about other bytes than those that wait."""

    code = "seal_mismatch"
    sentence = "签章结果与待签章的文件不符。"


class CallbackForged(Forbidden):
    """A callback that does not come from the platform."""

    code = "callback_forged"
    sentence = "签章回调未通过校验。"


class ParameterUnknown(NotFound):
    """A parameter that no rule reads."""

    code = "parameter_unknown"
    sentence = "没有这个参数。参数由规则定义，只能登记新的版本。"


class ParameterMalformed(Conflict):
    """A value of another kind than the parameter's, or out of its range; `wanted`: what it should be."""

    code = "parameter_malformed"
    sentence = "“{called}”的值应为{wanted}。参数没有改变，请改正后重新提交。"


class LadderUnfit(Conflict):
    """A ladder by which no case would ever be overdue, or that leads beyond the calendar."""

    code = "ladder_unfit"
    sentence = "升级阶梯须有“逾期”一级，且在到期日（0）；每一级只写一次，与到期日相差不超过 {most} 个工作日。请改正后重新设置。"


class ParameterSetLater(Conflict):
    """One from a later day on is in force: the new one would never hold."""

    code = "parameter_set_later"
    sentence = "现行的值自 {since} 起生效，更早生效的值不会起作用。请把生效日期填为 {since} 或以后。"


class EvidenceFileRemoved(NotFound):
    """Its time of keeping is over."""

    code = "evidence_file_removed"
    sentence = "该附件保存期满，已按规定清除，只保留登记信息。"
