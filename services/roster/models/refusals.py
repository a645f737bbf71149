"""How the roster refuses: one class per reason, its code for programs, its sentence for people (what happened, what to do next)."""

from shared.errors import Conflict, NotFound


class UnitUnknown(NotFound):
    """No such unit, or not for this caller."""

    code = "unit_unknown"
    sentence = "没有找到该单位，或者它不在您的管辖范围内。请核对后再试。"


class PersonUnknown(NotFound):
    """No such person, or not for this caller."""

    code = "person_unknown"
    sentence = "没有找到该人员，或者其不在您的管辖范围内。请先登记人员。"


class PersonNotRecordedYet(PersonUnknown):
    """On that day the roster knew nothing of the person: he was registered later."""

    code = "person_not_recorded_yet"
    sentence = "系统在 {day} 还没有该人员的任何记录，最早的记录登记于 {first}。请把“以何日所知为准”改为该日或以后。"


class PersonNotAgreed(Conflict):
    """Unit, name and number do not all belong to one person in post there; which of them is wrong is not said."""

    code = "person_not_agreed"
    sentence = "单位、姓名和身份证号没有同时对上一名在册人员。请与本人或其现单位核对三项后再试。"


class TooManyMisses(Conflict):
    """Whoever was wrong so often within a day is answered no more."""

    code = "find_missed_too_often"
    sentence = "一天内核对不符已达 {most} 次，暂停核对。请与对方单位核实后明天再试，或由管辖双方单位的主管部门申请。"


class PlacementUnknown(NotFound):
    """No such placement."""

    code = "placement_unknown"
    sentence = "没有找到该条在编记录。请重新打开人员页面，核对后再办。"


class ReservationUnknown(NotFound):
    """No such authorised use on this row."""

    code = "reservation_unknown"
    sentence = "没有找到该核准用编记录，或者它不属于本单位、本编制类型和经费形式。请核对核准使用编制通知单。"


class OrderUnknown(NotFound):
    """No such freeze order on this unit."""

    code = "order_unknown"
    sentence = "没有找到该冻结决定。请核对冻结决定编号。"


class CategoryUnknown(Conflict):
    """The category is not in the code table."""

    code = "category_unknown"
    sentence = "单位类别 {category} 不在代码表中。请从代码表中选择。"


class KindUnknown(Conflict):
    """The kind is not in the code table on this day."""

    code = "kind_unknown"
    sentence = "编制类型 {kind} 不在代码表中或已停用。请从代码表中选择。"


class FundingUnknown(Conflict):
    """The funding is not in the code table on this day."""

    code = "funding_unknown"
    sentence = "经费形式 {funding} 不在代码表中或已停用。请从代码表中选择。"


class ReasonUnknown(Conflict):
    """The entry or exit reason is not in the code table on this day."""

    code = "reason_unknown"
    sentence = "进出编原因 {reason} 不在代码表中或已停用。请从代码表中选择。"


class ReasonOfAnotherMatter(Conflict):
    """The entry or exit reason is what the system records of another matter. `instead`: which one."""

    code = "reason_of_another_matter"
    sentence = "此原因由系统在办理其他事项时记录，不能在这里登记：{instead}请改选原因。"


class KindNotAllowed(Conflict):
    """The unit may not hold this kind."""

    code = "kind_not_allowed"
    sentence = "该类单位（{category}）不得使用编制类型 {kind}。请选择与单位类别相符的编制类型。"


class UnitCodeTaken(Conflict):
    """Another unit has the code or the USCC."""

    code = "unit_code_taken"
    sentence = "该单位编码或统一社会信用代码已登记。请查询已有单位，不要重复登记。"


class UsccInvalid(Conflict):
    """GB 32100-2015."""

    code = "uscc_invalid"
    sentence = "统一社会信用代码不正确（字符或校验位有误）。请按登记证书核对。"


class DocumentMissing(Conflict):
    """The write needs a document number."""

    code = "document_missing"
    sentence = "此事项须有批准文件。请填写文号后重新提交。"


class EffectiveInFuture(Conflict):
    """The effective date has not come."""

    code = "effective_in_future"
    sentence = "所填日期 {day} 晚于今天：生效、起始、到岗、离岗和核准日期都不能晚于今天。填错的请改正，未到的请在当日或之后办理。"


class LifeInFuture(Conflict):
    """What is told of somebody's life lies ahead. The day is not repeated: it may be a sensitive one."""

    code = "life_in_future"
    sentence = "{fields}晚于今天。请核对后改正。"


class DocumentInFuture(Conflict):
    """A document bears the day on which it was issued."""

    code = "document_in_future"
    sentence = "批准日期 {day} 晚于今天。请核对文件的成文日期。"


class DatesOutOfOrder(Conflict):
    """The end is not after the start."""

    code = "dates_out_of_order"
    sentence = "结束日期必须晚于开始日期。请核对日期。"


class ExitBeforeArrival(Conflict):
    """An exit or transfer from a day on which somebody did not hold his post yet. The day itself is not told: he may be of another unit."""

    code = "exit_before_arrival"
    sentence = "生效日期须晚于人员到现任岗位的日期。请改正生效日期；到岗日期登记有误的，请先报编办更正。"


class PastRetirement(Conflict):
    """An entry on a counted post, or a transfer to one, after the statutory month of retirement (国务院关于渐进式延迟法定退休年龄的办法)."""

    code = "past_retirement"
    sentence = "该人员的法定退休时间是 {month}，入编或调入日期在其之后，不能入编、调入。出生日期、退休类别或弹性延迟登记有误的，请先办理信息变更或更正。"


class SinceBeforeBirth(Conflict):
    """A change of somebody from a day on before he was born. The day itself is told to nobody."""

    code = "since_before_birth"
    sentence = "起始日期早于该人员的出生日期。请核对后改正起始日期；出生日期登记有误的，请先办理更正或信息变更。"


class SinceBeforePost(Conflict):
    """A change of the present post from a day on which somebody did not hold it yet."""

    code = "since_before_post"
    sentence = (
        "起始日期 {since} 早于到岗日期 {started_on}，那时尚未在现任岗位。请改为到岗之日或其后的日期；到岗日期登记有误的，请先报编办更正。"
    )


class QuotaChangedLater(Conflict):
    """A later change stands already."""

    code = "quota_changed_later"
    sentence = "该编制数自 {since} 起已另有变更。请按生效时间的先后办理。"


class SeatsChangedLater(Conflict):
    """A later change stands already."""

    code = "seats_changed_later"
    sentence = "该职务层次的领导职数自 {since} 起已另有变更。请按生效时间的先后办理。"


class SeatsBelowUse(Conflict):
    """Lowered below the leaders in post, without a recorded cause."""

    code = "seats_below_use"
    sentence = "变更后{level}的领导职数 {approved} 名低于实配 {used} 名。请先办理免职或调任；确按批准文件核减的，请注明超职数原因。"


class QuotaBelowZero(Conflict):
    """More posts than there are."""

    code = "quota_below_zero"
    sentence = "{kind}（{funding}）现有编制数 {quota} 名，不足以核减或划出 {posts} 名。请核对数量、编制类型和经费形式。"


class NoPostsOfRow(Conflict):
    """The unit has no posts of this kind and funding; it may have others."""

    code = "no_posts_of_row"
    sentence = "{unit}没有{kind}（{funding}）的编制，不能核减或划出；现有：{held}。请核对单位、编制类型和经费形式。"


class QuotaBelowUse(Conflict):
    """Below headcount + reserved, without a recorded cause."""

    code = "quota_below_use"
    sentence = "变更后的编制数 {quota} 名低于实有和已核未用合计 {used} 名。请先减员，或者注明超编原因并附批准文件。"


class SameUnit(Conflict):
    """Giver and taker are one."""

    code = "same_unit"
    sentence = "两个单位相同：转出与转入、所在与借入、撤并与承接的须是不同的单位。请选择另一个单位。"


class QuotaExhausted(Conflict):
    """可用编 < n on this row."""

    code = "quota_exhausted"
    sentence = (
        "可用编制不足：所选编制类型和经费形式核定 {quota} 名，现可用 {available} 名，需要 {posts} 名。"
        "请先核对编制类型和经费形式；确已用完的，请减员出编或申请增加编制，不同编制类型和经费形式之间不能相抵。"
    )


class QuotaTermOver(Conflict):
    """周转编制 are lent for a term; after it nobody new takes one (人走编收)."""

    code = "quota_term_over"
    sentence = "该周转编制的使用期限已于 {until} 届满，不再用于进人。请按批准文件收回，或办理延期（重新核定使用期限）后再办。"


class NotOverQuota(Conflict):
    """A post is free."""

    code = "not_over_quota"
    sentence = "该项编制尚有可用编制 {available} 名，不属于超编。请按入编办理。"


class Frozen(Conflict):
    """A freeze order stands in the way; `facts["orders"]` names all of them."""

    code = "frozen"
    sentence = "本单位此项业务已被冻结，暂不能办理。请先完成整改，解冻后可继续办理。"


class OrderEnded(Conflict):
    """Released before."""

    code = "order_ended"
    sentence = "该冻结决定已经解除。无需再次办理。"


class OrderKnown(Conflict):
    """In force already, or was."""

    code = "order_known"
    sentence = "该冻结决定已经执行。请勿重复提交。"


class PersonKnown(Conflict):
    """The ID number is registered."""

    code = "person_known"
    sentence = "该公民身份号码已登记。请使用已有的人员记录，不要重复登记。"


class IdNumberInvalid(Conflict):
    """GB 11643-1999."""

    code = "id_number_invalid"
    sentence = "公民身份号码不正确：{detail}。请按身份证件核对。"


class SexDiffersFromId(Conflict):
    """Digit 17."""

    code = "sex_differs_from_id"
    sentence = "性别与公民身份号码第 17 位不一致。请核对。"


class BirthDiffersFromId(Conflict):
    """Digits 7 to 14."""

    code = "birth_differs_from_id"
    sentence = "出生日期与公民身份号码不一致。档案认定的出生日期不同的，请填入档案认定出生日期一栏。"


class RetirementCategoryMismatch(Conflict):
    """The category does not exist for this sex."""

    code = "retirement_category_mismatch"
    sentence = "退休类别与性别不符。请核对。"


class RetirementReasonMissing(Conflict):
    """An override says another category than post and title do."""

    code = "retirement_reason_missing"
    sentence = "自行填写退休类别的，须写明依据。请补充退休类别依据后重新提交。"


class LateRetirementClosed(Conflict):
    """弹性延迟 is open neither to civil servants nor to leaders and managers (人社部发〔2024〕94号)."""

    code = "late_retirement_closed"
    sentence = "公务员、参公人员以及事业单位、国有企业的领导和管理人员不适用弹性延迟退休。请核对弹性选择，或先核对人员身份和领导职务级别。"


class CodeUnknown(Conflict):
    """The field's code is not in its set on this day. The value is not repeated: it may be sensitive."""

    code = "code_unknown"
    sentence = "“{field}”所填的代码不在代码表中或已停用。请从代码表中选择。"


class SeatsExhausted(Conflict):
    """No seat of the level is vacant."""

    code = "seats_exhausted"
    sentence = (
        "{level}没有空缺：核定领导职数 {approved} 名，实配 {used} 名。请先免职或增加核定职数；确已任命的，由监督检查科如实记录超职数。"
    )


class SeatsUnapproved(Conflict):
    """The level has no approved seat (a new unit, a new level): the number comes first."""

    code = "seats_unapproved"
    sentence = (
        "该单位尚未核定{level}的领导职数，不能配备。请先由编办业务科按批准文件核定职数"
        "（“机构改革”中办理“核定职数”）；批准前确已任命的，由监督检查科如实记录超职数。"
    )


class NotOverSeats(Conflict):
    """A seat is vacant: whoever takes it is not beyond the number."""

    code = "not_over_seats"
    sentence = "{level}尚有空缺：核定领导职数 {approved} 名，实配 {used} 名，不属于超职数。请按任免办理。"


class SeatUnchanged(Conflict):
    """He takes this seat already, or has none to leave."""

    code = "seat_unchanged"
    sentence = "该人员占用领导职数的情况与所填相同，没有变动。请核对；起始日期有误的，请由编办更正。"


class ChangedLater(Conflict):
    """A later change of the same field stands already."""

    code = "changed_later"
    sentence = "该项内容自 {since} 起已另有变更。请按时间先后办理；如系统有误，请由编办更正。"


class KeyItemWouldChange(Conflict):
    """A field of the unit's decides the retirement category, which is a key item (★)."""

    code = "key_item_would_change"
    sentence = "此项修改将使退休类别（关键信息）随之改变。请提交信息变更申请，并附证明材料。"


class ChangeNeedsCase(Conflict):
    """A key item (★) becomes another from a day on: that is a change, no correction."""

    code = "change_needs_case"
    sentence = "“{fields}”自 {since} 起的变动是信息变更，不是更正，任何人不能单独改动关键信息。请由单位提交“信息变更”申请并附证明材料；原来登错的，请不填起始日期，或填登错内容的起始日。"


class PersonOnRoster(Conflict):
    """On a roster on that day or later."""

    code = "person_on_roster"
    sentence = "该人员在所填日期已在册（在编或编外），不得重复入编。请先办理出编或改办调动。"


class ParameterUnknown(NotFound):
    """No such limit."""

    code = "parameter_unknown"
    sentence = "没有名为 {name} 的参数。请从 /parameters 所列的参数中选择。"


class ParameterMalformed(Conflict):
    """A limit that no case could keep; `wanted`: what it should be."""

    code = "parameter_malformed"
    sentence = "“{called}”的值应为{wanted}。参数没有改变，请改正后重新提交。"


class OffPostUntold(Conflict):
    """编外: what kind of work, and how employed."""

    code = "off_post_untold"
    sentence = "编外人员须写明编外岗位类别和用工方式。请补充后重新提交。"


class OffPostOfEstablishment(Conflict):
    """What belongs to 编外 staff alone was told of a post on the establishment."""

    code = "off_post_of_establishment"
    sentence = "编外岗位类别和用工方式只用于编外人员，所选编制类型不是编外。请去掉这两项，或核对编制类型后重新提交。"


class ContractUnknown(Conflict):
    """Whoever stands on the establishment has no contract of this kind."""

    code = "contract_unknown"
    sentence = "该人员现任岗位没有登记用工方式，没有可续签的合同。只有编外人员有用工合同；漏登的，请报编办更正。"


class ContractEndsBefore(Conflict):
    """A contract that is over before it begins."""

    code = "contract_ends_before"
    sentence = (
        "合同到期 {until} 早于合同开始之日 {since}。续签、变更合同的，请一并填写新的到期日期；原合同的到期日期登记有误的，请报编办更正。"
    )


class PersonNotHere(Conflict):
    """Not on this unit's establishment."""

    code = "person_not_here"
    sentence = "该人员当前不在本单位的编制上。请核对单位和人员。"


class KindsApart(Conflict):
    """A transfer stays within 编制, within 员额 or within 编外."""

    code = "kinds_apart"
    sentence = "该人员现任岗位的编制类型 {held} 与拟用的编制类型 {wanted} 性质不同，编制、员额、编外之间不能以调动办理。请先由调入单位申请核准用编，待该人员出编后凭核准用编办理入编。"


class CorrectionKindsApart(Conflict):
    """A correction takes nobody into 编制, 员额 or 编外 from another of them: that is an entry, on an authorised use (先核编后进人)."""

    code = "correction_kinds_apart"
    sentence = (
        "编制类型 {held} 与 {wanted} 性质不同，不能以更正在编制、员额、编外之间改动。确系登记有误的，请先办理出编，再凭核准用编办理入编。"
    )


class PersonElsewhere(Conflict):
    """A file was checked for one unit; by now the person is in another."""

    code = "person_elsewhere"
    sentence = "文件核对之后，有人员已转到其他单位，原来的核对结果对其不再适用，未写入。请重新上传文件，核对无误后再导入。"


class AlreadyReleased(Conflict):
    """Has left before."""

    code = "already_released"
    sentence = "该人员已经出编。如日期有误，请办理更正。"


class NotReleasedYet(Conflict):
    """An exit is no correction."""

    code = "not_released_yet"
    sentence = "该人员仍在编，不能用更正登记出编时间或出编原因。请办理出编。"


class NothingCorrected(Conflict):
    """An empty correction."""

    code = "nothing_corrected"
    sentence = "没有填写任何要变更或更正的内容。请至少填写一项。"


class CauseUnrecorded(Conflict):
    """The cause of a surplus that is not recorded of this post."""

    code = "cause_unrecorded"
    sentence = "该在编记录没有登记为超编，没有可更正的超编原因。检查发现超编的，请由监督检查科登记超编事实。"


class NotAuthorised(Conflict):
    """先核编后进人."""

    code = "not_authorised"
    sentence = "未经核准用编，不得进人（先核编后进人）。请先申请用编，凭核准使用编制通知单办理入编，入编日期不得早于核准日期。"


class ReservationExpired(Conflict):
    """The validity is over."""

    code = "reservation_expired"
    sentence = "该核准用编已于 {expires_on} 到期失效。请重新申请用编。"


class ReservationRecalled(Conflict):
    """Its document was revoked."""

    code = "reservation_recalled"
    sentence = "该核准用编的文书已撤销，不能再凭以入编。请重新申请用编。"


class ReservationHeld(Conflict):
    """Others hold what is left."""

    code = "reservation_held"
    sentence = "该核准用编剩余的名额均已被在办的入编申请占用。请等待其办结或另行申请用编。"


class ReservationUsedUp(Conflict):
    """Nothing is left."""

    code = "reservation_used_up"
    sentence = "该核准用编的名额已经用完。请重新申请用编。"


class ClaimRefusedByTombstone(Conflict):
    """The revision gave back what it had."""

    code = "claim_refused_by_tombstone"
    sentence = "该申请的这一版本已撤回或退回，其占用的编制已经归还。请重新提交申请。"


class ClaimUnknown(Conflict):
    """Nothing is claimed by this revision."""

    code = "claim_unknown"
    sentence = "该申请没有占用编制，不能落编。请先完成审批。"


class ClaimOpen(Conflict):
    """The application has claimed already."""

    code = "claim_open"
    sentence = "该申请已占用编制或已落编。请勿重复办理。"


class PersonClaimed(Conflict):
    """Another application is about to place the person."""

    code = "person_claimed"
    sentence = "该人员另有一件入编或调动申请正在落编。请等待其办结。"


class PostsNotOne(Conflict):
    """One person per case."""

    code = "posts_not_one"
    sentence = "入编、出编、调动每件只办理一人。请分别提交。"


REQUESTED = {
    "kind": "编制类型",
    "funding": "经费形式",
    "person_id": "人员",
    "reason_code": "进入或减少原因",
    "from_unit_id": "调出单位",
    "change_id": "信息变更",
    "reservation_id": "核准用编",
}
"""What an application names, by its field."""


class RequestIncomplete(Conflict):
    """A field that the type needs is missing."""

    code = "request_incomplete"
    sentence = "申请缺少必填项：{field}。请补充后重新提交。"
