"""The story of `make demo`, from the first application to the last, played through the pages by everybody who has a part in it."""

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect
from rich.console import Console

from deploy.demo import casework, lists
from deploy.demo.casework import Party
from deploy.demo.cast import Cast, Facts, choose
from deploy.demo.city import DIRECTOR, OFFICER, SEALER, SUPERVISOR
from deploy.demo.rectification import FULL, OPEN
from deploy.demo.stage import Stage
from deploy.demo.story import stage_of
from deploy.local.place import Place
from shared.clock import at_hour
from shared.glossary import LABELS, IssueState, PersonIdentity, PostCategory
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Story:
    """Where it is played, and by whom."""

    whole: Place
    stage: Stage
    browser: Browser
    cast: Cast

    @asynccontextmanager
    async def at(self, user: str, path: str) -> AsyncIterator[Desk]:
        """Somebody signs in and opens a page."""
        async with desk(self.browser, self.whole.portal, user) as somebody:
            await somebody.page.goto(path if path.startswith("http") else f"{self.whole.portal}{path}")
            yield somebody

    async def apply(self, user: str, kind: str, title: str, row: tuple[str, str], person: str = "") -> str:
        """Submit an application; its address. Who leaves does so to put something right, who comes was recruited openly."""
        async with self.at(user, f"/applications/new/{kind}") as somebody:
            page = somebody.page
            if kind == "entry_application":
                await page.select_option("#f-reservation_id", index=1)
            if kind == "post_use_application":
                await page.select_option("#f-row", "|".join(row))
            if person:
                await _choose(page, "#f-person_id", person)
                await page.select_option("#f-reason_code", "open_recruitment" if kind == "entry_application" else "rectification")
            await page.fill("#f-title", title)
            await page.fill("#f-justification", f"{title}，经单位领导班子集体研究。")
            await page.click("text=提交申请")
            await expect(page.locator("h1")).to_have_text(title)
            return page.url.partition("?")[0]

    async def approve(self, application: str, *users: str) -> None:
        """Each at his step."""
        for user in users:
            async with self.at(user, application) as somebody:
                await somebody.until("通过（")
                await somebody.page.click("button[value=approve]")
                await _said(somebody.page, "已通过")

    async def seal(self, application: str) -> None:
        """The operator has the notice sealed; the case is filed."""
        async with self.at(SEALER, application) as sealer:
            await sealer.until("登记用印并送签章")
            await sealer.page.click("text=登记用印并送签章")
            await sealer.until("已签章归档")

    async def register(self, user: str, party: Party, title: str) -> str:
        """Make a new person known; the name."""
        inventor = self.cast.inventor
        born_on, name = inventor.birth_date(self.stage.today, 24, 34), inventor.name("F")
        async with self.at(user, f"/units/{party.id}/persons/new") as somebody:
            for field, value in (("name", name), ("birth_on", born_on.isoformat()), ("title", title)):
                await somebody.page.fill(f"#f-{field}", value)
            await somebody.page.fill("#f-id_number", inventor.id_number(born_on, "F"))
            for field, value in (("sex", "F"), ("identity", PersonIdentity.PROFESSIONAL), ("post_category", PostCategory.TECHNICAL)):
                await somebody.page.select_option(f"#f-{field}", value)
            await somebody.page.click("button:has-text('登记')")
            await _said(somebody.page, "已登记")
        return name


async def test_the_story_of_the_demo_is_played_through_the_pages(whole: Place) -> None:
    async with stage_of(whole, Console(file=io.StringIO())) as stage, chromium() as browser:
        story, facts = Story(whole, stage, browser, await choose(stage.doors)), Facts()
        await _use_a_post_and_take_it(story)
        name = await _turn_red(story)
        issue = await _serve_notice(story, facts)
        pending = await _pass_the_deadline(story, facts, issue)
        late = await _freeze(story, pending)
        await _issue_the_list(story, facts)
        await _put_right(story, issue, name)
        await _go_on(story, pending, late)


async def _use_a_post_and_take_it(story: Story) -> None:
    school, row = story.cast.school, ("SY", "full")
    before = await casework.row_of(story.stage, school, *row)
    used = await story.apply(school.deputy, "post_use_application", "招聘数学教师 1 名", row)
    async with story.at(school.deputy, used) as deputy:  # he may decide as head, but not his own
        await deputy.until("单位负责人审签期限")
        await expect(deputy.page.locator("button[value=approve]")).to_have_count(0)
    await story.approve(used, school.head, OFFICER, DIRECTOR)
    await story.seal(used)
    name = await story.register(school.clerk, school, "专任教师")
    entered = await story.apply(school.clerk, "entry_application", "数学教师入编", row, name)
    await story.approve(entered, school.head, OFFICER, DIRECTOR)
    await story.seal(entered)
    await casework.rows_settle(story.stage, school, "已入编", *row, headcount=before["headcount"] + 1, reserved=before["reserved"])


async def _turn_red(story: Story) -> str:
    town = story.cast.town
    name = await story.register(OFFICER, town, "科员")
    async with story.at(SUPERVISOR, f"/units/{town.id}/supervision") as supervisor:
        page = supervisor.page
        await page.click("text=登记超编事实")
        await _choose(page, "#f-person_id", name)
        await page.select_option("#f-row", "|".join(FULL))
        await page.fill("#f-started_on", story.stage.today.isoformat())
        await page.fill("#f-document_no", f"望编督〔{story.stage.today.year}〕检查记录")
        await page.fill("#f-reason", "实地检查发现未经核编进人")
        await page.click("button:has-text('登记')")
        await _said(page, "已登记超编事实")
        await supervisor.until("红灯")
    return name


async def _serve_notice(story: Story, facts: Facts) -> str:
    async with story.at(SUPERVISOR, f"/issues?q={story.cast.town.name}&state=to_verify&sort=-found") as supervisor:
        page = supervisor.page
        await page.click("a.row-link")
        await page.fill("[name=confirmation-demand]", "请于期限内将超编人员调整出编，并报送整改材料。")
        await page.click("text=核实成立，签发通知书")
        await _said(page, "已核实并签发")
        issue = page.url.partition("?")[0]
        async with story.at(SEALER, issue) as sealer:
            await sealer.page.click("text=登记用印并送签章")
            await sealer.until("打开已签章的通知书")
        await page.goto(issue)
        await page.click("text=登记送达，开始计时")
        await _said(page, "已登记送达")
    facts.issue = issue.rpartition("/")[2]
    facts.due_on = story.stage.calendar.add_working_days(
        story.stage.today, (await lists.issue_of(story.stage, facts))["budget_days"]
    ).due_on
    return issue


async def _pass_the_deadline(story: Story, facts: Facts, issue: str) -> str:
    stage, town = story.stage, story.cast.town
    eve = stage.calendar.previous_working_day(stage.calendar.previous_working_day(facts.due_on))
    await stage.advance(at_hour(eve, 10), "期限届满前第 2 个工作日")
    pending = await story.apply(town.clerk, "post_use_application", "招聘综合服务人员 1 名", OPEN)
    await story.approve(pending, town.head)
    await stage.advance(at_hour(facts.due_on, 18), "期限届满之后")
    async with story.at(town.head, issue) as head:
        await head.until(LABELS[IssueState.OVERDUE])
    await stage.advance(at_hour(stage.calendar.next_working_day(facts.due_on), 10), "次一工作日")
    return pending


async def _freeze(story: Story, pending: str) -> str:
    town = story.cast.town
    await _decide(story, "decision", "同意冻结", "冻结中")
    late = await story.apply(town.clerk, "post_use_application", "冻结后提交的用编申请", OPEN)
    for application in (pending, late):
        async with story.at(town.clerk, application) as clerk:
            await clerk.until("暂停办理；解冻后从原处继续")
    return late


async def _decide(story: Story, path: str, verdict: str, then: str) -> None:
    async with story.at(DIRECTOR, f"/freeze-orders?q={story.cast.town.name}") as director:
        page = director.page
        await page.click("a.row-link")
        await director.until(verdict)
        await page.fill("#f-document_no", f"望编〔{story.stage.today.year}〕{path}{page.url[-4:]}")
        await page.fill("#f-reason", "情况属实。")
        await page.click(f"button:has-text('{verdict}')")
        await _said(page, "正在写入编制台账")
        await director.until(then)


async def _issue_the_list(story: Story, facts: Facts) -> None:
    edition = await lists.next_edition(story.stage, story.cast, facts)
    path = f"/supervision-lists/{edition['id']}"
    async with story.at(SEALER, path) as sealer:
        await sealer.page.click("text=登记用印并送签章")
        await sealer.until("待单位签收")
    async with story.at(story.cast.town.clerk, path) as clerk:
        for kind, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
            file = await clerk.page.context.request.get(f"{story.whole.portal}{path}/{kind}")
            assert (await file.body()).startswith(begins)
        await clerk.page.click("button:has-text('签收')")
        await _said(clerk.page, "已签收")


async def _put_right(story: Story, issue: str, name: str) -> None:
    town = story.cast.town
    left = await story.apply(town.clerk, "exit_application", "超编人员整改出编", FULL, name)
    await story.approve(left, town.head, OFFICER)
    await story.seal(left)
    async with story.at(town.clerk, issue) as clerk:
        await clerk.page.fill("[name=evidence-description]", "超编人员已出编，附出编通知单。")
        await clerk.page.click("button:has-text('提交整改材料')")
        await _said(clerk.page, "整改材料已提交")
    async with story.at(SUPERVISOR, issue) as supervisor:
        await supervisor.until("验收通过，销号")
        await supervisor.page.fill("[name=acceptance-document_no]", f"望编验〔{story.stage.today.year}〕{issue[-4:]}号")
        await supervisor.page.click("button:has-text('验收通过，销号')")
        await _said(supervisor.page, "已验收销号")
    async with story.at(town.head, f"/units/{town.id}/supervision") as head:
        await head.until("没有未了的问题")
        await expect(head.page.locator("section[aria-labelledby=h-light]")).to_contain_text("绿灯")


async def _go_on(story: Story, pending: str, late: str) -> None:
    """What was held up goes on where it stood; what came too late for it is withdrawn."""
    await _decide(story, "release-decision", "同意解冻", "已解冻")
    await story.approve(pending, OFFICER, DIRECTOR)
    await story.seal(pending)
    async with story.at(story.cast.town.clerk, late) as clerk:
        await clerk.until("撤回申请")
        await clerk.page.click("summary:has-text('撤回申请')")
        await clerk.page.fill("#f-reason", "不再需要。")
        await clerk.page.click("button:has-text('撤回')")
        await _said(clerk.page, "已撤回申请")


async def _choose(page: Page, field: str, name: str) -> None:
    """Whoever has this name."""
    value = await page.locator(f"{field} option", has_text=re.compile(rf"^{name}\s")).get_attribute("value")
    await page.select_option(field, value)


async def _said(page: Page, words: str) -> None:
    """What a refusal says instead stands in the failure."""
    await expect(page.locator(".flash, .notice-bad").first).to_contain_text(words)
