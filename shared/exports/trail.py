"""操作留痕 of a service as a list: each deed of its audited log with who, when, why; no data, only what it was about."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from shared import deeds
from shared.auth import Who
from shared.exports.lists import Column, ExportList, Filters, Sheet, Source, acted, wall_clock
from shared.glossary import SERVICE_NAMES
from shared.sheets.writing import Form
from shared.unit_copies import scope, visible

LOGGED = "SELECT event_id AS id, recorded_at AS at, actor, type, unit_id, reason, document_no, case_id FROM event_log"
"""What the event log says of a deed. What a service keeps beside it is a SELECT of the same columns."""
GIVEN_UP = """
    SELECT id, kept_at AS at, concat('服务器用户 ', actor) AS actor, deed AS type,
        CASE WHEN pg_input_is_valid(key, 'uuid') THEN key::uuid ELSE '00000000-0000-0000-0000-000000000000' END AS unit_id,
        reason, NULL::text AS document_no, NULL::text AS case_id
    FROM given_up
"""
"""What every service keeps beside it of events that were given up by hand. Whose is no id was nobody's unit."""


def trail_list(service: str, register: str = "", units: str = "unit_copies") -> ExportList:
    """The list of a service, with its `register`. `units`: where its units stand; one that the reader may not see has no name."""
    sheet = Sheet("操作留痕", _COLUMNS, _source(register, units))
    filters = {"of_unit": UUID, "case": Annotated[str, StringConstraints(max_length=80)]}
    return ExportList(f"trail_{service}", f"操作留痕（{SERVICE_NAMES[service]}）", "audit.read", [sheet], filters)


def _source(register: str, units: str) -> Callable[[Who, Filters], Source]:
    among = " UNION ALL ".join([LOGGED, GIVEN_UP, *([register] if register else [])])

    def source(who: Who, filters: Filters) -> Source:
        """The latest first; of a unit, of a case, or all."""
        rows = f"""
            FROM ({among}) AS deed LEFT JOIN {units} AS u ON u.id = deed.unit_id AND {visible(who, table=units)}
            WHERE ($2::uuid IS NULL OR deed.unit_id = $2) AND ($3::text IS NULL OR deed.case_id = $3)
        """
        return Source(rows, "deed.id DESC", (scope(who), filters.get("of_unit"), filters.get("case")))

    return source


_COLUMNS = (
    Column("at", "时间", wall_clock("deed.at"), Form.INSTANT),
    Column("title", "事项", "deed.type", turn=lambda _: lambda value, __: deeds.title_of(value)),
    Column("actor", "经办", "deed.actor", turn=acted),
    Column("unit_code", "单位编码", "u.code"),
    Column("unit", "单位", "u.name"),
    Column("case_title", "案件", "deed.case_id", turn=lambda _: lambda value, __: deeds.of_case(value)),
    Column("case_id", "案件编号", "deed.case_id"),
    Column("document_no", "依据", "deed.document_no"),
    Column("reason", "事由", "deed.reason"),
    Column("deed_id", "记录编号", "deed.id::text"),
)
