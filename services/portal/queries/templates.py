"""The templates: escaped always, missing names an error, dates and numbers in one form."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.portal.queries.assets import Assets
from services.portal.rules import areas, charts, drawing, offices, written
from shared.deeds import who_acted
from shared.glossary import SERVICE_NAMES, holiday_ground
from shared.parked_words import parked_because

FOLDER = Path(__file__).parents[1] / "templates"


def environment(assets: Assets, **everywhere: object) -> Environment:
    """What all pages draw with; `everywhere`: what each of them may name."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )

    def icon(name: str, kind: str = "") -> Markup:
        """An icon that says nothing by itself: its text stands beside it."""
        return Markup('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>').format(
            kind,
            Markup(assets.icons[name]),  # noqa: S704  of the locked sprite
        )

    def symbol(name: str, key: str) -> Markup:
        """The same for a page that draws one some hundred times: `<use href="#key">`."""
        return Markup('<symbol id="{}" viewBox="0 0 24 24">{}</symbol>').format(key, Markup(assets.icons[name]))  # noqa: S704

    def asset(name: str) -> str:
        return assets.paths[name]

    made.globals |= {
        "icon": icon,
        "symbol": symbol,
        "asset": asset,
        "bar_of": drawing.bar,
        "share": drawing.share,
        "chain_of": drawing.chain,
        "shade_of": charts.shade,
    }
    made.globals |= {
        "areas": areas.AREAS,
        "here_of": areas.here,
        "administration": offices.ADMINISTRATION,
        "service_names": SERVICE_NAMES,
        **everywhere,
    }
    made.filters |= {"by_code": _by_code, "holiday_ground": holiday_ground, "parked_because": parked_because, "who_acted": who_acted}
    made.filters |= {
        each.__name__: each
        for each in (written.day, written.moment, written.number, written.percent, written.label, written.instant, written.field_name)
    }
    return made


def _by_code(codes: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """What each code of a list is called."""
    return {each["code"]: each["label"] for each in codes or ()}
