"""`python -m deploy.otlp PORT ZIPKIN`: the relay of this stack."""

import argparse
import sys

import uvicorn
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from deploy.otlp.app import create_app
from deploy.otlp.tail import Tail
from shared.errors import CannotStart
from shared.process import leave_no_core
from shared.settings import Settings


class RelaySettings(Settings):
    """What is kept: a share of all traces, and each that took so many seconds or failed."""

    model_config = SettingsConfigDict(env_prefix="BIANBAN_", env_ignore_empty=True)

    trace_share: float = Field(1, ge=0, le=1)
    trace_slow: float = Field(1, ge=0)


def main() -> None:
    """Serve until told to stop."""
    leave_no_core()
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("zipkin")
    given = arguments.parse_args()
    settings = RelaySettings()
    tail = Tail(settings.trace_share, settings.trace_slow)
    uvicorn.run(create_app(given.zipkin, tail), host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    try:
        main()
    except CannotStart as why:
        sys.exit(str(why))
