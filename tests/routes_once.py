"""FastAPI resolves each route anew for every application, which takes longer than what most tests ask of it."""

from dataclasses import replace
from typing import Any

from fastapi.routing import APIRoute, _EffectiveRouteContext, _RouterIncludeContext

_resolve = _EffectiveRouteContext.from_api_route
_resolved: dict[int, tuple[_RouterIncludeContext, Any]] = {}


def resolved(*, original_route: APIRoute, include_context: _RouterIncludeContext) -> Any:
    """As it was for an application that included the same router in the same way. None of ours overrides a dependency, the one thing of its own in it."""
    way = replace(include_context, dependency_overrides_provider=None)
    before = _resolved.get(id(original_route))
    if before is None or before[0] != way or before[1].original_route is not original_route:
        before = _resolved[id(original_route)] = way, _resolve(original_route=original_route, include_context=way)
    return before[1]


def share() -> None:
    """From now on."""
    _EffectiveRouteContext.from_api_route = resolved  # type: ignore[method-assign]
