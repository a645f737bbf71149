"""Events are contracts: inside one version only additions pass."""

import copy
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import RFC_4122, uuid4

import pytest

from shared.events import CATALOGUE, TOPICS
from shared.events.envelope import Event, Unreadable, uuid7, uuid7s
from shared.events.roster import EstablishmentState, PersonRegistered, QuotaChanged
from tests.contracts.frozen import EVENTS, FOLDER, Contract, breaks, contract_of, frozen, name_of

NAMES = [name_of(cls) for cls in EVENTS]
HOWTO = "python -m tests.contracts.frozen"
QUOTA = "roster.quota_changed.v1"


@pytest.mark.parametrize("cls", EVENTS, ids=NAMES)
def test_an_event_still_keeps_its_frozen_contract(cls: type[Event]) -> None:
    before = frozen(name_of(cls))

    assert before is not None, f"a new event: freeze it by {HOWTO}"
    assert breaks(before, contract_of(cls)) == [], "make a new version beside the old one"
    assert before == contract_of(cls), f"an addition: freeze it by {HOWTO}"


def test_no_event_has_disappeared_and_no_type_is_used_twice() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_every_event_stands_in_a_known_topic_of_its_publisher() -> None:
    assert {cls.topic for cls in EVENTS} == set(TOPICS)
    assert all(name.split(".")[0] == cls.topic.split(".")[0] for cls, name in zip(EVENTS, NAMES, strict=True))


def test_identifiers_stand_in_the_order_in_which_a_process_made_them_within_a_millisecond_too() -> None:
    began = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(20_000)]
    together = uuid7s(1_000)

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert together == sorted(set(together))
    assert {(one.version, one.variant) for one in made + together} == {(7, RFC_4122)}
    assert began <= made[0].int >> 80 <= together[0].int >> 80 <= time.time_ns() // 1_000_000


def contract() -> Contract:
    found = frozen(QUOTA)
    assert found is not None
    return found


def remove_field(new: Contract) -> None:
    del new["schema"]["properties"]["effective_on"]


def change_type(new: Contract) -> None:
    new["schema"]["properties"]["version"]["type"] = "string"


def demand_more(new: Contract) -> None:
    new["schema"]["properties"]["colour"] = {"type": "string"}
    new["schema"]["required"].append("colour")


def promise_less(new: Contract) -> None:
    new["schema"]["required"].remove("effective_on")


def narrow(new: Contract) -> None:
    new["schema"]["$defs"]["EstablishmentState"]["properties"]["headcount"]["maximum"] = 100


def widen(new: Contract) -> None:
    del new["schema"]["$defs"]["EstablishmentState"]["properties"]["headcount"]["minimum"]


def move(new: Contract) -> None:
    new["topic"] = "approval.events"


def count_differently(new: Contract) -> None:
    new["aggregate_type"] = "quota"


@pytest.mark.parametrize("change", [remove_field, change_type, demand_more, promise_less, narrow, widen, move, count_differently])
def test_a_change_that_could_break_a_reader_is_seen(change: Callable[[Contract], None]) -> None:
    new = copy.deepcopy(contract())
    change(new)

    assert breaks(contract(), new) != []


def test_a_removed_member_of_a_list_of_codes_is_seen_and_a_new_one_passes() -> None:
    old = {"schema": {"$defs": {"Light": {"enum": ["green", "red"]}}}}

    assert breaks(old, {"schema": {"$defs": {"Light": {"enum": ["green"]}}}}) == [".schema.$defs.Light.enum: red gone"]
    assert breaks(old, {"schema": {"$defs": {"Light": {"enum": ["green", "blue", "red"]}}}}) == []


def test_a_new_optional_field_and_other_words_pass() -> None:
    new = copy.deepcopy(contract())
    new["schema"]["properties"]["colour"] = {"type": "string", "default": "grey"}
    new["schema"]["description"] = "Other words."

    assert breaks(contract(), new) == []


def test_an_event_comes_back_from_its_record_and_fields_of_the_future_are_ignored() -> None:
    row = EstablishmentState(kind="institution", funding="full", quota=5, headcount=4, reserved=0)
    event = QuotaChanged(
        occurred_at=datetime(2026, 9, 18, 1, tzinfo=UTC),
        unit_id=uuid4(),
        version=3,
        case_id="approval:1",
        establishments=(row,),
        effective_on=date(2026, 9, 1),
    )
    later = json.dumps(json.loads(event.body()) | {"colour": "grey"}).encode()

    assert CATALOGUE.read("roster.events", event.headers(), event.body()) == event
    assert CATALOGUE.read("roster.events", event.headers(), later) == event


def test_a_record_in_another_publishers_topic_is_no_event() -> None:
    event = PersonRegistered(occurred_at=datetime(2026, 9, 18, 1, tzinfo=UTC), unit_id=uuid4(), version=1, person_id=uuid4())

    with pytest.raises(Unreadable):
        CATALOGUE.read("approval.events", event.headers(), event.body())
    assert event.headers()["ce_partitionkey"] == str(event.person_id)


@pytest.mark.parametrize("cls", EVENTS, ids=NAMES)
def test_no_event_has_a_field_for_personal_data(cls: type[Event]) -> None:
    fields = set(json.dumps(contract_of(cls)).split('"'))

    assert not fields & {"id_number", "person_name", "real_name", "birth_on", "phone", "sex"}
