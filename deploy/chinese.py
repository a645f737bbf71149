"""What typer says of its own accord, in Chinese: the frame of a help page and the errors of usage.

Typer carries a click of its own that does not ask gettext for its sentences, so there is no catalogue to install. The frame has
places of its own (`rich_utils`, `formatter_class`); the sentences are looked up by their English form, as a catalogue would.
"""

import re
from typing import Any

from rich.columns import Columns
from rich.text import Text
from typer import rich_utils
from typer._click.core import Command, Context
from typer._click.exceptions import ClickException
from typer._click.formatting import HelpFormatter
from typer.core import TyperOption

from deploy.tables import Table

_frame_of_error, _help_of_typer = rich_utils.rich_format_error, Command.get_help_option
_help_of_parameter = rich_utils._get_parameter_help  # noqa: SLF001  no other place for how it breaks
_PARTS = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]..."}
_CATALOGUE = (
    ("Missing command.", "缺少命令。"),
    ("Missing argument {}.", "缺少参数 {}。"),
    ("Missing option {}.", "缺少选项 {}。"),
    ("No such command {}. Did you mean {}?", "没有命令 {}。是否想用 {}？"),
    ("No such command {}.", "没有命令 {}。"),
    ("No such option: {} (Possible options: {})", "没有选项 {}。相近的有：{}。"),
    ("No such option: {}", "没有选项 {}。"),
    ("Got unexpected extra argument(s) ({})", "多写了参数：{}。"),
    ("Option {} does not take a value.", "选项 {} 后面不写值。"),
    ("Option {} requires an argument.", "选项 {} 后面须写一个值。"),
    ("Option {} requires {} arguments.", "选项 {} 后面须写 {} 个值。"),
    ("Argument {} takes {} values.", "参数 {} 须写 {} 个值。"),
    ("Invalid value for {}: {}", "{} 的值不正确：{}"),
    ("Invalid value: {}", "{}"),
    ("Value error, {}", "{}"),
    ("{} does not match the formats {}.", "{} 不是所要的日期格式 {}。"),
    ("{} is not one of {}.", "{} 不在可选值 {} 之中。"),
    ("Input should be a valid UUID{}", "应为编号，请从查询结果中完整复制。"),
    ("Input should be a valid integer{}", "应为整数。"),
    ("Input should be a valid number{}", "应为数字。"),
    ("Input should be a valid boolean{}", "应为 true 或 false。"),
    ("Input should be greater than or equal to {}", "不能小于 {}。"),
    ("Input should be less than or equal to {}", "不能大于 {}。"),
    ("file {} does not exist.", "没有文件 {}。"),
    ("path {} does not exist.", "没有 {}。"),
    ("{} {} is a directory.", "{1} 是文件夹，应为文件。"),
    ("{} {} is a file.", "{1} 是文件，应为文件夹。"),
    ("{} {} is not readable.", "{1} 不可读。请检查权限。"),
    ("{} {} is not writable.", "{1} 不可写。请检查权限。"),
)
_FORMS = [(re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.DOTALL), chinese) for english, chinese in _CATALOGUE]


def sentence(english: str) -> str:
    """A sentence of typer's in Chinese; what is not its own stays as it is."""
    for form, chinese in _FORMS:
        if found := form.fullmatch(english):
            return chinese.format(*(sentence(part) for part in found.groups()))
    return english


class Formatter(HelpFormatter):
    """A help page's text."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        for english, chinese in _PARTS.items():
            args = args.replace(english, chinese)
        super().write_usage(prog, args, prefix or "用法：")


def install() -> None:
    """Let every help page and error of this process speak Chinese."""
    rich_utils.Table = Table  # type: ignore[attr-defined]  # no other place for how columns break
    rich_utils._get_parameter_help = _folding  # noqa: SLF001
    rich_utils.OPTIONS_PANEL_TITLE, rich_utils.COMMANDS_PANEL_TITLE, rich_utils.ARGUMENTS_PANEL_TITLE = "选项", "命令", "参数"
    rich_utils.ERRORS_PANEL_TITLE, rich_utils.ABORTED_TEXT = "错误", "已取消。"
    rich_utils.REQUIRED_LONG_STRING, rich_utils.DEFAULT_STRING, rich_utils.ENVVAR_STRING = "[必填]", "[默认：{}]", "[环境变量：{}]"
    rich_utils.RICH_HELP = "查看用法：[blue]{command_path} {help_option}[/]"
    rich_utils.rich_format_error = _told
    Context.formatter_class = Formatter
    Command.get_help_option = _help_option  # type: ignore[method-assign]  # no other place for its text


def _folding(**asked: Any) -> Columns:
    """The help of a parameter, which goes on in the next line as well."""
    parts = _help_of_parameter(**asked)
    for part in parts.renderables:
        if isinstance(part, Text):
            part.overflow = "fold"
    return parts


def _told(self: ClickException) -> None:
    said = sentence(self.format_message())
    self.format_message = lambda: said  # type: ignore[method-assign]  # this one error, about to be printed
    _frame_of_error(self)


def _help_option(self: Command, ctx: Context) -> TyperOption | None:
    option = _help_of_typer(self, ctx)
    if option is not None:
        option.help = "显示本帮助。"
    return option
