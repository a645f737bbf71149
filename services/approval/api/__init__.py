"""Door 1: HTTP."""

from services.approval.api import applications, cases, codes, documents, tasks
from shared.exports import api as exports

ROUTERS = (applications.router, tasks.router, codes.router, cases.router, documents.router, exports.router)
