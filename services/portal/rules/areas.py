"""The areas of the product in the order of its main navigation: address, name, and the permission that opens it."""

AREAS: tuple[tuple[str, str, str], ...] = (
    ("/", "首页", "account.read"),
    ("/tasks", "待办", "applications.read"),
    ("/applications/new", "申请", "applications.submit"),
    ("/units", "单位", "units.read"),
    ("/reforms", "机构改革", "roster.maintain"),
    ("/lights", "亮灯", "lights.read"),
    ("/issues", "问题整改", "lights.read"),
    ("/freeze-orders", "冻结", "lights.read"),
    ("/supervision-lists", "督办清单", "lights.read"),
    ("/analysis", "数智分析", "reports.read"),
    ("/exports", "导入导出", "exports.make"),
    ("/admin", "管理", "rules.read"),
    ("/ops", "运维", "traces.read"),
)
"""An area stands here once its pages are there."""
_PARTS = {"/person": "/units", "/applications/": "/tasks", "/imports": "/exports", "/comparisons": "/exports", "/differences": "/exports"}
"""Pages that belong to an area of another address."""


def here(path: str) -> str:
    """The address of the area that a page belongs to: the longest beginning, else by `_PARTS`."""
    found = [address for address, _, _ in AREAS if path == address or (address != "/" and path.startswith(f"{address}/"))]
    return max(found, key=len, default=next((area for part, area in _PARTS.items() if path.startswith(part)), ""))
