"""Door 1: HTTP."""

from services.approval.api import applications, attachments, cases, codes, documents, previews, tasks
from shared.exports import api as exports

ROUTERS = (
    applications.router,
    tasks.router,
    codes.router,
    cases.router,
    documents.router,
    previews.router,
    attachments.router,
    exports.router,
)
