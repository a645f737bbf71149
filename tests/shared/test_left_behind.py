"""The search over what a stack leaves finds what is planted."""

from pathlib import Path

from tests.left_behind import people_in


def test_a_person_is_found_in_a_log_a_topic_and_a_history_and_what_was_spoilt_on_purpose_is_not(tmp_path: Path) -> None:
    planted = {
        "log/security/app.jsonl": '{"who": "330499198603054320"}',
        "kafka/data/t-0/00.log": "\0\x1249842330498196501150013{}",
        "temporal/temporal.db-wal": "SQLite 沈清和",
        "kafka/data/t-0/00.index": "330499198603054320",
        "log/worker.log": "330499198603051236 3304991986030543",
    }
    for name, text in planted.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert people_in(tmp_path) == {
        "log/app.jsonl": ["330499198603054320"],
        "kafka/00.log": ["330498196501150013"],
        "temporal/temporal.db-wal": ["沈清和"],
    }
    assert set(people_in(tmp_path, "log")) == {"log/app.jsonl"}
