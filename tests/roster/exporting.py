"""Lists as they are taken out of the roster."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.exports.running import Office
from shared.glossary import Role
from tests.exports.exporting import Taken, asked, taken
from tests.roster.doors import Doors


@dataclass(frozen=True)
class House:
    """The roster's door with its exports, and the office that writes them."""

    doors: Doors
    office: Office

    async def take(self, name: str, *roles: Role, units: tuple[UUID, ...] | None = None, **more: Any) -> Taken:
        who = self.doors.as_(*(roles or (Role.BUSINESS_OFFICER,)), units=units)
        return await taken(self.doors.http, who, name, **more)

    async def ask(self, name: str, *roles: Role, units: tuple[UUID, ...] | None = None, **more: Any) -> dict[str, Any]:
        return await asked(self.doors.http, self.doors.as_(*(roles or (Role.BUSINESS_OFFICER,)), units=units), name, **more)


def named(file: Taken) -> set[str]:
    """The units of all rows of all sheets, by code and by name."""
    columns = {"单位编码", "单位", "机构编码", "机构名称", "所在机构"}
    records = [record for sheet in file.sheets() for record in file.records(sheet)]
    return {str(value) for record in records for column, value in record.items() if column in columns and value != ""}
