"""What the story does again and again: submit an application, take it through its chain, release and seal its notice."""

import hashlib
from dataclasses import dataclass
from typing import Any

from deploy.demo.city import DIRECTOR, OFFICER, SEALER
from deploy.demo.stage import Stage

_TITLES = {"post_use_application": "用编", "entry_application": "入编", "exit_application": "出编"}


@dataclass(frozen=True)
class Party:
    """A unit of the story, and the logins of its clerk, its head, and the deputy who may do either's work."""

    id: str
    name: str
    code: str
    clerk: str
    head: str
    deputy: str


async def submit(stage: Stage, party: Party, what: str, title: str, by: str | None = None, **content: Any) -> str:
    """The clerk submits, unless somebody else is named; the application's id."""
    body = {"type": what, "unit_id": party.id, "title": title, "justification": f"{title}，经单位领导班子集体研究。", **content}
    answer = await stage.do(by or party.clerk, f"提交{_TITLES[what]}申请：{title}", "approval", "/applications", body)
    stage.tell(f"受理编号 {answer['number']}")
    return str(answer["application_id"])


async def detail(stage: Stage, application: str) -> Any:
    """The application as the office sees it."""
    return await stage.see(OFFICER, "approval", f"/applications/{application}")


async def at_step(stage: Stage, application: str, step: str) -> Any:
    """Wait until a step waits for its decider."""
    return await stage.until(
        f"申请到达环节 {step}",
        lambda: detail(stage, application),
        lambda seen: seen["state"] == "in_review" and seen["step"] == step,
        lambda seen: f"{seen['state_label']} {seen['step']}",
    )


async def in_state(stage: Stage, application: str, state: str) -> Any:
    """Wait until the application is in a state."""
    return await stage.until(
        f"申请状态 {state}", lambda: detail(stage, application), lambda seen: seen["state"] == state, lambda seen: seen["state_label"]
    )


async def approve(stage: Stage, application: str, user: str, step: str) -> None:
    """One step is approved by one person."""
    seen = await at_step(stage, application, step)
    body = {"verdict": "approve", "revision": seen["revision"], "step": step, "opinion": "同意。"}
    await stage.do(user, f"{seen['step_label']}：同意", "approval", f"/applications/{application}/decisions", body)


async def approve_all(stage: Stage, application: str, party: Party, *, director: bool = True) -> None:
    """The whole chain: head of the unit, business officer, director (an exit ends with the officer)."""
    await approve(stage, application, party.head, "unit_head")
    await approve(stage, application, OFFICER, "business_review")
    if director:
        await approve(stage, application, DIRECTOR, "director_approval")


async def seal_and_file(stage: Stage, application: str, party: Party) -> Any:
    """The notice is released by its operator, sealed, verified and filed; the application as it stands then."""
    document = (await in_state(stage, application, "awaiting_release"))["documents"][0]
    await stage.do(
        SEALER, f"用印登记，发出《{document['title']}》{document['document_no']}", "approval", f"/documents/{document['id']}/release", {}
    )
    filed = await in_state(stage, application, "filed")
    sealed = filed["documents"][0]
    path = await stage.keep(party.clerk, "approval", f"/documents/{document['id']}/file", f"{document['document_no']}.pdf")
    stage.expect("签章后文件的 SHA-256 与归档台账一致", sealed["sealed_sha256"], hashlib.sha256(path.read_bytes()).hexdigest())
    stage.tell(f"签章人 {sealed['signer']}，文件 {path}")
    return filed


async def row_of(stage: Stage, party: Party, kind: str, funding: str) -> Any:
    """One establishment row of a unit, as the roster has it."""
    unit = await stage.see(OFFICER, "roster", f"/units/{party.id}")
    return next(row for row in unit["establishments"] if (row["kind"], row["funding"]) == (kind, funding))


async def rows_settle(stage: Stage, party: Party, what: str, kind: str, funding: str, **expected: int) -> Any:
    """Wait until a row shows these figures, and tell them."""
    row = await stage.until(
        what,
        lambda: row_of(stage, party, kind, funding),
        lambda seen: all(seen[name] == value for name, value in expected.items()),
        lambda seen: {name: seen[name] for name in expected},
    )
    figures = f"编制数 {row['quota']}，实有 {row['headcount']}，已核未用 {row['reserved']}，可用 {row['available']}"
    stage.console.print(f"  [green]✓[/green] {what}：{figures}")
    return row
