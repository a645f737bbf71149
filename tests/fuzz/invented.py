"""Invented values of a JSON schema as pydantic writes it."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
_FORMATS: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat()),
}


def fitting(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit the schema; `whole` has its `$defs`."""
    if "$ref" in schema:
        return fitting(whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], whole)
    for one_of in ("anyOf", "oneOf"):
        if one_of in schema:
            return st.one_of([fitting(each, whole) for each in schema[one_of]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _KINDS[schema["type"]](schema, whole) if "type" in schema else JSON


def _array(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    low = schema.get("minItems", 0)
    return st.lists(fitting(schema.get("items", {}), whole), min_size=low, max_size=schema.get("maxItems", low + 3))


def _object(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return st.dictionaries(TEXT, fitting(schema.get("additionalProperties") or {}, whole), max_size=3)
    return st.fixed_dictionaries({name: fitting(each, whole) for name, each in schema["properties"].items()})


def _string(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return _FORMATS.get(schema.get("format", ""), st.text(max_size=20).filter(lambda text: len(text) >= schema.get("minLength", 0)))


def _integer(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[int]:
    low = max(schema.get("minimum", -(2**31)), schema.get("exclusiveMinimum", -(2**31) - 1) + 1)
    return st.integers(low, schema.get("maximum", 2**31 - 1))


_KINDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], st.SearchStrategy[Any]]] = {
    "array": _array,
    "object": _object,
    "string": _string,
    "integer": _integer,
    "number": lambda *_: st.floats(-1e6, 1e6),
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
}
