"""Temporal's development server, as the tests of workflows have it: with a clock per workflow that skips what nobody waits for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from deploy.bootstrap import PLAN
from deploy.local.temporal import FOR_TESTS, PROGRAM, TUNED


@asynccontextmanager
async def server(*flags: str) -> AsyncIterator[WorkflowEnvironment]:
    """`flags`: dynamic configuration beside the stack's own."""
    words = [word for flag in (*TUNED, *FOR_TESTS, *flags) for word in ("--dynamic-config-value", flag)]
    words += [word for name, kind in PLAN["search_attributes"].items() for word in ("--search-attribute", f"{name}={kind.capitalize()}")]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(PROGRAM),
        data_converter=pydantic_data_converter,
        dev_server_extra_args=words,
        dev_server_log_level="error",
    ) as environment:
        yield environment
