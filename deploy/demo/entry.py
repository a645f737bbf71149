"""Step 1 of the story: a school is authorised to use a post, and later a teacher takes it."""

from typing import Any

from deploy.demo import casework
from deploy.demo.casework import Party
from deploy.demo.cast import Cast
from deploy.demo.stage import WEEKDAYS, Stage

KIND, FUNDING = "SY", "full"


async def play(stage: Stage, cast: Cast) -> None:
    """用编 → 已核未用 → 通知单 → 入编 → 归档."""
    stage.act(1, f"用编与入编：{cast.school.name}申请使用 1 名事业编制")
    before = await casework.row_of(stage, cast.school, KIND, FUNDING)
    await _use_a_post(stage, cast, before)
    await _take_the_post(stage, cast, before)


async def _use_a_post(stage: Stage, cast: Cast, before: dict[str, Any]) -> None:
    school = cast.school
    application = await casework.submit(
        stage, school, "post_use_application", "招聘数学教师 1 名", school.deputy, kind=KIND, funding=FUNDING, posts=1
    )
    await _judge_due_date(stage, application)
    await _nobody_decides_his_own(stage, application, school)
    await casework.approve_all(stage, application, school)
    await casework.rows_settle(
        stage,
        school,
        "核准后编制已预留",
        KIND,
        FUNDING,
        reserved=before["reserved"] + 1,
        headcount=before["headcount"],
        available=before["available"] - 1,
    )
    await casework.seal_and_file(stage, application, school)


async def _nobody_decides_his_own(stage: Stage, application: str, school: Party) -> None:
    """The clerk has no say in it; the deputy has, as head, but not where he submitted. Neither leaves a trace in the timeline."""
    body = {"verdict": "approve", "revision": 1, "step": "unit_head", "opinion": "同意。"}
    path = f"/applications/{application}/decisions"
    await stage.refused(school.clerk, "经办人想审签（无此权限）", "forbidden", "approval", path, body)
    await stage.refused(school.deputy, "提交人兼有审签权限，想审签自己的申请（本人事项须回避）", "own_case", "approval", path, body)
    seen = await casework.at_step(stage, application, "unit_head")
    stage.expect("两次被拒绝后，申请的办理记录", ["application_received"], [entry["kind"] for entry in seen["timeline"]])


async def _judge_due_date(stage: Stage, application: str) -> None:
    """The head's two working days, counted here from the calendar alone: a make-up Sunday is one of them."""
    seen = await casework.at_step(stage, application, "unit_head")
    counted = stage.calendar.add_working_days(stage.calendar.day_of_submission(stage.now), 2)
    stage.expect("单位负责人审签期限 2 个工作日（按节假日安排独立计算）", counted.due_on.isoformat(), seen["due_at"][:10])
    makeup = [day for day in stage.calendar.work if stage.today < day <= counted.due_on]
    if makeup:
        stage.tell(f"其中 {makeup[0]} 是调休上班的周{WEEKDAYS[makeup[0].weekday()]}，计为工作日")


async def _take_the_post(stage: Stage, cast: Cast, before: dict[str, Any]) -> None:
    school = cast.school
    person = await cast.register(stage, school.clerk, school, "专任教师", technical=True)
    reservations = await stage.see(school.clerk, "roster", f"/units/{school.id}/reservations")
    reservation = reservations["items"][-1]
    stage.tell(f"凭核准文号 {reservation['authorisation_no']}（有效期至 {reservation['expires_on']}）申请入编")
    application = await casework.submit(
        stage,
        school,
        "entry_application",
        "数学教师入编",
        kind=KIND,
        funding=FUNDING,
        person_id=person,
        reservation_id=reservation["id"],
        reason_code="open_recruitment",
        effective_on=stage.today.isoformat(),
    )
    await casework.approve_all(stage, application, school)
    await casework.rows_settle(
        stage,
        school,
        "入编后预留已使用",
        KIND,
        FUNDING,
        reserved=before["reserved"],
        headcount=before["headcount"] + 1,
        available=before["available"] - 1,
    )
    await casework.seal_and_file(stage, application, school)
    placed = await stage.see(school.clerk, "roster", f"/persons/{person}")
    stage.expect("教师已在编，先核编后进人的依据", reservation["authorisation_no"], placed["placement"]["authorisation_no"])
    stage.tell(f"公民身份号码只以掩码示人：{placed['id_number']}")
