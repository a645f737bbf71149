"""Door 1: HTTP."""

from services.approval.api import applications, codes, documents
from shared.exports import api as exports

ROUTERS = (applications.router, codes.router, documents.router, exports.router)
