"""What may stand in a topic: every event comes back as it went, and whatever else stands there is an Unreadable and nothing worse."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.events import CATALOGUE, TOPICS
from shared.events.envelope import CONTEXT, Event, Headers, Unreadable
from tests.contracts.frozen import EVENTS, name_of
from tests.fuzz.invented import JSON, TEXT, fitting

PLANTED = "张测试330499198603051236"
FEW = settings(max_examples=8, database=None, suppress_health_check=list(HealthCheck))
EACH = pytest.mark.parametrize("cls", EVENTS, ids=[name_of(cls) for cls in EVENTS])
WHOLE = st.data()


def invented(data: st.DataObject, cls: type[Event]) -> Event:
    schema = cls.model_json_schema()
    made = data.draw(fitting(schema, schema))
    return cls.model_validate(made | {"version": data.draw(st.integers(1, 10**6))})


def read(topic: str, headers: Headers, body: bytes) -> Event | None:
    """The event, or none where it is refused, by a reason without data. Anything else is raised."""
    try:
        return CATALOGUE.read(topic, headers, body)
    except Unreadable as refused:
        said = str(refused)
    assert PLANTED not in said
    return None


@EACH
@FEW
@given(data=WHOLE)
def test_an_event_comes_back_as_it_went_whatever_a_later_publisher_adds(cls: type[Event], data: st.DataObject) -> None:
    event = invented(data, cls)
    more = data.draw(st.dictionaries(TEXT.filter(lambda name: name not in cls.model_fields), JSON, max_size=3))
    later = json.dumps(json.loads(event.body()) | more).encode()

    assert read(cls.topic, event.headers(), later) == event


@EACH
@FEW
@given(data=WHOLE)
def test_an_event_without_a_field_that_it_needs_is_refused(cls: type[Event], data: st.DataObject) -> None:
    event = invented(data, cls)
    needed = sorted(name for name, field in cls.model_fields.items() if field.is_required() and name not in CONTEXT)
    lost = data.draw(st.sampled_from(needed))
    body = {name: value for name, value in json.loads(event.body()).items() if name != lost}

    assert read(cls.topic, event.headers(), json.dumps(body).encode()) is None


@EACH
@FEW
@given(data=WHOLE)
def test_a_field_of_another_type_is_refused_and_never_told_of(cls: type[Event], data: st.DataObject) -> None:
    event = invented(data, cls)
    fields = json.loads(event.body())
    wrong = data.draw(st.sampled_from(["unit_id", "version"]))
    spoilt: Any = data.draw(st.sampled_from([PLANTED, [PLANTED], {PLANTED: PLANTED}, None, {}, [], 1.5, "\0"]))

    assert read(cls.topic, event.headers(), json.dumps(fields | {wrong: spoilt}).encode()) is None


@EACH
@FEW
@given(data=WHOLE)
def test_anything_in_place_of_any_field_is_an_event_or_refused(cls: type[Event], data: st.DataObject) -> None:
    event = invented(data, cls)
    fields = json.loads(event.body())
    spoilt = {data.draw(st.sampled_from(sorted(fields))): data.draw(JSON | st.just(PLANTED))}

    read(cls.topic, event.headers(), json.dumps(fields | spoilt).encode())


@FEW
@given(
    topic=st.sampled_from(TOPICS),
    kind=st.sampled_from([name_of(cls) for cls in EVENTS]) | TEXT,
    headers=st.dictionaries(st.sampled_from(["ce_id", "ce_time", "ce_sequence", "ce_partitionkey"]), TEXT),
    body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"[" * 100_000) | st.just(b'{"a":' * 100_000),
)
def test_no_bytes_are_more_than_refused(topic: str, kind: str, headers: Headers, body: bytes) -> None:
    assert read(topic, headers | {"ce_type": kind}, body) is None


@EACH
@settings(FEW, max_examples=3)
@given(data=WHOLE)
def test_a_newer_version_another_publisher_another_key_and_another_number_are_refused(cls: type[Event], data: st.DataObject) -> None:
    event = invented(data, cls)
    headers, body = event.headers(), event.body()
    newer = headers["ce_type"].removesuffix("1") + "2"

    assert read(cls.topic, headers, body) == event
    assert read(cls.topic, headers | {"ce_type": newer}, body) is None
    assert [read(topic, headers, body) for topic in TOPICS if topic != cls.topic] == [None] * (len(TOPICS) - 1)
    assert read(cls.topic, headers | {"ce_partitionkey": "00000000-0000-7000-8000-000000000000"}, body) is None
    assert read(cls.topic, headers | {"ce_sequence": f"{event.version + 1:012d}"}, body) is None
