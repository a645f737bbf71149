"""Door 1: HTTP."""

from services.approval.api import applications, documents

ROUTERS = (applications.router, documents.router)
