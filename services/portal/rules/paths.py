"""Where a browser may be sent: only to our own pages."""

from urllib.parse import urlsplit


def own(path: str | None) -> str:
    """The path if it is one of ours, else `/`: never another host (two slashes, a backslash, a scheme, control characters)."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(each) <= 32 or each == "\\" for each in path):
        return "/"
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc else "/"


def is_own_request(method: str, host: str, origin: str | None, site: str | None) -> bool:
    """Whether an unsafe request comes from one of our own pages, as the browser itself says: `Sec-Fetch-Site`, else `Origin`."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return True
    if site is not None:
        return site == "same-origin"
    return origin is not None and bool(host) and urlsplit(origin).netloc == host
