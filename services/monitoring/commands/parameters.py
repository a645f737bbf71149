"""Rule parameters and policies: a new version beside the old ones, with its source and its owner. Cases that run keep what was pinned."""

from pydantic import JsonValue, TypeAdapter, ValidationError

from services.monitoring.models.parameters import PARAMETER_FORMS
from services.monitoring.models.refusals import ParameterMalformed, ParameterSetLater, ParameterUnknown
from services.monitoring.models.requests import SetParameter
from services.monitoring.rules.ladder import ensure_fit
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.parameter_words import NAMES
from workflows.rectification_case import LadderStep


@command
async def set_parameter(conn: Connection, by: By, what: SetParameter) -> int:
    """Add a version. Answers its number. Raises ParameterUnknown, ParameterMalformed, LadderUnfit, ParameterSetLater."""
    known = await conn.fetch(
        "SELECT version, effective_on FROM parameters WHERE rule = $1 AND name = $2 ORDER BY version FOR UPDATE", what.rule, what.name
    )
    if not known:
        raise ParameterUnknown(rule=what.rule, name=what.name)
    value = _value_of(what)
    since = max((row["effective_on"] for row in known if row["effective_on"] <= business_day(by.as_of)), default=None)
    if since is not None and what.effective_on < since:
        raise ParameterSetLater(since=since)
    version = int(known[-1]["version"]) + 1
    await conn.execute(
        "INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *(what.rule, what.name, version, value, what.effective_on, what.source, what.owner, by.as_of, by.actor),
    )
    return version


def _value_of(what: SetParameter) -> JsonValue:
    form = PARAMETER_FORMS[what.name]
    try:
        value = form.value_of(what.value)
    except ValidationError as error:
        raise ParameterMalformed(rule=what.rule, name=what.name, called=NAMES[what.name], wanted=form.wanted) from error
    if what.name == "ladder":
        ensure_fit(TypeAdapter(list[LadderStep]).validate_python(value))
    return value
