"""`bianban case export CASE`: facts, timeline, deadline certificates and documents of one case, as its reader may see them, in one folder."""

import asyncio
import hashlib
import json
from pathlib import Path, PurePath
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from deploy.casefile import verify
from deploy.doors import READS, Doors, Refused, doors_of, owned
from deploy.local.place import Place, WrongPlace

app = typer.Typer(help="案卷。", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


async def export(doors: Doors, user: str, case_id: str, folder: Path) -> Path:
    """Write the folder of `approval:<application>` or `rectification:<issue>[:<round>]`. Raises Refused, WrongPlace."""
    kind, _, rest = case_id.partition(":")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kind == "approval":
        case = await _application(doors, user, rest, folder)
    elif kind == "rectification":
        case = await _issue(doors, user, *rest.partition(":")[::2], folder)
    else:
        raise WrongPlace("案件编号应为 approval:… 或 rectification:…。")
    text = json.dumps(
        {"case_id": case_id, "exported_at": doors.clock.now().isoformat(), "exported_by": user} | case, ensure_ascii=False, indent=1
    )
    owned(folder / "case.json", text.encode())
    owned(folder / "case.json.sha256", f"{hashlib.sha256(text.encode()).hexdigest()}  case.json\n".encode())
    owned(folder / "verify.py", Path(verify.__file__).read_bytes())
    return folder


async def _application(doors: Doors, user: str, application: str, folder: Path) -> dict[str, Any]:
    facts = (await doors.get(user, "approval", f"/applications/{application}")).body
    documents = [
        await _keep(doors, user, "approval", f"/documents/{each['id']}/file", folder / f"{each['document_no']}.pdf", each["sealed_sha256"])
        for each in facts["documents"]
        if each["sealed_sha256"]
    ]
    certificates = [{"of": facts["number"], "certificate": facts["deadline"]}] if facts["deadline"] else []
    return {
        "facts": facts,
        "certificates": certificates,
        "documents": documents,
        "attachments": await _attachments(doors, user, application, folder),
    }


async def _attachments(doors: Doors, user: str, application: str, folder: Path) -> list[dict[str, Any]] | None:
    """What was laid beside it; None for a reader who may see none of it."""
    at = f"/applications/{application}/attachments"
    try:
        listed = (await doors.get(user, "approval", at)).body["items"]
    except Refused as refused:
        if refused.status != httpx.codes.FORBIDDEN:
            raise
        return None
    return await _brought(doors, user, "approval", [(each, f"{at}/{each['id']}/file") for each in listed], folder)


async def _brought(doors: Doors, user: str, service: str, files: list[tuple[dict[str, Any], str]], folder: Path) -> list[dict[str, Any]]:
    """Files that people brought, under plain numbers, since their names are their bringers' own; one whose time of keeping is over is only listed."""
    (folder / "attachments").mkdir(mode=0o700, exist_ok=True)
    told: list[dict[str, Any]] = []
    for place, (each, path) in enumerate(files, 1):
        target = folder / "attachments" / f"{place:03}{PurePath(each['name']).suffix.lower()}"
        if not each.get("removed_at"):
            await _keep(doors, user, service, path, target, each["sha256"])
            each["file"] = f"attachments/{target.name}"
        told.append(each)
    return told


async def _issue(doors: Doors, user: str, issue: str, named_round: str, folder: Path) -> dict[str, Any]:
    """Facts and deadline are those of the present round, so no other is exported under its name; the timeline and the sealed notices are of all."""
    facts = (await doors.get(user, "monitoring", f"/issues/{issue}")).body
    if named_round not in {"", str(facts["round"])}:
        raise WrongPlace(f"该问题现为第 {facts['round']} 轮，案卷只能按本轮导出（办理过程含以前各轮）。请改用 rectification:{issue}。")
    unit = facts["unit_id"]
    light = (await doors.get(user, "monitoring", f"/units/{unit}/light")).body
    orders = [each for each in await doors.pages(user, "monitoring", "/freeze-orders", unit=unit) if _links(each, issue)]
    heads = await doors.pages(user, "monitoring", "/supervision-lists", unit=unit)
    editions = [(await doors.get(user, "monitoring", f"/supervision-lists/{each['id']}")).body for each in heads]
    editions = [each for each in editions if any(line["issue_id"] == issue for line in each["lines"])]
    documents = [
        await _keep(
            doors, user, "monitoring", f"/issues/{issue}/notice", folder / f"{each['number']}.pdf", each["sealed_sha256"], each["round"]
        )
        for each in facts["sealed_notices"]
    ]
    documents += [
        await _keep(
            doors, user, "monitoring", f"/supervision-lists/{each['id']}/pdf", folder / f"{each['number']}.pdf", each["sealed_sha256"]
        )
        for each in editions
        if each["sealed_sha256"]
    ]
    return {
        "facts": facts,
        "light_history": light["history"],
        "freeze_orders": orders,
        "supervision_lists": editions,
        "certificates": [{"of": facts["number"], "certificate": facts["certificate"]}] if facts["certificate"] else [],
        "documents": documents,
        "attachments": await _brought(
            doors, user, "monitoring", [(each, f"/issues/{issue}/evidence-files/{each['id']}") for each in facts["files"]], folder
        ),
    }


def _links(order: dict[str, Any], issue: str) -> bool:
    return any(each["issue_id"] == issue for each in order["issues"])


async def _keep(doors: Doors, user: str, service: str, path: str, target: Path, sha256: str, round_no: int | None = None) -> dict[str, str]:
    """The hash is the one the filing ledger has, not one of the bytes just received. Of a file that is lost the hash alone: the check says so."""
    try:
        owned(target, (await doors.get(user, service, path, round=round_no)).content)
    except Refused as refusal:
        if not refusal.code.endswith("_damaged"):
            raise
        typer.echo(f"{target.name}：{refusal.sentence}案卷中没有该文件，核验时会指出。", err=True)
    return {"file": target.name, "sha256": sha256}


@app.callback()
def case() -> None:
    """案卷：一个案件的全部事实、期限证明和文件。"""


@app.command("export", help="导出一个案件的案卷，附一个不依赖本系统的核验程序。")
def export_command(
    case_id: Annotated[str, typer.Argument(help="案件编号，如 approval:… 或 rectification:…")],
    user: Annotated[str, typer.Option(help="以哪个用户查阅。")],
    to: Annotated[Path | None, typer.Option(help="写入的文件夹。")] = None,
) -> None:
    place = Place.from_environment()
    folder = to or place.out / "cases" / case_id.replace(":", "-")

    async def run() -> None:
        async with doors_of(place, READS) as doors:
            await export(doors, user, case_id, folder)

    try:
        asyncio.run(run())
    except (Refused, httpx.HTTPError, OSError) as failed:
        raise WrongPlace(f"未能导出：{failed}") from None
    console.print(f"案卷已写入 {folder}。核验（不依赖本系统）：python3 {folder}/verify.py", markup=False)
