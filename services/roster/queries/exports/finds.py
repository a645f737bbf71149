"""调动核对: who asked for whom of another unit, and whether he was told. Of a person nothing but the surname, as on the page."""

from services.roster.queries.units import seen
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Filters, Sheet, Sought, Source, wall_clock
from shared.sheets.writing import Form
from shared.unit_copies import scope


def _source(who: Who, filters: Filters) -> Source:
    """The latest first; by one user, or all. A unit or a person whom the reader may not see keeps his id."""
    rows = f"""
        FROM person_finds AS row
        LEFT JOIN units AS taker ON taker.id = row.unit_id AND {seen(who, row="taker")}
        LEFT JOIN units AS giver ON giver.id = row.from_unit_id AND {seen(who, row="giver")}
        LEFT JOIN LATERAL (
            SELECT concat(left(known.name, 1), '＊＊') AS name
            FROM persons JOIN units ON units.id = persons.unit_id JOIN person_records AS known ON known.person_id = persons.id
            WHERE persons.id = row.person_id AND upper_inf(known.during) AND upper_inf(known.recorded) AND {seen(who)}
        ) AS whom ON true
        WHERE ($2::text IS NULL OR row.actor = $2)
    """
    return Source(rows, "row.id DESC", (scope(who), filters.get("actor")))


_COLUMNS = (
    Column("at", "时间", wall_clock("row.at"), Form.INSTANT),
    Column("actor", "核对人", "row.actor"),
    Column("unit", "拟调入单位", "coalesce(taker.name, row.unit_id::text)"),
    Column("outcome", "结果", "CASE WHEN row.person_id IS NULL THEN '不符' ELSE '相符' END"),
    Column("name", "人员", "whom.name"),
    Column("person_id", "人员编号", "row.person_id::text"),
    Column("from_unit", "现单位", "coalesce(giver.name, row.from_unit_id::text)"),
)
FIND_LISTS = (ExportList("person_finds", "调动核对", "audit.read", [Sheet("核对", _COLUMNS, _source)], {"actor": Sought}),)
