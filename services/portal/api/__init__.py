"""Door 1, and the only one: pages over HTTP. One module per area; each route says which permission opens it."""

from services.portal.api import analysis, applications, apply, files, home, lights, lists, me, provider, sign_in, tasks, units, wall

ROUTERS = (
    files.router,
    sign_in.router,
    provider.router,
    home.router,
    me.router,
    tasks.router,
    apply.router,
    applications.router,
    units.router,
    lights.router,
    lists.router,
    analysis.router,
    wall.router,
)
