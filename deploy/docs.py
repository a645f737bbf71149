"""`bianban docs …`: documents that are made from the code."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shared.events import CATALOGUE
from shared.events.asyncapi import document

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
