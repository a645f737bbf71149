"""The commands that other files bring to `bianban`. Each is imported when it is asked for, so that `bianban status` stays quick."""

from importlib import import_module

import typer
import typer.main
from typer.core import TyperGroup

from deploy import chinese

AREAS = {
    "demo": ("deploy.demo.story", "demo"),
    "clock": ("deploy.clock", "app"),
    "city": ("deploy.city.command", "app"),
    "import": ("deploy.imports", "import_file"),
    "template": ("deploy.imports", "template"),
    "export": ("deploy.exports", "export_list"),
    "case": ("deploy.casefile.export", "app"),
    "identity": ("deploy.identity", "app"),
    "token": ("deploy.identity", "token"),
    "service-token": ("deploy.identity", "service_token"),
    "token-keys": ("deploy.token_keys", "app"),
    "law": ("deploy.law", "app"),
    "calendar": ("deploy.law", "calendar_app"),
    "reporting": ("deploy.reporting", "app"),
    "dead-letters": ("deploy.dead_letters", "app"),
    "docs": ("deploy.docs", "app"),
    "trace": ("deploy.trace.command", "trace"),
    "keys": ("deploy.keys", "app"),
    "audit": ("deploy.audit", "app"),
    "backup": ("deploy.backup.command", "backup"),
    "archive": ("deploy.backup.command", "archive_app"),
    "restore": ("deploy.backup.command", "restore_backup"),
    "person": ("deploy.person", "app"),
    "codes": ("deploy.codes", "app"),
    "reform": ("deploy.reform", "reform"),
    "chaos": ("deploy.chaos.command", "chaos"),
}

chinese.install()


class Areas(TyperGroup):
    """The command group of `bianban` with its areas."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own context
        """All names, for the help page."""
        return [*super().list_commands(ctx), *AREAS]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> object:  # type: ignore[override]  # as above
        """One command; an area is imported now."""
        if cmd_name not in AREAS:
            return super().get_command(ctx, cmd_name)
        module, name = AREAS[cmd_name]
        found = getattr(import_module(module), name)
        area = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if not isinstance(found, typer.Typer):
            area.command(cmd_name)(found)
            return typer.main.get_command(area)
        area.add_typer(found, name=cmd_name)
        return typer.main.get_group(area).get_command(ctx, cmd_name)
