"""What routes, their groups and their parameters are called in the description a service gives of itself (OpenAPI): its readers read Chinese.

Each service names its own routes (`WORDS` of its `api`), by method and path; what all services share stands here. A test finds the route without a name.
"""

from collections.abc import Mapping
from typing import Any

Words = Mapping[str, str]
NO_WORDS: Words = {}
SHARED: Words = {
    "GET /live": "进程是否存活",
    "GET /ready": "是否就绪，在等哪些部件",
    "GET /exports/lists": "可以导出的清单及其列和筛选条件",
    "GET /exports/audit": "导出的审计记录",
    "POST /exports": "申请导出一份清单",
    "GET /exports": "本人的导出",
    "GET /exports/{export_id}": "一次导出的情况",
    "GET /exports/{export_id}/progress": "导出进度（服务器推送）",
    "POST /exports/{export_id}/cancel": "取消导出",
    "GET /exports/{export_id}/file": "下载导出的文件",
    "GET /cases/{case_id}/trace": "一个案件的流程、事件和链路",
    "GET /traces/{trace_id}": "一条链路中的事件",
    "GET /upkeep/dead-letters": "死信列表",
    "GET /upkeep/dead-letters/{number}": "一条死信及同键的后续事件",
    "POST /upkeep/dead-letters/{number}/replay": "重放死信",
    "GET /upkeep/outbox": "待发队列",
    "GET /upkeep/positions": "主题末端与消费位置",
    "GET /upkeep/parts": "本服务及其部件的版本",
    "GET /trail": "操作留痕",
}
GROUPS: Words = {
    "application-checks": "申请核对",
    "application-previews": "文书预览",
    "applications": "申请",
    "audit": "账号审计",
    "calendar": "工作日历",
    "cases": "案件",
    "chains": "审批链",
    "changes": "信息变更",
    "codes": "代码表",
    "colleagues": "姓名对照",
    "comparisons": "上级数据比对",
    "demo": "演示登录",
    "differences": "差异处理",
    "documents": "文书",
    "exports": "导出",
    "figures": "统计",
    "freeze-orders": "冻结",
    "imports": "导入",
    "issues": "问题整改",
    "ledger": "台账",
    "lights": "亮灯",
    "live": "健康检查",
    "loads": "期初建账",
    "me": "本人",
    "names": "名称对照",
    "oidc": "统一身份认证",
    "parameters": "规则参数",
    "person-requests": "本人权利请求",
    "persons": "人员",
    "placements": "在编记录",
    "posts": "编制使用",
    "ready": "健康检查",
    "proxies": "代办",
    "rebuilds": "报表重建",
    "reforms": "机构改革",
    "reveals": "证件号查看",
    "scopes": "授权范围",
    "seal-callbacks": "签章平台回调",
    "secondments": "借调",
    "sessions": "登录会话",
    "supervision-lists": "督办清单",
    "tasks": "待办",
    "templates": "导入模板",
    "traces": "链路",
    "trail": "操作留痕",
    "transfers": "调动",
    "units": "单位",
    "upkeep": "运维",
    "users": "用户与角色",
    "verifications": "文书核验",
}
"""By the first part of the path."""
PARAMETERS: Words = {
    "Idempotency-Key": "请求编号：同一编号重复提交只办理一次，答复相同",
    "Last-Event-ID": "从哪一个事件之后接着推送",
    "X-Session": "登录会话的钥匙",
    "actor": "经办人登录名",
    "after": "上一页答复中的 next，空为第一页",
    "as_of": "以哪一天为准",
    "before": "上一页答复中的 next，空为最近的一页",
    "below": "是否连同下级单位",
    "case": "案件编号",
    "fields": "只要这些字段，逗号分隔",
    "known_on": "以哪一天所知为准",
    "leads": "以谁为准",
    "limit": "每页条数",
    "light": "单位亮灯",
    "color": "灯色",
    "on_roster": "在编、不在编或全部",
    "parent": "只要这个单位的直接下级",
    "population": "人员范围：机关事业、编外、国资",
    "q": "查找的文字：名称、拼音、首字母或编码",
    "since": "从哪一天起",
    "sort": "排序，前面加减号为倒序",
    "state": "状态",
    "top": "只要本人所见树的顶层",
    "type": "类型",
    "under": "这个单位及其全部下级",
    "unit": "单位编号",
    "unit_id": "单位编号",
    "until": "到哪一天止",
    "user": "登录名",
    "words": "名称的一部分",
    "year": "年份",
    **{
        f"{name}_id": f"{called}编号"
        for name, called in (("application", "申请"), ("case", "案件"), ("change", "变更"), ("document", "文书"))
    },
    **{
        f"{name}_id": f"{called}编号"
        for name, called in (("difference", "差异"), ("export", "导出"), ("import", "导入"), ("issue", "问题"))
    },
    **{
        f"{name}_id": f"{called}编号"
        for name, called in (("list", "清单"), ("order", "冻结单"), ("person", "人员"), ("placement", "在编记录"))
    },
    **{
        f"{name}_id": f"{called}编号" for name, called in (("reform", "改革"), ("request", "请求"), ("run", "比对"), ("secondment", "借调"))
    },
    **{f"{name}_id": f"{called}编号" for name, called in (("attachment", "附件"), ("file", "附件"), ("session", "会话"), ("view", "视图"))},
    "trace_id": "链路编号",
}


def tell_words(described: dict[str, Any], own: Words) -> None:
    """Write them into a description: `summary` and `tags` of each route, `description` of parameters that have none. What the docstring says stays."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            key = f"{method.upper()} {path}"
            operation["summary"] = own.get(key) or SHARED.get(key) or operation["summary"]
            operation["tags"] = [GROUPS.get(path.split("/")[1], path.split("/")[1])]
            for each in operation.get("parameters", ()):
                each["description"] = PARAMETERS.get(each["name"]) or each.get("description", "")
