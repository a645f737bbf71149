"""Door 1: HTTP. Parse, one command, query or decision, answer."""

from services.monitoring.api import issues, lights

ROUTERS = (lights.router, issues.router)
