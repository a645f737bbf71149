"""When the database refuses a row and quotes it, neither the answer nor a log repeats whose it was."""

from datetime import date

import asyncpg
import pytest
import structlog

from deploy.local.place import Place
from shared import telemetry
from shared.law.retirement import Sex
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON

pytestmark = pytest.mark.asyncio
NAME, NUMBER = "泄露示例人", given.id_number(53, date(1986, 3, 5), Sex.FEMALE)


async def test_a_row_that_is_refused_is_quoted_nowhere(
    doors: Doors, stack: Place, roster_home: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    owner = await asyncpg.connect(stack.database_url("bianban", roster_home))
    unit_id = await given.unit(doors.http._transport.app.state.database)  # type: ignore[attr-defined]
    await owner.execute(f"ALTER TABLE roster.person_records ADD CONSTRAINT planted CHECK (name <> '{NAME}') NOT VALID")
    structlog.reset_defaults()
    telemetry.set_up("roster-app", None)
    try:
        with pytest.raises(asyncpg.CheckViolationError, match=NAME):  # the transport of the tests hands the error on, after it was answered
            await doors.http.post(f"/units/{unit_id}/persons", json=PERSON | {"name": NAME, "id_number": NUMBER}, headers=doors.office)
    finally:
        await owner.execute("ALTER TABLE roster.person_records DROP CONSTRAINT planted")
        await owner.close()

    out, err = capfd.readouterr()
    written = out + err + caplog.text
    assert "CheckViolationError" in written
    assert "constraint_name=planted" in written
    assert (NAME in written, NUMBER in written) == (False, False)
