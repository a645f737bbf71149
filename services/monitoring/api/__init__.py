"""Door 1: HTTP. Parse, one command, query or decision, answer."""

from services.monitoring.api import board, calendar, cases, evidence, freezes, issues, lights, lists, measures, notices, parameters, tasks
from shared.exports import api as exports

ROUTERS = (
    board.router,
    lights.router,
    issues.router,
    evidence.router,
    measures.router,
    notices.router,
    freezes.router,
    lists.router,
    parameters.router,
    calendar.router,
    tasks.router,
    cases.router,
    exports.router,
)
