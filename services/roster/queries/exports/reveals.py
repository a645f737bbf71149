"""证件号查看: who saw whose number in full, and why. Of a person nothing but the surname and the unit, as on the page."""

from uuid import UUID

from services.roster.queries.units import seen
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Filters, Sheet, Sought, Source, wall_clock
from shared.sheets.writing import Form
from shared.unit_copies import scope


def _source(who: Who, filters: Filters) -> Source:
    """The latest first; of one person or by one user, or all."""
    rows = f"""
        FROM person_reveals AS row LEFT JOIN LATERAL (
            SELECT concat(left(known.name, 1), '＊＊') AS name, units.name AS unit
            FROM persons JOIN units ON units.id = persons.unit_id JOIN person_records AS known ON known.person_id = persons.id
            WHERE persons.id = row.person_id AND upper_inf(known.during) AND upper_inf(known.recorded) AND {seen(who)}
        ) AS whom ON true
        WHERE ($2::uuid IS NULL OR row.person_id = $2) AND ($3::text IS NULL OR row.actor = $3)
    """
    return Source(rows, "row.id DESC", (scope(who), filters.get("person"), filters.get("actor")))


_COLUMNS = (
    Column("at", "时间", wall_clock("row.at"), Form.INSTANT),
    Column("actor", "查看人", "row.actor"),
    Column("name", "人员", "whom.name"),
    Column("unit", "单位", "whom.unit"),
    Column("person_id", "人员编号", "row.person_id::text"),
    Column("reason", "理由", "row.reason"),
)
REVEAL_LISTS = (ExportList("reveals", "证件号查看", "audit.read", [Sheet("查看", _COLUMNS, _source)], {"person": UUID, "actor": Sought}),)
