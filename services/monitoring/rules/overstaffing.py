"""M01 超编: more people than posts in one (unit, kind, funding).

Ground: 地方各级人民政府机构设置和编制管理条例 (国务院令第486号) Art. 28, item 4 (超编进人). What a surplus means follows from the cause that the office
recorded with a document: 违规超编 is rectified under a notice, 政策性超编 is absorbed by plan, 历史遗留 (or no cause yet) waits to be classified:
by a correction of the post, or by the cause with which the number is set.
"""

from collections.abc import Iterator

from services.monitoring.rules.facts import EstablishmentFact, Facts, Finding, Judgement, Parameters, Remark, names_of
from shared.glossary import Light, OverQuotaCause

CODE = "M01"
VERSION = "1"
_LEVEL = {OverQuotaCause.VIOLATION: Light.RED, OverQuotaCause.POLICY: Light.YELLOW}


def check(facts: Facts, parameters: Parameters) -> Judgement:  # noqa: ARG001  every rule has this form; a surplus has no threshold
    """One finding per row and cause; rows are never netted, and kinds that are no 编制 (报备员额, 编外) have none (domain §14.1, §14.2)."""
    rows = [row for row in facts.rows if row.counted]
    findings = [finding for row in rows for finding in _findings(row)]
    remarks = [remark for row in rows for remark in _remarks(row)]
    looked_at = frozenset(_subject(row, part) for row in facts.rows for part in (*OverQuotaCause, "row"))
    return Judgement(looked_at, tuple(findings), tuple(remarks))


def _attributed(row: EstablishmentFact) -> dict[OverQuotaCause, int]:
    """How much of the surplus each cause recorded of persons explains, the gravest first; the rest is that of the cut, or history."""
    left, explained = row.surplus, {}
    for cause in (OverQuotaCause.VIOLATION, OverQuotaCause.POLICY, OverQuotaCause.HISTORY):
        explained[cause] = min(left, row.over_quota.get(cause, 0))
        left -= explained[cause]
    explained[row.over_quota_cause or OverQuotaCause.HISTORY] += left
    return explained


def _findings(row: EstablishmentFact) -> Iterator[Finding]:
    for cause, level in _LEVEL.items():
        people = _attributed(row)[cause]
        if people:
            yield Finding(
                CODE, VERSION, _subject(row, cause), level, _inputs(row, people) | {"cause": cause.value}, {"surplus_allowed": 0}, people
            )


def _remarks(row: EstablishmentFact) -> Iterator[Remark]:
    unclassified = _attributed(row)[OverQuotaCause.HISTORY]
    if unclassified:
        yield Remark(CODE, _subject(row, OverQuotaCause.HISTORY), "unclassified", _inputs(row, unclassified))
    if row.quota and row.headcount == row.quota:
        yield Remark(CODE, _subject(row, "row"), "full", _inputs(row, 0))


def _inputs(row: EstablishmentFact, people: int) -> dict[str, str | int]:
    return names_of(row) | {
        "quota": row.quota,
        "headcount": row.headcount,
        "surplus": row.surplus,
        "people": people,
    }


def _subject(row: EstablishmentFact, part: str) -> str:
    return f"{row.kind}/{row.funding}/{part}"
