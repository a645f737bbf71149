"""Monitoring as it will be with 26 rules: the board's columns are as many, whatever is behind them. Served by uvicorn with the options of our services."""

import random
import time
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI

from deploy.local.place import Place
from services.monitoring.app import create_app as monitoring
from services.monitoring.models import words
from services.monitoring.queries import board
from services.monitoring.rules import overstaffing
from shared.clock import Clock

DATABASE = "pages_wide"
CODES = tuple(f"M{number:02}" for number in range(1, 27))
UNITS, ISSUES = 620, 1500
_SEED = 26


def create_app() -> FastAPI:
    """Each code has a title and a ground; none is judged."""
    for code in CODES:
        words.RULE_TITLES.setdefault(code, "机构编制规则")
        words.GROUNDS.setdefault(code, words.GROUNDS[overstaffing.CODE])
    vars(board)["RULES"] = tuple((code, overstaffing.check) for code in CODES)
    return monitoring()


async def fill(place: Place) -> None:
    """Units, what is open on them, and lights that follow."""
    owner = await asyncpg.connect(place.database_url("bianban", DATABASE))
    chance, now = random.Random(_SEED), Clock(place.clock_file).now()
    units = [uuid4() for _ in range(UNITS)]
    found = [(uuid4(), chance.choice(units), chance.choice(CODES), chance.choice(("red", "yellow", "yellow"))) for _ in range(ISSUES)]
    try:
        await owner.execute("SET ROLE bianban; SET search_path = monitoring; TRUNCATE unit_copies, lights, light_changes, issues CASCADE")
        named = [(unit, [unit], f"第{place_no}实验小学", f"{place_no:06}") for place_no, unit in enumerate(units)]
        await owner.executemany("INSERT INTO unit_copies (id, path, name, code, category) VALUES ($1, $2, $3, $4, 'SY-1')", named)
        await owner.executemany(
            "INSERT INTO issues (id, unit_id, rule, rule_version, subject, level, state, must_vanish, opens_case, size, inputs, threshold, found_at)"
            " VALUES ($1, $2, $3, '1', $1::uuid::text, $4, 'to_verify', true, true, 1, '{}', '{}', $5)",
            [(*each, now) for each in found],
        )
        await owner.executemany(
            "INSERT INTO lights (unit_id, light, changed_at) VALUES ($1, $2, $3)", [(*each, now) for each in _lights(found)]
        )
        await owner.execute("ANALYZE")
    finally:
        await owner.close()


async def turn(place: Place) -> float:
    """A light turns, as monitoring writes it; the moment when that is committed."""
    owner = await asyncpg.connect(place.database_url("bianban", DATABASE))
    try:
        await owner.execute("SET ROLE bianban; SET search_path = monitoring")
        unit = await owner.fetchval("SELECT unit_id FROM lights LIMIT 1")
        await owner.execute(
            "INSERT INTO light_changes (unit_id, light, before, reasons, since) VALUES ($1, 'green', 'yellow', '[]', now())", unit
        )
        return time.monotonic()
    finally:
        await owner.close()


def _lights(found: list[tuple[UUID, UUID, str, str]]) -> list[tuple[UUID, str]]:
    worst: dict[UUID, str] = {}
    for _, unit, _, level in found:
        worst[unit] = "red" if "red" in {level, worst.get(unit)} else level
    return list(worst.items())
