"""What a person may read of a record that nobody could handle: ids, dates, small numbers and codes. Anything else may be a name or an ID number."""

import re
from typing import Any

from pydantic_core import from_json

from shared.events import CATALOGUE
from shared.events.envelope import Headers

_ID = re.compile(r"([a-z_]{1,30}[:/])?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?")
_CODE = re.compile(r"(?!.*\d{7})[A-Za-z][A-Za-z0-9_.-]{0,39}")
_HEADERS = ("ce_id", "ce_time", "ce_subject", "ce_partitionkey", "ce_sequence", "ce_correlationid")
_SMALL = 10**7
_COUNT = re.compile(r"0*\d{1,7}")


def event_type(told: str) -> str:
    """The type of an event that somebody publishes, also of a newer build, or whether it is a stranger's."""
    return told if told in CATALOGUE.types() or CATALOGUE.older(told) else "（未知类型）"


def key(told: str) -> str:
    """The key of a record, where it is an id as ours are."""
    return _text(told, codes=False)


def headers(told: Headers) -> dict[str, str]:
    """The headers that place an event; of each only ids, dates and words."""
    return {name: _text(told[name], codes=True) for name in _HEADERS if name in told}


def body(kind: str, data: bytes) -> Any:
    """The data: known fields of a known type show their codes, others their ids, dates and small numbers alone."""
    try:
        found = from_json(data)
    except ValueError:
        return f"（不是 JSON，{len(data)} 字节）"
    cls = CATALOGUE.types().get(kind)
    return _masked(found, _names(cls.model_json_schema()) if cls else frozenset())


def _names(schema: dict[str, Any]) -> frozenset[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


def _masked(value: Any, known: frozenset[str], *, codes: bool = False) -> Any:
    if isinstance(value, dict):
        return {_text(name, codes=name in known): _masked(each, known, codes=name in known) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, known, codes=codes) for each in value]
    if isinstance(value, str):
        return _text(value, codes=codes)
    return value if value is None or abs(value) < _SMALL else "（数）"


def _text(value: str, *, codes: bool) -> str:
    shown = not value or _ID.fullmatch(value) or _DAY.fullmatch(value) or (codes and (_CODE.fullmatch(value) or _COUNT.fullmatch(value)))
    return value if shown else f"（{len(value)} 字）"
