"""The AsyncAPI document: every event of every topic, every reference resolved. Its official parser takes it, where that was fetched."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.docs import app
from shared.events import CATALOGUE, TOPICS
from shared.events.asyncapi import document
from shared.events.envelope import CONTEXT
from tests.contracts.parser import install as parser

KEY = re.compile(r"^[\w.\-]+$")
"""What AsyncAPI allows as the name of a component."""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return json.loads(json.dumps(document(tuple(CATALOGUE.types().values()), "1")))  # type: ignore[no-any-return]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolved(told: dict[str, Any], reference: str) -> Any:
    found: Any = told
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_every_event_is_a_message_of_its_topic(told: dict[str, Any]) -> None:
    assert set(told["channels"]) == set(TOPICS)
    placed = {kind: topic for topic, channel in told["channels"].items() for kind in channel["messages"]}
    assert placed == {kind: cls.topic for kind, cls in CATALOGUE.types().items()}
    assert set(told["components"]["messages"]) == set(placed)


def test_every_reference_leads_somewhere_and_every_name_is_allowed(told: dict[str, Any]) -> None:
    found = set(references(told))

    assert len(found) > 60
    assert all(resolved(told, each) for each in found)
    assert [name for group in told["components"].values() for name in group if not KEY.match(name)] == []
    assert not [each for each in found if each.startswith("#/$defs")]


def test_the_data_holds_what_the_record_holds_and_no_more(told: dict[str, Any]) -> None:
    for kind, cls in CATALOGUE.types().items():
        data = resolved(told, told["components"]["messages"][kind]["payload"]["$ref"])
        assert set(data["properties"]) == set(cls.model_fields) - CONTEXT
        assert not CONTEXT & set(data["required"])


def test_the_headers_are_those_that_an_event_gets(told: dict[str, Any]) -> None:
    for kind in CATALOGUE.types():
        headers = told["components"]["messages"][kind]["headers"]
        assert headers["properties"]["ce_type"] == {"const": kind}
        assert set(headers["required"]) <= set(headers["properties"])
        assert {name for name in headers["properties"] if name.startswith("ce_")} == {
            *(
                "ce_specversion",
                "ce_id",
                "ce_source",
                "ce_type",
                "ce_subject",
                "ce_time",
                "ce_partitionkey",
                "ce_sequence",
                "ce_correlationid",
            )
        }


def test_the_command_prints_it() -> None:
    printed = CliRunner().invoke(app, ["asyncapi"])

    assert json.loads(printed.stdout)["asyncapi"].startswith("3.")


def parsed(told: dict[str, Any]) -> dict[str, Any]:
    """What the official parser says of a document."""
    command = (parser.NODE, parser.HERE / "check.mjs", parser.PLACE)
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.skipif(
    not (parser.PLACE / "node_modules").exists(),
    reason="AsyncAPI's parser is not on this machine: python -m tests.contracts.parser.install",
)
def test_the_official_parser_takes_it_and_refuses_a_broken_one(told: dict[str, Any]) -> None:
    found = parsed(told)
    broken = parsed(told | {"channels": {"x": {"messages": "none"}}})

    assert (found["version"], found["channels"]) == (told["asyncapi"], len(TOPICS))
    assert [each for each in found["wrong"] if each["code"] != "asyncapi-latest-version"] == []
    assert [each for each in broken["wrong"] if each["severity"] == 0]


def test_the_lock_of_the_parser_names_no_host_and_hashes_everything() -> None:
    packages = json.loads((parser.HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    assert [name for name, about in packages.items() if "resolved" in about] == []
    assert [name for name, about in packages.items() if name and not about.get("integrity", "").startswith("sha512-")] == []
