"""The services' descriptions of themselves (OpenAPI, AsyncAPI) as lines of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.glossary import LABELS, Role

Document = Mapping[str, Any]
Permissions = Mapping[str, frozenset[Role]]
PERMISSION, ROWS = "x-permission", "x-row-scope"
"""Where a service's description says it (`shared/declared.py`)."""
_ROWS = {"units": "本人管辖的单位", "self": "本人自己的", "public": "不分单位"}
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Argument:
    """What a route is asked with, or a field of an event."""

    name: str
    kind: str
    needed: bool
    words: str


@dataclass(frozen=True)
class RouteLine:
    """One route: what it is called and does, who may, which rows it shows, what it takes."""

    method: str
    path: str
    group: str
    name: str
    words: str
    permission: str
    roles: tuple[str, ...]
    rows: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class EventLine:
    """One kind of event on its channel."""

    name: str
    title: str
    words: str
    fields: tuple[Argument, ...]


def routes(document: Document, permissions: Permissions) -> dict[str, list[RouteLine]]:
    """The routes by the first part of their path, without those of the machine room; `permissions`: whose each is."""
    groups: dict[str, list[RouteLine]] = {}
    for path in sorted(set(document["paths"]) - {"/live", "/ready"}):
        for method in (each for each in _METHODS if each in document["paths"][path]):
            groups.setdefault(path.split("/")[1], []).append(_route(document, path, method, permissions))
    return groups


def _route(document: Document, path: str, method: str, permissions: Permissions) -> RouteLine:
    operation: Document = document["paths"][path][method]
    permission = operation.get(PERMISSION, "")
    roles = tuple(LABELS[role] for role in Role if role in permissions.get(permission, ()) and role is not Role.SERVICE)
    arguments = (*_parameters(document, operation), *_body(document, operation))
    group = (operation.get("tags") or [path.split("/")[1]])[0]
    name, words = operation.get("summary", ""), operation.get("description", "")
    return RouteLine(method.upper(), path, group, name, words, permission, roles, _ROWS.get(operation.get(ROWS, ""), ""), arguments)


def _parameters(document: Document, operation: Document) -> Iterator[Argument]:
    places = {"query": "", "path": "（路径）", "header": "（请求头）"}
    for each in operation.get("parameters", ()):
        kind = f"{_kind(document, each.get('schema', {}))}{places.get(each['in'], '')}"
        yield Argument(each["name"], kind, each.get("required", False), each.get("description", ""))


def _body(document: Document, operation: Document) -> Iterator[Argument]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        for each in _fields(document, content.get("schema", {})):
            yield Argument(each.name, f"{each.kind}（{'表单' if media.startswith('multipart') else '正文'}）", each.needed, each.words)


def events(document: Document) -> dict[str, list[EventLine]]:
    """The kinds of events by channel."""
    messages = document["components"]["messages"]
    return {
        f"{name}　{channel['title']}": [_event(document, messages[kind]) for kind in channel["messages"]]
        for name, channel in document["channels"].items()
    }


def _event(document: Document, message: Document) -> EventLine:
    return EventLine(message["name"], message["title"], message["summary"], tuple(_fields(document, message["payload"])))


def _fields(document: Document, schema: Document) -> Iterator[Argument]:
    schema = _opened(document, schema)
    needed = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        yield Argument(name, _kind(document, about), name in needed, about.get("description", ""))


def _opened(document: Document, schema: Document) -> Document:
    reference = schema.get("$ref", "")
    found: Document = document.get("components", {}).get("schemas", {}).get(reference.rpartition("/")[2], {}) if reference else schema
    return found


def _kind(document: Document, schema: Document) -> str:
    """In few words: its type, its format, or what may be chosen."""
    several = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if several:
        return " | ".join(dict.fromkeys(_kind(document, each) for each in several))
    if "$ref" in schema:
        opened = _opened(document, schema)
        return _kind(document, opened) if "enum" in opened else str(opened.get("title") or schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"{_kind(document, schema.get('items', {}))}[]"
    return str(schema.get("format") or schema.get("const") or schema.get("type") or "object")
