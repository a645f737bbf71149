"""Steps 2 to 5 of the story: a town beyond its quota, its red light, its deadline across the holidays, the freeze, and the way back to green."""

import time
from datetime import date, datetime, timedelta
from typing import Any

from deploy.demo import casework, lists
from deploy.demo.cast import Cast, Facts
from deploy.demo.city import DIRECTOR, OFFICER, SEALER, SUPERVISOR
from deploy.demo.stage import Stage
from shared.clock import at_hour
from shared.documents import sha256_hex
from shared.glossary import LABELS, FreezeState, IssueState, Light, LineKind, Rung
from shared.law.deadline import Deadline

FULL = ("XZ", "state")
OPEN = ("SY", "full")


async def turn_red(stage: Stage, cast: Cast, facts: Facts) -> None:
    """An inspection finds one person beyond quota; the light is red at once."""
    stage.act(2, f"监督检查：{cast.town.name}违规超编 1 人，亮红灯")
    before = await casework.row_of(stage, cast.town, *FULL)
    stage.tell(f"{cast.town.name} 行政编制：编制数 {before['quota']}，实有 {before['headcount']}，可用 {before['available']}（满编）")
    facts.person = await cast.register(stage, OFFICER, cast.town, "科员", technical=False)
    began = time.perf_counter()
    await stage.do(
        SUPERVISOR,
        "登记超编事实（违规超编）",
        "roster",
        f"/units/{cast.town.id}/over-quota",
        {
            "person_id": facts.person,
            "kind": FULL[0],
            "funding": FULL[1],
            "started_on": (stage.today - timedelta(days=30)).isoformat(),
            "cause": "violation",
            "reason": "实地检查发现未经核编进人",
            "document_no": f"望编督〔{stage.today.year}〕检查记录",
        },
    )
    committed = time.perf_counter()
    light = await stage.until("亮红灯", lambda: _light(stage, cast), lambda seen: seen["light"] == "red", lambda seen: seen["label"])
    seen_at = time.perf_counter()
    stage.expect("灯色", LABELS[Light.RED], light["label"])
    stage.tell(
        f"从提交登记到看见红灯 [bold]{(seen_at - began) * 1000:.0f} 毫秒[/bold]，其中登记落库并应答后 {(seen_at - committed) * 1000:.0f} 毫秒"
    )
    why = next(each for each in light["why"] if each["rule"] == "M01")
    facts.issue = why["issue_id"]
    stage.tell(
        f"原因：规则 {why['rule']}（{why['title']}）版本 {why['rule_version']}，输入 {why['inputs']}，事件 {str(why['event_id'])[:13]}…"
    )
    stage.tell(f"怎样变好：{why['better_by']}")
    issue = await lists.issue_of(stage, facts)
    facts.round = issue["round"]
    stage.expect("案件状态", LABELS[IssueState.TO_VERIFY], issue["state_label"])
    after = await casework.row_of(stage, cast.town, *FULL)
    stage.expect("超编数", before["overstaffing"] + 1, after["overstaffing"])


async def serve_notice(stage: Stage, cast: Cast, facts: Facts) -> None:
    """The officer confirms and signs, the operator releases, the seal comes back; the service starts the deadline; weeks pass, reminders fire, nothing happens."""
    stage.act(3, "整改通知书、期限、逾期与冻结")
    body = {"title": "关于限期整改超编问题的通知", "demand": "请于期限内将超编人员调整出编，并报送整改材料。"}
    signed = await stage.do(SUPERVISOR, "核实成立，签发整改通知书", "monitoring", f"/issues/{facts.issue}/confirmation", body)
    stage.tell(f"整改通知书 {signed['number']}，{signed['notice']['standing_label']}")
    await stage.refused(
        SUPERVISOR,
        "未签章就想送达",
        "notice_not_sealed",
        "monitoring",
        f"/issues/{facts.issue}/service",
        {"served_on": stage.today.isoformat()},
    )
    await _seal_notice(stage, cast, facts)
    served = await stage.do(
        SUPERVISOR, "送达，期限起算", "monitoring", f"/issues/{facts.issue}/service", {"served_on": stage.today.isoformat()}
    )
    certificate = served["certificate"]
    counted = stage.calendar.add_working_days(stage.today, certificate["budget"])
    facts.due_on = counted.due_on
    stage.expect(f"整改期限（{certificate['budget']} 个工作日，独立计算）", counted.due_on.isoformat(), str(certificate["due_at"])[:10])
    rest = [day for day in counted.skipped if day.weekday() < 5]
    made_up = [day for day in stage.calendar.work if stage.today < day <= counted.due_on]
    stage.tell(
        f"其间工作日放假 {len(rest)} 天（{lists.written_days(rest)}），调休上班 {len(made_up)} 天（{lists.written_days(made_up)}）{'；超出已公布日历，为暂定' if counted.provisional else ''}"
    )
    await stage.refused(
        SUPERVISOR, "尚未整改就想销号", "still_found", "monitoring", f"/issues/{facts.issue}/acceptance", {"document_no": "无"}
    )


async def _seal_notice(stage: Stage, cast: Cast, facts: Facts) -> None:
    """用印登记 by the named operator; what the town is served is the sealed file."""
    released = await stage.do(SEALER, "用印登记，发出整改通知书", "monitoring", f"/issues/{facts.issue}/notice/release", {})
    sealed = await stage.until(
        "整改通知书已签章",
        lambda: lists.issue_of(stage, facts),
        lambda seen: seen["notice"]["standing"] == "sealed",
        lambda seen: seen["notice"]["standing_label"],
    )
    path = await stage.keep(cast.town.clerk, "monitoring", f"/issues/{facts.issue}/notice", f"{released['number']}.pdf")
    stage.expect("签章后通知书的 SHA-256 与系统登记一致", sealed["notice"]["sealed_sha256"], sha256_hex(path.read_bytes()))
    stage.tell(f"签章人 {sealed['notice']['signer']}，文件 {path}")


async def pass_deadline(stage: Stage, cast: Cast, facts: Facts) -> None:
    """Two working days before the end the town submits an application; then the end comes. A town that played before was called in at once (约谈)."""
    eve = stage.calendar.previous_working_day(stage.calendar.previous_working_day(facts.due_on))
    await stage.advance(at_hour(eve, 10), "期限届满前第 2 个工作日")
    await lists.expect_lists(stage, cast, facts)
    title = "招聘综合服务人员 1 名"
    facts.pending = await casework.submit(stage, cast.town, "post_use_application", title, kind=OPEN[0], funding=OPEN[1], posts=1)
    await casework.approve(stage, facts.pending, cast.town.head, "unit_head")
    await casework.at_step(stage, facts.pending, "business_review")
    await stage.advance(at_hour(facts.due_on, 18), "期限届满之后")
    issue = await lists.issue_of(stage, facts)
    stage.expect("案件状态", LABELS[IssueState.OVERDUE], issue["state_label"])
    rungs = [rung for rung in issue["rungs"] if rung["round"] == issue["round"]]
    fired = "、".join(LABELS[Rung(rung["rung"])] for rung in rungs if rung["rung"] != Rung.INTERVIEW)
    stage.expect("已触发的督办阶梯，各一次", "、".join(LABELS[each] for each in (Rung.REMINDER, Rung.OVERDUE, Rung.FREEZE_PROPOSAL)), fired)
    for rung in rungs:
        stage.tell(f"{LABELS[Rung(rung['rung'])]}：应于 {stage.written(datetime.fromisoformat(rung['planned_at']))}")


async def freeze(stage: Stage, cast: Cast, facts: Facts) -> None:
    """The engine proposed, the director decides; the pending application pauses, and so does one submitted afterwards."""
    await stage.advance(at_hour(stage.calendar.next_working_day(facts.due_on), 10), "次一工作日")
    order = (await _orders(stage, cast))[0]
    facts.order = order["id"]
    stage.expect("冻结令由系统提出、待人决定", LABELS[FreezeState.PROPOSED], order["state_label"])
    before = await casework.detail(stage, facts.pending)
    facts.left = _deadline(before).remaining(stage.now)
    body = {"approve": True, "document_no": f"望编冻〔{stage.today.year}〕{facts.order[-4:]}号", "reason": "逾期未整改"}
    await stage.do(DIRECTOR, f"决定冻结{cast.town.name}的用编和入编", "monitoring", f"/freeze-orders/{facts.order}/decision", body)
    paused = await casework.in_state(stage, facts.pending, "paused")
    stage.expect("在办申请原地暂停，环节不变", "business_review", paused["step"])
    stage.expect("暂停的依据是该冻结令", [facts.order], paused["blocked_by"])
    stage.tell(f"暂停时剩余 {facts.left} 个工作日")
    title = "冻结后提交的用编申请"
    facts.late = await casework.submit(stage, cast.town, "post_use_application", title, kind=OPEN[0], funding=OPEN[1], posts=1)
    late = await casework.in_state(stage, facts.late, "paused")
    stage.expect("冻结后提交的申请同样暂停", [facts.order], late["blocked_by"])


async def put_right(stage: Stage, cast: Cast, facts: Facts) -> None:
    """The person leaves (never blocked), proof, acceptance, 销号, green, release, and the paused application goes on."""
    stage.act(5, "整改、销号、转绿、解冻、恢复办理")
    await _move_out(stage, cast, facts)
    body: dict[str, Any] = {"description": "超编人员已出编，附出编通知单。", "document_no": "整改报告", "attachments": []}
    await stage.do(cast.town.clerk, "提交整改材料", "monitoring", f"/issues/{facts.issue}/evidence", body)
    closed = await stage.do(
        SUPERVISOR,
        "验收通过，销号",
        "monitoring",
        f"/issues/{facts.issue}/acceptance",
        {"document_no": f"望编验〔{stage.today.year}〕{facts.issue[-4:]}号"},
    )
    stage.expect("案件状态", LABELS[IssueState.CLOSED], closed["state_label"])
    light = await stage.until("转为绿灯", lambda: _light(stage, cast), lambda seen: seen["light"] == "green", lambda seen: seen["label"])
    stage.expect("灯色", LABELS[Light.GREEN], light["label"])
    await stage.until(
        "提出解冻", lambda: _order(stage, facts), lambda seen: seen["state"] == "release_proposed", lambda seen: seen["state"]
    )
    body = {"approve": True, "document_no": f"望编解〔{stage.today.year}〕{facts.order[-4:]}号", "reason": "整改完成"}
    await stage.do(DIRECTOR, "签署解冻", "monitoring", f"/freeze-orders/{facts.order}/release-decision", body)
    resumed = await casework.at_step(stage, facts.pending, "business_review")
    stage.expect("恢复办理后剩余工作日与暂停时相同", facts.left, _deadline(resumed).remaining(stage.now))
    expected = _due(_deadline(resumed).start_on, resumed)
    stage.expect("新的办理期限（凭期限证明重新计算）", expected.isoformat(), resumed["due_at"][:10])
    await _finish(stage, cast, facts)


async def _move_out(stage: Stage, cast: Cast, facts: Facts) -> None:
    before = await casework.row_of(stage, cast.town, *FULL)
    application = await casework.submit(
        stage,
        cast.town,
        "exit_application",
        "超编人员整改出编",
        kind=FULL[0],
        funding=FULL[1],
        person_id=facts.person,
        reason_code="rectification",
        effective_on=stage.today.isoformat(),
    )
    stage.tell("冻结期间出编不受限制")
    await casework.approve_all(stage, application, cast.town, director=False)
    await casework.rows_settle(
        stage, cast.town, "超编人员已出编", *FULL, headcount=before["headcount"] - 1, overstaffing=before["overstaffing"] - 1
    )
    await casework.seal_and_file(stage, application, cast.town)


async def _finish(stage: Stage, cast: Cast, facts: Facts) -> None:
    await casework.approve(stage, facts.pending, OFFICER, "business_review")
    await casework.approve(stage, facts.pending, DIRECTOR, "director_approval")
    await casework.seal_and_file(stage, facts.pending, cast.town)
    await casework.at_step(stage, facts.late, "unit_head")
    body = {"reason": "演示结束，撤回"}
    await stage.do(cast.town.clerk, "撤回冻结后提交的申请", "approval", f"/applications/{facts.late}/withdrawal", body)
    await casework.in_state(stage, facts.late, "withdrawn")
    edition = await lists.next_edition(stage, cast, facts)
    stage.expect("该镇的下一期清单", f"{LABELS[LineKind.CLEARED]} 1", lists.lines(edition))


def _deadline(application: Any) -> Deadline:
    return Deadline.model_validate({name: application["deadline"][name] for name in Deadline.model_fields})


def _due(start_on: date, application: Any) -> date:
    """The last day, counted here by hand: working days whose close was not paused."""
    pauses = [(datetime.fromisoformat(each["since"]), datetime.fromisoformat(each["until"])) for each in application["deadline"]["pauses"]]
    deadline, used, day = _deadline(application), 0, start_on
    while used < deadline.total:
        day += timedelta(days=1)
        close = at_hour(day, 17, 30)
        used += deadline.calendar.is_working(day) and not any(since <= close < until for since, until in pauses)
    return day


async def _light(stage: Stage, cast: Cast) -> Any:
    return await stage.see(OFFICER, "monitoring", f"/units/{cast.town.id}/light")


async def _orders(stage: Stage, cast: Cast) -> list[Any]:
    items = (await stage.see(DIRECTOR, "monitoring", "/freeze-orders", unit=cast.town.id))["items"]
    return [each for each in items if each["state"] not in {"released", "freeze_declined"}]


async def _order(stage: Stage, facts: Facts) -> Any:
    return await stage.see(DIRECTOR, "monitoring", f"/freeze-orders/{facts.order}")
