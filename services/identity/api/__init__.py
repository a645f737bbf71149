"""Door 1: HTTP."""

from services.identity.api import accounts, colleagues, credentials, demo, me, oidc, sessions, views
from shared.exports import api as exports

ROUTERS = (me.router, sessions.router, credentials.router, accounts.router, colleagues.router, views.router, exports.router)
DEMO = demo.router
PROVIDER = oidc.router
