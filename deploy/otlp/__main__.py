"""`python -m deploy.otlp PORT ZIPKIN`: the relay of this stack."""

import argparse
import os

import uvicorn

from deploy.otlp.app import create_app
from deploy.otlp.tail import Tail
from shared.process import leave_no_core


def main() -> None:
    """Serve until told to stop. What is kept: BIANBAN_TRACE_SHARE of all traces, and each that took BIANBAN_TRACE_SLOW seconds or failed."""
    leave_no_core()
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("zipkin")
    given = arguments.parse_args()
    tail = Tail(float(os.environ.get("BIANBAN_TRACE_SHARE") or 1), float(os.environ.get("BIANBAN_TRACE_SLOW") or 1))
    uvicorn.run(create_app(given.zipkin, tail), host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
