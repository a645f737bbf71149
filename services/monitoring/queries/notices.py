"""Reads about 整改通知书: the one of a round, and the words of its page."""

from typing import Any
from uuid import UUID

from services.monitoring.models.notices import Notice
from services.monitoring.models.refusals import IssueUnknown, NoticeNotSigned
from services.monitoring.models.words import CONSEQUENCES, GROUNDS, RULE_TITLES, matter_of
from shared.auth import Who
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import LABELS, Light, Role
from shared.unit_copies import scope


async def notice(conn: Connection, who: Who, issue_id: UUID, round_no: int | None) -> Notice:
    """The notice of a round (none named: the present one) of an issue in the caller's scope. Raises IssueUnknown, NoticeNotSigned."""
    known = await conn.fetchval(
        "SELECT i.round FROM issues i JOIN unit_copies u ON u.id = i.unit_id WHERE ($1::uuid[] IS NULL OR u.path && $1) AND i.id = $2",
        scope(who),
        issue_id,
    )
    if known is None:
        raise IssueUnknown(issue=issue_id)
    row = await conn.fetchrow("SELECT * FROM notices WHERE issue_id = $1 AND round = $2", issue_id, round_no or known)
    if row is None:
        raise NoticeNotSigned(issue=issue_id)
    kept = {name: row[name] for name in Notice.__dataclass_fields__}
    return Notice(**{**kept, "level": Light(row["level"]), "role": Role(row["role"])})


def words(signed: Notice, issuer: str) -> dict[str, Any]:
    """What the page says, for the template `rectification_notice.typ`."""
    return {
        "issuer": issuer,
        "number": signed.number,
        "issued_on": str(business_day(signed.signed_at)),
        "case_no": signed.number,
        "unit": signed.unit,
        "unit_code": signed.unit_code,
        "title": signed.title,
        "rule": f"{RULE_TITLES[signed.rule]}（规则 {signed.rule}）",
        "finding": matter_of(signed.rule, signed.inputs),
        "ground": GROUNDS[signed.rule],
        "requirement": signed.demand,
        "working_days": signed.working_days,
        "consequences": CONSEQUENCES.get(signed.level, ""),
        "signer": LABELS[signed.role],
    }
