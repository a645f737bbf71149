"""What is done, in the field's words: the names of steps in traces and in `bianban trace`. A test finds the step without one."""

from shared.glossary import SERVICE_NAMES

COMMANDS = {
    # roster
    "answer_difference": "答复差异",
    "begin_applying": "开始写入导入",
    "cancel_comparison": "取消比对",
    "cancel_import": "取消导入",
    "carry_out": "落实机构改革",
    "change_seat": "任免占用职数",
    "change_unit": "变更单位",
    "claim_post": "占用编制",
    "close_unit": "撤并单位",
    "correct_placement": "更正在编记录",
    "cut_quota": "核减编制",
    "decide_request": "决定本人请求",
    "end_secondment": "结束借调",
    "extend_secondment": "延长借调",
    "forget_import": "删除导入文件",
    "freeze_unit": "冻结单位",
    "give_back": "退回占用",
    "hand_out_copy": "提供本人信息副本",
    "hold_reservation": "锁定核准用编",
    "lapse_reservations": "核准用编到期",
    "recall_reservation": "核准用编收回",
    "lend_person": "借出人员",
    "load_unit": "期初建账",
    "_name_change": "差异转信息变更",
    "move_difference": "处理差异",
    "move_quota": "划转编制",
    "place_person": "人员入编",
    "raise_quota": "核增编制",
    "receive_comparison": "接收比对文件",
    "receive_import": "接收导入文件",
    "record_over_quota_fact": "如实记录超编",
    "record_over_seat": "如实记录超职数",
    "record_find": "登记核对调动人员",
    "record_reveal": "登记查看证件号",
    "register_unit": "登记单位",
    "release_person": "人员出编",
    "second_person": "借入人员",
    "set_parameter": "设置参数",
    "add_codes": "增加代码",
    "end_code": "停用代码",
    "set_quota": "核定编制数",
    "set_seats": "核定领导职数",
    "take_effect": "审批结果生效",
    "tell_calendar": "告知日历变动",
    "tell_seats": "告知领导职数现状",
    "transfer_person": "人员调动",
    "unfreeze_unit": "解冻单位",
    "write_units": "写入导入的单位",
    # approval
    "file_document": "文书归档",
    "keep_answer": "保存签章答复",
    "keep_attachment": "保存附件",
    "end_keeping": "清除保存期满的附件",
    "keep_rendered": "保存文书",
    "mark_held": "标明申请停滞",
    "number_document": "文书编号",
    "prepare_seal": "准备签章",
    "record_entry": "记录办理过程",
    "release_notice": "放行文书",
    "revoke_document": "撤销文书",
    "submit_application": "提交申请",
    # monitoring
    "acknowledge_list": "签收督办清单",
    "file_sealed": "归档签章件",
    "issue_list": "编发督办清单",
    "keep_evidence_file": "接收整改材料附件",
    "keep_notice": "保存整改通知书",
    "mark_case_held": "标明整改停滞",
    "mark_seal_held": "标明签章停滞",
    "mark_freeze_held": "标明冻结停滞",
    "mark_unverified": "标明数据待核",
    "propose_freeze": "提出冻结",
    "record_case_entry": "记录整改进展",
    "record_freeze_entry": "记录冻结进展",
    "record_measure": "登记处置措施",
    "correct_measure": "更正处置措施",
    "release_baseline": "启用存量问题",
    "release_list": "放行督办清单",
    "sweep_unit": "复查单位",
    # identity
    "end_all": "终止全部会话",
    "grant_role": "授予角色",
    "keep_handed_out": "发放一次性密码",
    "open_session": "登录",
    "register_user": "建立账号",
    "revoke_role": "收回角色",
    "seed_administrators": "建立首批管理员",
    "set_password": "修改密码",
    "set_proxy": "设置代办",
    "end_proxy": "提前结束代办",
    "unlock_account": "解除登录锁定",
    # reporting
    "start_rebuild": "开始重建报表",
    "give_up_rebuild": "放弃重建报表",
    # every service
    "_forget_file": "删除到期文件",
    "_record_seen": "登记查看差异",
    "ask_export": "申请导出",
    "cancel_export": "取消导出",
    "record_download": "登记取走清单",
    "take_calendar": "采用日历",
}
EVENTS = {
    "roster.unit_registered.v1": "单位已登记",
    "roster.unit_changed.v1": "单位已变更",
    "roster.unit_closed.v1": "单位已撤并",
    "roster.quota_changed.v1": "编制数变动",
    "roster.seats_changed.v1": "领导职数变动",
    "roster.posts_reserved.v1": "已核准用编",
    "roster.reservation_held.v1": "用编已锁定",
    "roster.hold_released.v1": "用编锁定解除",
    "roster.reservation_expired.v1": "用编核准过期",
    "roster.reservation_moved.v1": "用编核准转移",
    "roster.post_claimed.v1": "编制已占用",
    "roster.claim_released.v1": "占用已退回",
    "roster.person_registered.v1": "人员已登记",
    "roster.person_placed.v1": "人员已入编",
    "roster.person_released.v1": "人员已出编",
    "roster.over_quota_recorded.v1": "超编已记录",
    "roster.placement_corrected.v1": "在编记录已更正",
    "roster.unit_loaded.v1": "期初已建账",
    "roster.secondment_started.v1": "借调开始",
    "roster.secondment_extended.v1": "借调延长",
    "roster.secondment_ended.v1": "借调结束",
    "roster.unit_frozen.v1": "单位已冻结",
    "roster.unit_unfrozen.v1": "单位已解冻",
    "approval.application_submitted.v1": "申请已提交",
    "approval.application_moved.v1": "申请有进展",
    "approval.document_filed.v1": "文书已归档",
    "approval.attachments_removed.v1": "附件保存期满已清除",
    "monitoring.light_changed.v1": "亮灯变化",
    "monitoring.issue_changed.v1": "问题有进展",
    "monitoring.rung_fired.v1": "督办升级",
    "monitoring.measure_taken.v1": "处置措施已登记",
    "monitoring.measure_corrected.v1": "处置措施已更正",
    "monitoring.freeze_order_changed.v1": "冻结令有进展",
    "monitoring.supervision_list_issued.v1": "督办清单已编发",
    "monitoring.evidence_removed.v1": "整改附件期满已清除",
    **dict.fromkeys((f"{service}.audit_sealed.v1" for service in ("roster", "approval", "monitoring", "identity")), "审计已封存"),
    "identity.user_registered.v1": "账号已建立",
    "identity.role_granted.v1": "角色已授予",
    "identity.role_revoked.v1": "角色已收回",
    "identity.proxy_set.v1": "代办已设置",
    "identity.proxy_ended.v1": "代办已提前结束",
}
BY_HAND = {
    "drop_letter": "放弃死信",
    "pass_over": "越过读不出的事件",
    "read_again": "重读读不出的事件",
}
"""What `given_up` keeps."""
WORKFLOWS = {
    "ApprovalWorkflow": "审批流程",
    "ComparisonWorkflow": "比对流程",
    "FreezeWorkflow": "冻结流程",
    "ImportWorkflow": "导入流程",
    "RectificationWorkflow": "整改流程",
    "SealWorkflow": "签章流程",
    "SupervisionWorkflow": "督办清单流程",
    "SweepWorkflow": "复查流程",
}
UPDATES = {
    "accept_evidence": "验收通过",
    "apply_import": "确认写入",
    "ask_extension": "申请延期",
    "block": "冻结挡住",
    "cancel_import": "取消导入",
    "clock_moved": "业务时间变动",
    "confirm": "确认问题",
    "decide": "作出决定",
    "decide_release": "决定解冻",
    "decline_extension": "不予延期",
    "dismiss": "不属实",
    "extend": "延期",
    "issue_accepted": "问题已销号",
    "pause": "中止计时",
    "record_again": "重新记录",
    "recount": "重算期限",
    "release_document": "放行文书",
    "resubmit": "补正后重报",
    "resume": "恢复计时",
    "return_evidence": "退回整改",
    "seal_completed": "签章完成",
    "serve": "送达通知书",
    "submit_evidence": "报送整改材料",
    "unblock": "冻结解除",
    "urge": "催办",
    "withdraw": "撤回",
}
ACTIVITIES = {
    "approval.file_document": "文书归档",
    "approval.mark_held": "标明申请停滞",
    "approval.number_document": "文书编号",
    "approval.record_entry": "记录办理过程",
    "approval.render_document": "制作文书",
    "approval.request_seal": "申请签章",
    "monitoring.issue_weekly_lists": "编发每周督办清单",
    "monitoring.mark_case_held": "标明整改停滞",
    "monitoring.mark_freeze_held": "标明冻结停滞",
    "monitoring.record_case_entry": "记录整改进展",
    "monitoring.record_freeze_entry": "记录冻结进展",
    "monitoring.seal_document": "签章",
    "monitoring.sweep": "每日复查",
    "monitoring.sweep_day": "确定复查日",
    "roster.apply_import": "写入导入",
    "roster.check_application": "核对编制",
    "roster.check_import": "核对导入",
    "roster.claim_post": "占用编制",
    "roster.compare_registers": "比对两套台账",
    "roster.expire_reservations": "核准用编到期",
    "roster.forget_import": "删除导入文件",
    "roster.freeze_unit": "冻结单位",
    "roster.give_back": "退回占用",
    "roster.hold_reservation": "锁定核准用编",
    "roster.recall_reservation": "核准用编收回",
    "roster.take_effect": "审批结果生效",
    "roster.unfreeze_unit": "解冻单位",
}
CASES = {
    "approval": "审批",
    "comparison": "上级数据比对",
    "freeze": "冻结令",
    "import": "批量导入",
    "rectification": "整改",
    "revocation": "文书撤销",
    "seal": "签章",
    "supervision": "督办清单",
}


def title_of(kind: str) -> str:
    """What an entry of the trail is called: an event, or what a service keeps beside its events."""
    return EVENTS.get(kind) or COMMANDS.get(kind) or BY_HAND.get(kind, kind)


_PROCESSES = {*SERVICE_NAMES, "engine", "system", "audit", "migration"}


def who_acted(name: str) -> str:
    """A login name as it is; a process, and whoever works at the host itself, by a word."""
    if name in _PROCESSES or name.startswith(("service.", "account:")):
        return "系统"
    return "命令行" if name == "bianban" else name


def of_case(case_id: str | None) -> str | None:
    """What kind of case an id is of (`rectification:…:2` is the second round), and the week of a weekly list; none for another id."""
    kind, _, rest = (case_id or "").partition(":")
    name = CASES.get(kind)
    if name and kind == "supervision":
        return f"{name} {rest[:4]} 年第 {rest[-2:].lstrip('0')} 周"
    return f"{name}（第 {rest.rpartition(':')[2]} 轮）" if name and kind == "rectification" else name


def of_command(name: str) -> str:
    """A command's span."""
    return f"命令 {COMMANDS.get(name, name)}"


def of_event(verb: str, kind: str) -> str:
    """What is done with an event: 发出, 处理."""
    return f"{verb}事件 {EVENTS.get(kind, kind)}"


def of_request(kind: str) -> str:
    """What Temporal is asked, as the outbox has it: `start:…` or `update:…`."""
    verb, _, name = kind.partition(":")
    return f"启动{WORKFLOWS.get(name, name)}" if verb == "start" else f"告知流程 {UPDATES.get(name, name)}"


def of_activity(kind: str) -> str:
    """What a workflow asks of a service."""
    return f"活动 {ACTIVITIES.get(kind, kind)}"


def of_decision(update: str) -> str:
    """A person's decision on its way to a workflow."""
    return f"决定 {UPDATES.get(update, update)}"
