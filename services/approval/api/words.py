"""What approval's routes, their groups and the fields of their bodies are called in its description."""

from shared.route_words import Words

_ROUTES = {
    "POST /applications": "提交申请",
    "GET /applications": "申请列表",
    "GET /applications/{application_id}": "一件申请",
    "POST /applications/{application_id}/decisions": "审批：通过或退回",
    "POST /applications/{application_id}/recording": "重新记录停滞的申请",
    "POST /applications/{application_id}/resubmission": "补正后重新提交",
    "POST /applications/{application_id}/withdrawal": "撤回申请",
    "POST /applications/{application_id}/urging": "催办",
    "POST /applications/{application_id}/reading": "标为已阅",
    "GET /chains": "审批链",
    "POST /documents/{document_id}/release": "用印登记",
    "POST /documents/{document_id}/revocation": "撤销文书",
    "GET /documents/{document_id}": "一份文书",
    "GET /documents/{document_id}/file": "下载文书",
    "POST /application-previews": "预览文书",
    "POST /applications/{application_id}/attachments": "上传附件",
    "GET /applications/{application_id}/attachments": "附件列表",
    "GET /applications/{application_id}/attachments/{attachment_id}/file": "下载附件",
    "GET /tasks": "本人的审批待办",
    "GET /tasks/counts": "各类待办的件数",
    "GET /ledger": "归档备案台账",
    "GET /codes": "申请用的代码表",
    "GET /cases": "按编号查找申请",
    "POST /verifications": "核验文书",
    "POST /seal-callbacks": "签章平台回调",
}
_GROUPS = {
    "application-previews": "文书预览",
    "applications": "申请",
    "chains": "审批链",
    "documents": "文书",
}
_FIELDS = {
    "change_id": "信息变更的编号（先在台账登记）",
    "concerned": "申请所涉人员的登录名，其本人不得审批",
    "effective_on": "生效日期",
    "employment_form": "编外人员入编的，用工方式代码",
    "from_unit_id": "调出单位编号",
    "justification": "申请理由",
    "off_post_kind": "编外人员入编的，编外岗位类别代码",
    "on_behalf_of": "代为办理的，被代办人的登录名",
    "opinion": "审批意见",
    "posts": "用编数",
    "reason_code": "进入或减少原因代码",
    "reason_codes": "退回原因代码，须一次列全",
    "reservation_id": "所用核准用编的编号",
    "revision": "所办理的件次",
    "step": "所办理的环节",
    "title": "标题",
    "type": "申请类型",
    "verdict": "通过（approve）或退回（return）",
}
WORDS = Words(_ROUTES, _GROUPS, _FIELDS)
