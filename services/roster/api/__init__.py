"""Door 1: HTTP. Each route parses, calls one command or one query, and answers."""

from services.roster.api import (
    cases,
    changes,
    checks,
    comparisons,
    concerned,
    figures,
    finds,
    imports,
    loads,
    names,
    people,
    persons,
    placements,
    reforms,
    secondments,
    units,
)
from shared.exports import api as exports

ROUTERS = (  # looked through in this order: what is asked most comes first
    *(people.router, figures.router, units.router, persons.router, placements.router, secondments.router, changes.router, checks.router),
    *(finds.router, loads.router, imports.router, comparisons.router, concerned.router, names.router, reforms.router),
    *(cases.router, exports.router),
)
