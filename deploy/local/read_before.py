"""What the nursery does before it forks: bind its life to the supervisor's, and read every foreign package of our processes.

Each fork keeps the nursery's own sign of life open, so that by itself it would outlive its supervisor for as long as one of them runs, and they as
long as it. Nothing is collected meanwhile, and what stands at the end is looked at by no collection any more: a fork that reads our own modules would go
through all of it again and again, a quarter of its time, and make every page of it its own.
"""

import gc
import os
import signal
from importlib import import_module

from deploy.local.process import NURSERY, end_with_parent

PACKAGES = (
    "aiokafka", "argon2", "asyncpg", "authlib.oidc.core", "cryptography.hazmat.primitives.asymmetric.ec", "fastapi", "fontTools.ttLib",
    "httptools", "httpx", "jinja2", "joserfc.jwt", "jwt", "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter", "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.metrics", "opentelemetry.sdk.trace", "pydantic.v1", "pydantic_settings", "pyhanko.sign.signers",
    "pyhanko.sign.validation", "pyhanko.stamp", "pylopdf_fonts_zh_cn", "pyotp", "pypinyin", "rustpy_xlsxwriter", "structlog",
    "temporalio.contrib.opentelemetry", "temporalio.contrib.pydantic", "temporalio.worker", "typst", "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl", "uvloop", "xlsxwriter", "zxcvbn",
)  # fmt: skip

end_with_parent(signal.SIGKILL, os.getppid())()
os.environ[NURSERY] = str(os.getpid())
gc.disable()
for package in PACKAGES:
    import_module(package)
gc.freeze()
gc.enable()
