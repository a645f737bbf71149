"""`bianban docs …`: documents that are made from the code."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic_settings import BaseSettings

from deploy.local.parts import JOBS, parts
from deploy.local.place import Place
from services.approval.settings import ApprovalSettings
from services.identity.settings import IdentitySettings
from services.monitoring.settings import MonitoringSettings
from services.portal.settings import AssetSettings, PortalSettings
from services.reporting.settings import ReportingSettings
from services.roster.settings import RosterSettings
from shared.events import CATALOGUE
from shared.events.asyncapi import document
from shared.settings import StackSettings

SETTINGS: dict[str, type[BaseSettings]] = {
    "各进程": StackSettings,
    "identity": IdentitySettings,
    "roster": RosterSettings,
    "approval": ApprovalSettings,
    "monitoring": MonitoringSettings,
    "reporting": ReportingSettings,
    "portal": PortalSettings,
    "portal 页面": AssetSettings,
}
SIMULATED = ("seal", "otlp")
"""In production the seal platform and a collector."""
app = typer.Typer(help="由代码生成的接口文档。", no_args_is_help=True)


@app.callback()
def docs() -> None:
    """由代码生成的接口文档。"""


@app.command(help="全部事件的 AsyncAPI 3 文档（各服务的 /asyncapi.json 相同）。")
def asyncapi(out: Annotated[Path | None, typer.Option(help="写入的文件；不给则输出。")] = None) -> None:
    text = json.dumps(document(tuple(CATALOGUE.types().values()), "1"), ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")


@app.command(help="由服务管理器运行的进程：先是启动前各运行一次的任务，然后是各进程，一行一个，给出命令；变量见 bianban docs settings。")
def processes() -> None:
    place = Place.from_environment()
    ours = [part for part in parts(place) if part.argv[:2] == (sys.executable, "-m") and part.name not in SIMULATED]
    for part in sorted(ours, key=lambda each: each.name not in JOBS):
        typer.echo(f"{part.name}\t{shlex.join(('python', *part.argv[1:]))}")


@app.command(help="各进程从环境变量读取的全部设置，及没有设置时的取值。")
def settings() -> None:
    read: dict[str, tuple[str, list[str]]] = {}
    for title, kind in SETTINGS.items():
        prefix = kind.model_config.get("env_prefix", "")
        inherited = StackSettings.model_fields if kind in StackSettings.__subclasses__() else {}
        for name, field in kind.model_fields.items():
            if name in inherited:
                continue
            variable = str(field.validation_alias or f"{prefix}{name}".upper())
            value = "必填" if field.is_required() else str(field.default) or "空"
            read.setdefault(variable, (value, []))[1].append(title)
    for variable, (value, readers) in sorted(read.items()):
        typer.echo(f"{variable}\t{value}\t{'、'.join(readers)}")
