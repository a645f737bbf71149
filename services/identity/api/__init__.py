"""Door 1: HTTP."""

from services.identity.api import accounts, credentials, demo, me, oidc, sessions

ROUTERS = (me.router, sessions.router, credentials.router, accounts.router)
DEMO = demo.router
PROVIDER = oidc.router
