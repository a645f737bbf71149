"""Rule parameters and policies: a new version beside the old ones, with its source and its owner. Cases that run keep what was pinned."""

from pydantic import ValidationError

from services.monitoring.models.parameters import PARAMETER_FORMS
from services.monitoring.models.refusals import ParameterMalformed, ParameterUnknown
from services.monitoring.models.requests import SetParameter
from shared.db import By, Connection, command


@command
async def set_parameter(conn: Connection, by: By, what: SetParameter) -> int:
    """Add a version. Answers its number. Raises ParameterUnknown, ParameterMalformed."""
    version = await conn.fetchval(
        "SELECT max(version) FROM (SELECT version FROM parameters WHERE rule = $1 AND name = $2 FOR UPDATE) AS known", what.rule, what.name
    )
    if version is None:
        raise ParameterUnknown(rule=what.rule, name=what.name)
    try:
        PARAMETER_FORMS[what.name].validate_python(what.value)
    except ValidationError as error:
        raise ParameterMalformed(rule=what.rule, name=what.name) from error
    await conn.execute(
        "INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        what.rule,
        what.name,
        version + 1,
        what.value,
        what.effective_on,
        what.source,
        what.owner,
        by.as_of,
        by.actor,
    )
    return int(version) + 1
