"""Door 1: HTTP. Each route parses, calls one command or one query, and answers."""

from services.roster.api import changes, comparisons, concerned, figures, imports, loads, people, persons, placements, secondments, units
from shared.exports import api as exports

ROUTERS = (
    *(units.router, figures.router, people.router, persons.router, placements.router, secondments.router, changes.router),
    *(loads.router, imports.router, comparisons.router, concerned.router),
    exports.router,
)
