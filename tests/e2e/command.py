"""`bianban` as it is typed, inside this process: to start one for each command takes longer than most of what they do."""

import asyncio
import contextlib
import io
import os
import sys
from unittest.mock import patch

from deploy import cli
from deploy.local.place import Place


async def bianban(place: Place, *words: str) -> tuple[int, str]:
    """Exit code, and all that was said."""
    return await asyncio.to_thread(_run, place, words)


def _run(place: Place, words: tuple[str, ...]) -> tuple[int, str]:
    said = io.StringIO()
    typed, told = patch.object(sys, "argv", ["bianban", *words]), patch.dict(os.environ, place.variables(), clear=True)
    with typed, told, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
    return 0, said.getvalue()
