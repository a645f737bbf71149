"""Door 1: HTTP. Parse, one command, query or decision, answer."""

from services.monitoring.api import freezes, issues, lights, lists, parameters

ROUTERS = (lights.router, issues.router, freezes.router, lists.router, parameters.router)
