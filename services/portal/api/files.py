"""The browser's side: hashed names, kept by browsers for a year."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

router = APIRouter()
KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@router.get("/static/{name}", response_class=Response)
async def static(request: Request, name: str) -> Response:
    """One file; another name than the one it has now is none."""
    file = request.app.state.assets.files.get(name)
    if file is None:
        return PlainTextResponse("没有这个文件。", 404)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, headers=KEPT | {"Content-Encoding": "gzip"}, media_type=file.kind)
    return Response(file.content, headers=KEPT, media_type=file.kind)
