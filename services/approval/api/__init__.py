"""Door 1: HTTP."""

from services.approval.api import applications, codes, documents

ROUTERS = (applications.router, codes.router, documents.router)
