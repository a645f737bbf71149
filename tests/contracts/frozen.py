"""The frozen contracts of events: what may change and what may not. `python -m tests.contracts.frozen` writes new classes and additive changes."""

import json
import sys
from pathlib import Path
from typing import Any, TypeAlias

from shared.events import approval, audit, identity, monitoring, roster
from shared.events.envelope import Event

FOLDER = Path(__file__).parent / "schemas"
EVENTS: tuple[type[Event], ...] = (*roster.EVENTS, *approval.EVENTS, *monitoring.EVENTS, *identity.EVENTS, *audit.EVENTS)
TEXTS = {"description", "title"}
Contract: TypeAlias = dict[str, Any]


def name_of(cls: type[Event]) -> str:
    return str(cls.model_fields["type"].default)


def contract_of(cls: type[Event]) -> Contract:
    """What readers rely on: where the event stands, what its version counts, and its data."""
    return {"topic": cls.topic, "aggregate_type": cls.aggregate_type, "schema": cls.model_json_schema()}


def frozen(name: str) -> Contract | None:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def breaks(old: Any, new: Any, where: str = "") -> list[str]:
    """Every place where a reader of the old contract could fail on the new one, or the other way round. Texts do not matter."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = [f"{where}.{key}: gone" for key in old.keys() - new.keys() - TEXTS]
        found += [f"{where}.{key}: new here" for key in new.keys() - old.keys() - TEXTS if not where.endswith((".properties", ".$defs"))]
        return found + [line for key in old.keys() & new.keys() - TEXTS for line in breaks(old[key], new[key], f"{where}.{key}")]
    if where.endswith(".enum"):
        return [f"{where}: {member} gone" for member in old if member not in new]
    if where.endswith(".required"):
        return [f"{where}: {field}" for field in sorted(set(old) ^ set(new))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for number, pair in enumerate(zip(old, new, strict=True)) for line in breaks(*pair, f"{where}.{number}")]
    return [] if old == new else [f"{where}: {old} became {new}"]


def freeze() -> list[str]:
    """Write what is new or was only added to; the names of those that would break somebody, which stay as they are."""
    refused: list[str] = []
    for cls in EVENTS:
        name, contract = name_of(cls), contract_of(cls)
        if breaks(frozen(name) or contract, contract):
            refused.append(name)
            continue
        (FOLDER / f"{name}.json").write_text(json.dumps(contract, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return refused


if __name__ == "__main__":
    sys.exit("\n".join(f"{name}: not an additive change; make a new version" for name in freeze()) or 0)
