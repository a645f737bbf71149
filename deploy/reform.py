"""`bianban reform FILE`: a reform from a file of the office's own words, tried out or carried out whole, over the roster's door."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.doors import Doors, Refused, at_doors
from deploy.imports import officer
from deploy.local.place import WrongPlace
from services.portal.rules.reforms import counted, title_of, without_internal_unit

_HELP = "方案的格式见 docs/reform.example.toml，可填的代码：bianban codes list。"
console = Console(highlight=False, soft_wrap=True)


def reform(
    file: Annotated[Path, typer.Argument(help="改革方案 (*.toml 或 *.json)，示例见 docs/reform.example.toml。")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只试算：逐步说明将发生什么、有哪些问题，不写入。")] = False,
    user: Annotated[str | None, typer.Option(help="以哪个用户办理（须有编办业务科角色）；只有一名时可不写。")] = None,
) -> None:
    """按一份文件实施机构改革：各步骤依次进行，全部办成或全部不办。单位写名称或编码，人员写姓名或编号，代码写名称。

    步骤（step）：新设（name、code、category、parent）、变更或更名（unit 和要改的项目，parent 为隶属关系）、撤并（unit、into）、
    分设（unit、into、posts、people）、划转编制（unit、to、kind、funding、posts）、划转人员（unit、to、people）、
    核定职数（unit、level、approved）、撤销（unit、successors）。同一用户重复运行同一文件，不会办两次。
    """
    at_doors(lambda doors: _reform(doors, file, user, dry_run=dry_run))


async def _reform(doors: Doors, file: Path, user: str | None, *, dry_run: bool) -> None:
    text = _text_of(file)
    user = user or await officer(doors, None)
    read = (await doors.post(user, "roster", "/reforms/read", {"text": text})).body
    if read["wrong"]:
        raise WrongPlace("改革方案有误，没有提交：\n" + "\n".join(f"  {each}" for each in read["wrong"]) + f"\n{_HELP}")
    body, names = read["body"], read["units"]
    if dry_run:
        await _try(doors, user, body, names)
        console.print("以上只是试算，没有写入任何数据。")
        return
    try:
        done = (await doors.post(user, "roster", "/reforms", body, key=read["key"])).body
    except Refused as refused:
        if refused.status != 409:
            raise
        await _try(doors, user, body, names)
        raise
    _tell_left(done, names)
    console.print(
        f"改革已实施，编号 {done['reform_id']}：变更单位 {done['units_changed']} 个，撤销单位 {done['units_closed']} 个，划转人员 {done['people_moved']} 名。"
    )


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except OSError:
        raise WrongPlace(f"不能读取文件 {file}。请核对路径。") from None
    except UnicodeDecodeError:
        raise WrongPlace(f"{file} 不是 UTF-8 文本。请另存为 UTF-8 编码。") from None


async def _try(doors: Doors, user: str, body: dict[str, Any], names: Mapping[str, str]) -> None:
    """Tell each step and all that speaks against the reform. WrongPlace where something does."""
    tried = (await doors.post(user, "roster", "/reforms/check", body)).body
    done, problems = {each["step"]: each for each in tried["steps"]}, tried["problems"]
    for number, step in enumerate(body["steps"], start=1):
        refused = [each["sentence"] for each in problems if each["step"] == number]
        console.print(f"第 {number} 步  {_said(step, names)}{_counted(done.get(number))}", markup=False)
        for sentence in refused:
            console.print(f"  错误  {sentence}", style="red", markup=False)
    for each in problems:
        if each["step"] is None:
            console.print(f"错误  {each['sentence']}", style="red", markup=False)
    _tell_left(tried, names)
    if problems:
        more = "被拒的步骤没有计入，其后各步的错误可能由此而来。" if any(each["step"] for each in problems) else ""
        raise WrongPlace(f"改革方案有 {len(problems)} 处错误，没有实施。{more}请改正文件后重新试算。")
    console.print(
        f"合计：变更单位 {tried['units_changed']} 个，撤销单位 {tried['units_closed']} 个，划转人员 {tried['people_moved']} 名。没有发现错误。"
    )


def _tell_left(done: Mapping[str, Any], names: Mapping[str, str]) -> None:
    for sentence in without_internal_unit(done["internal_units_left"], names):
        console.print(f"注意  {sentence}", style="yellow", markup=False)


def _said(step: Mapping[str, Any], names: Mapping[str, str]) -> str:
    to = step.get("into_unit_id") or step.get("to_unit_id")
    return f"{title_of(step)} {names.get(step['unit_id'], step['unit_id'])}{f' → {names.get(to, to)}' if to else ''}"


def _counted(done: Mapping[str, Any] | None) -> str:
    told = counted(done) if done else ""
    return f"：{told}" if told else ""
