"""What routes, their groups, their parameters and the fields of their bodies are called in the description a service gives of itself (OpenAPI): its
readers read Chinese.

Each service names its own (`WORDS` of its `api`); what several services share stands here. A test finds the route and the field without a name.
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Names = Mapping[str, str]


@dataclass(frozen=True)
class Words:
    """`routes` by method and path; `groups` by the first part of the path; `fields` of bodies by name, or by schema and name (`NewView.name`)."""

    routes: Names = field(default_factory=dict)
    groups: Names = field(default_factory=dict)
    fields: Names = field(default_factory=dict)

    def of_all_routes(self) -> Names:
        """Those that several services share, too."""
        return {**SHARED, **self.routes}


NO_WORDS = Words()
SHARED: Names = {
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
GROUPS: Names = {
    "cases": "案件",
    "codes": "代码表",
    "exports": "导出",
    "ledger": "台账",
    "live": "健康检查",
    "parameters": "规则参数",
    "ready": "健康检查",
    "seal-callbacks": "签章平台回调",
    "tasks": "待办",
    "traces": "链路",
    "trail": "操作留痕",
    "units": "单位",
    "upkeep": "运维",
    "verifications": "文书核验",
}
FIELDS: Names = {
    "document_no": "所依据文件的文号",
    "reason": "理由",
    "ExportBody.list": "清单名称，见 GET /exports/lists",
    "ExportBody.filters": "筛选条件，见 GET /exports/lists",
    "ExportBody.format": "文件格式：xlsx 或 csv",
    "ExportBody.fields": "要导出的列，空为全部",
    "ExportBody.unmasked": "敏感信息不脱敏（须有权限并写明用途）",
    "ExportBody.reason": "用途",
    "file": "文件内容",
    "kind": "编制类型代码",
    "funding": "经费形式代码",
    "sha256": "文件的 SHA-256 摘要",
    "source": "依据",
}
PARAMETERS: Names = {
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
    """Write them into a description: `summary` and `tags` of each route, `description` of its parameters and of the fields of its body. What a
    docstring or a form says itself stays.
    """
    routes = own.of_all_routes()
    for path, operations in described["paths"].items():
        group = path.split("/")[1]
        for method, operation in operations.items():
            operation["summary"] = routes.get(f"{method.upper()} {path}") or operation["summary"]
            operation["tags"] = [own.groups.get(group) or GROUPS.get(group, group)]
            for each in operation.get("parameters", ()):
                each["description"] = PARAMETERS.get(each["name"]) or each.get("description", "")
    words = ChainMap(*map(dict, (own.fields, FIELDS, PARAMETERS)))
    for schema, fields in bodies(described):
        for name, about in fields.items():
            if schema or "description" not in about:
                about["description"] = words.get(f"{schema}.{name}") or words.get(name, "")


def bodies(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What callers send: the fields of each schema and of those inside it, once each; without a name where it stands in the route itself."""
    operations = [operation for each in described["paths"].values() for operation in each.values()]
    waiting: list[tuple[str, Any]] = [("", operation.get("requestBody", {})) for operation in operations]
    seen = set()
    while waiting:
        name, part = waiting.pop()
        if "$ref" in part and part["$ref"] not in seen:
            seen.add(part["$ref"])
            name = part["$ref"].rpartition("/")[2]
            waiting.append((name, described["components"]["schemas"][name]))
        if "properties" in part:
            yield name, part["properties"]
        inside = [each for value in part.values() for each in (value if isinstance(value, list) else [value])]
        waiting += [("", each) for each in inside if isinstance(each, dict)]
