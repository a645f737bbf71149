"""The events as an AsyncAPI 3 document, made from their classes: what other systems need to read the topics."""

from typing import Any

from pydantic.json_schema import models_json_schema

from shared.deeds import EVENTS
from shared.events.envelope import CONTEXT, Event

_REF = "#/components/schemas/{model}"
_PUBLISHERS = {"roster": "实名制台账", "approval": "审批", "monitoring": "监测", "identity": "用户与权限"}
_ABOUT = (
    "机构编制业务的全部事件。CloudEvents 1.0 的 Kafka 二进制形式：上下文在消息头（ce_*），数据为 JSON；消息键为单位编号，同一键有序。"
    "同一版本（.v1）内只增加可选字段；身份证号和姓名不在任何事件中。"
)


def document(classes: "tuple[type[Event], ...]", version: str) -> dict[str, Any]:
    """The document of these event classes."""
    kinds = {str(cls.model_fields["type"].default): cls for cls in classes}
    topics = sorted({cls.topic for cls in classes})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "海宁数智编办 · 事件", "version": version, "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, [kind for kind, cls in kinds.items() if cls.topic == topic]) for topic in topics},
        "operations": {f"send.{topic}": _operation(topic) for topic in topics},
        "components": {"messages": {kind: _message(kind, cls) for kind, cls in kinds.items()}, "schemas": _schemas(classes)},
    }


def _channel(topic: str, kinds: list[str]) -> dict[str, Any]:
    publisher = _PUBLISHERS[topic.partition(".")[0]]
    return {
        "address": topic,
        "title": f"{publisher}的事件",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {
            "kafka": {"topic": topic, "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1}, "bindingVersion": "0.5.0"}
        },
    }


def _operation(topic: str) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{topic}"}, "summary": f"{_PUBLISHERS[topic.partition('.')[0]]}服务发出"}


def _message(kind: str, cls: type[Event]) -> dict[str, Any]:
    return {
        "name": kind,
        "title": EVENTS.get(kind, kind),
        "summary": " ".join((cls.__doc__ or "").split()),
        "contentType": "application/json",
        "headers": _headers(kind, cls),
        "payload": {"$ref": _REF.format(model=cls.__name__)},
        "correlationId": {"location": "$message.header#/ce_correlationid", "description": "案件编号（如 rectification:…），没有案件则无。"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
    }


def _headers(kind: str, cls: type[Event]) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    return {
        "type": "object",
        "required": [
            "ce_specversion",
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_subject",
            "ce_time",
            "ce_partitionkey",
            "ce_sequence",
            "content-type",
        ],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text | {"format": "uuid", "description": "事件编号；重复投递时相同，按它去重。"},
            "ce_source": {"const": "/" + kind.partition(".")[0]},
            "ce_type": {"const": kind},
            "ce_subject": text | {"description": f"{cls.aggregate_type}/编号：ce_sequence 所计的对象。"},
            "ce_time": text | {"format": "date-time", "description": "业务时间。"},
            "ce_partitionkey": text | {"format": "uuid"},
            "ce_sequence": text | {"pattern": "^[0-9]{12}$", "description": "该对象的版本，从 1 起逐一递增，无缺号。"},
            "ce_correlationid": text,
            "content-type": {"const": "application/json"},
            "traceparent": text | {"description": "W3C Trace Context。"},
        },
    }


def _schemas(classes: "tuple[type[Event], ...]") -> dict[str, Any]:
    """The data of each class and what it is made of; what stands in the headers is not repeated."""
    schemas: dict[str, Any] = models_json_schema([(cls, "serialization") for cls in classes], ref_template=_REF)[1]["$defs"]
    for cls in classes:
        schema = schemas[cls.__name__]
        schema["properties"] = {name: about for name, about in schema["properties"].items() if name not in CONTEXT}
        schema["required"] = [name for name in schema.get("required", ()) if name not in CONTEXT]
    return schemas
