"""An inbox of so many: applications that wait for the business officer, written as the engine leaves them. Nobody decides about them."""

import json
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from deploy.local.place import Place
from shared.clock import Clock, business_day
from shared.events.envelope import uuid7
from shared.law.deadline import Deadline
from shared.law.notices import Notices

DATABASE = "pages_inbox"
UNITS, BUDGET, DAYS, _SEED = 620, 5, 5, 10_000
_APPLICATION = """
    INSERT INTO applications (id, number, application_type, unit_id, applicant, concerned, chain_version, submitted_at, version, state, revision,
        step, holder, deadline, due_at, changed_at)
    VALUES ($1, $2, 'post_use_application', $3, 'school1.clerk', '{}', 1, $4, 2, 'in_review', 1, 'business_review', 'business_officer',
        $5::jsonb, $6, $4)
"""
_REVISION = """
    INSERT INTO revisions (application_id, revision, title, justification, kind, funding, posts, submitted_by, submitted_at)
    VALUES ($1, 1, $2, '退休补员。', 'SY', 'full', 1, 'school1.clerk', $3)
"""
_ENTRY = """
    INSERT INTO entries (application_id, sequence, kind, at, actor, role, update_id, request_hash, step, text, reason_codes, order_ids, state_after,
        revision_after, step_after, holder_after)
    VALUES ($1, $2, $3, $4, $5, $6, '', '', $7, '同意。', '{}', '{}', 'in_review', 1, $8, $9)
"""


async def fill(place: Place, count: int) -> None:
    """So many, submitted during the last days, each approved by the head of its unit."""
    owner = await asyncpg.connect(place.database_url("bianban", DATABASE))
    units = [uuid4() for _ in range(UNITS)]
    rows = _rows(units, Clock(place.clock_file).now(), count)
    try:
        await owner.execute("SET ROLE bianban; SET search_path = approval; TRUNCATE unit_copies, applications CASCADE")
        named = [(unit, [unit], f"第{number}实验小学", f"{number:06}") for number, unit in enumerate(units)]
        await owner.executemany("INSERT INTO unit_copies (id, path, name, code, category) VALUES ($1, $2, $3, $4, 'SY-1')", named)
        await owner.executemany(_APPLICATION, [row[:6] for row in rows])
        await owner.executemany(_REVISION, [(row[0], row[6], row[3]) for row in rows])
        await owner.executemany(_ENTRY, [entry for row in rows for entry in _entries(row[0], row[3])])
        await owner.execute("ANALYZE")
    finally:
        await owner.close()


def _rows(units: list[UUID], now: datetime, count: int) -> list[tuple[Any, ...]]:
    chance, calendar = random.Random(_SEED), Notices(None).calendar()
    deadlines = [Deadline.start(business_day(now) - timedelta(days=each), BUDGET, calendar) for each in range(DAYS)]
    written = [json.dumps(each.model_dump(mode="json"), ensure_ascii=False) for each in deadlines]
    rows = []
    for number in range(count):
        days = chance.randrange(DAYS)
        submitted = now - timedelta(days=days, seconds=chance.randrange(3600))
        rows.append(
            (
                uuid7(),
                f"测试〔2026〕{number}号",
                chance.choice(units),
                submitted,
                written[days],
                deadlines[days].due_at,
                f"用编申请 {number}",
            )
        )
    return rows


def _entries(application: UUID, at: datetime) -> list[tuple[Any, ...]]:
    submitted = (application, 1, "submitted", at, "school1.clerk", "unit_clerk", None, "unit_head", "unit_head")
    approved = (application, 2, "step_approved", at, "school1.head", "unit_head", "unit_head", "business_review", "business_officer")
    return [submitted, approved]
