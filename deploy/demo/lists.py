"""The weekly supervision lists (督办清单) in the story: on which days they must have come, and what the town's editions say."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from deploy.demo.cast import Cast, Facts
from deploy.demo.city import OFFICER, SEALER, SUPERVISOR
from deploy.demo.stage import Stage
from shared.clock import at_hour, business_day
from shared.glossary import LABELS, LineKind


async def issue_lists(stage: Stage, cast: Cast, facts: Facts) -> None:
    """The first working day of the next ISO week, 09:00: the numbered list goes out."""
    stage.act(4, "督办清单：每周第一个工作日 9:00")
    edition = await next_edition(stage, cast, facts)
    stage.expect("该镇的清单", f"{LABELS[LineKind.OVERDUE]} 1", lines(edition))
    await stage.do(SEALER, f"用印登记，发出督办清单 {edition['number']}", "monitoring", f"/supervision-lists/{edition['id']}/release", {})
    sealed = await stage.until(
        "督办清单已签章",
        lambda: stage.see(OFFICER, "monitoring", f"/supervision-lists/{edition['id']}"),
        lambda seen: bool(seen["sealed_sha256"]),
        lambda seen: seen.get("sealed_sha256"),
    )
    for kind in ("pdf", "xlsx"):
        path = await stage.keep(cast.town.clerk, "monitoring", f"/supervision-lists/{edition['id']}/{kind}", f"{edition['number']}.{kind}")
        stage.tell(f"文件 {path}")
    stage.tell(f"签章文件 SHA-256 {sealed['sealed_sha256']}")
    await stage.do(cast.town.clerk, "签收督办清单", "monitoring", f"/supervision-lists/{edition['id']}/acknowledgement", {})


async def next_edition(stage: Stage, cast: Cast, facts: Facts) -> Any:
    """Go on to the next week that has a working day; the edition of its first."""
    monday = stage.today + timedelta(days=7 - stage.today.weekday())
    first = next(day for week in range(9) if (day := stage.calendar.first_working_day_of_iso_week(monday + timedelta(weeks=week))))
    await stage.advance(at_hour(first, 9, 30), "下一期清单之后")
    edition = (await expect_lists(stage, cast, facts))[-1]
    stage.expect("最近一期所属的周", f"{first.isocalendar().year}-W{first.isocalendar().week:02d}", edition["iso_week"])
    return edition


async def expect_lists(stage: Stage, cast: Cast, facts: Facts) -> list[Any]:
    """Every edition of the town since the issue was found stands on the first working day of its ISO week at 09:00, once, numbered."""
    found_at = datetime.fromisoformat((await issue_of(stage, facts))["found_at"])
    heads = (await stage.see(OFFICER, "monitoring", "/supervision-lists", unit=cast.town.id, limit=200))["items"]
    heads = [each for each in heads if datetime.fromisoformat(each["issued_at"]) >= found_at]
    editions = [await stage.see(OFFICER, "monitoring", f"/supervision-lists/{each['id']}") for each in heads]
    due = [day for day in _days_from(business_day(found_at), stage.today) if stage.calendar.first_working_day_of_iso_week(day) == day]
    due = [day for day in due if found_at < at_hour(day, 9) <= stage.now]
    days = [business_day(datetime.fromisoformat(each["issued_at"])) for each in editions]
    stage.expect("督办清单的日期（每周第一个工作日，节假日顺延）", written_days(due), written_days(days))
    for each in editions:
        stage.tell(f"{each['number']}  {stage.written(datetime.fromisoformat(each['issued_at']))}  {lines(each)}")
    return editions


def lines(edition: Any) -> str:
    counts = Counter(line["kind_label"] for line in edition["lines"])
    return "、".join(f"{label} {number}" for label, number in counts.items())


def _days_from(since: date, until: date) -> list[date]:
    return [since + timedelta(days=number) for number in range((until - since).days + 1)]


def written_days(days: list[date]) -> str:
    return "、".join(f"{day:%m-%d}" for day in days) or "无"


async def issue_of(stage: Stage, facts: Facts) -> Any:
    return await stage.see(SUPERVISOR, "monitoring", f"/issues/{facts.issue}")
