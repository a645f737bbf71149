"""Handlers that cannot block a case: an unforeseen error in one command becomes its refusal, not a failed workflow task."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

P = ParamSpec("P")
R = TypeVar("R")


def guarded(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Wrap an update handler, under its `@workflow.update`."""

    @functools.wraps(handler)
    async def guard(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handler(*args, **kwargs)
        except (FailureError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise ApplicationError("此操作未能完成，案件状态未变。", type="internal_error", non_retryable=True) from error

    return guard


def update_id() -> str:
    """The id of the update whose handler or validator is running."""
    current = workflow.current_update_info()
    if current is None:
        raise RuntimeError("not in an update")
    return current.id


def refuse(code: str, sentence: str) -> ApplicationError:
    """A validator's refusal: its code for programs, its sentence for people."""
    return ApplicationError(sentence, type=code, non_retryable=True)
