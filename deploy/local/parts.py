"""The list of parts, in the order of a reader: servers, jobs, the seal, services, workflows, what watches them. What is not built yet is not in the list."""

import sys
from collections.abc import Iterator

from deploy.local import archive, kafka, postgres, probes, temporal, zipkin
from deploy.local.part import Part
from deploy.local.place import CACHE, PROJECT, SERVICES, Place

JOBS = ("migrate", "bootstrap")


def parts(place: Place) -> list[Part]:
    """Everything this checkout can run."""
    product = [*_seal(place), *_services(place), *_workflows(place), _portal(place)]
    return [
        postgres.part(place),
        kafka.part(place),
        temporal.part(place),
        *_jobs(place),
        _telemetry(place),
        *product,
        *archive.parts(place),
        zipkin.part(place, after=tuple(part.name for part in product)),
    ]


def choose(everything: list[Part], names: set[str]) -> list[Part]:
    """The named parts with all that they wait for; all that stand not aside when none is named."""
    unknown = names - {part.name for part in everything}
    if unknown:
        raise KeyError(f"unknown parts: {sorted(unknown)}")
    wanted = set(names)
    for part in reversed(everything):
        if part.name in wanted:
            wanted.update(part.after)
    return [part for part in everything if part.name in wanted or not (names or part.aside)]


_UVICORN = ("--no-access-log", "--no-server-header", "--http", "shared.guard:Impatient")


def _jobs(place: Place) -> Iterator[Part]:
    yield Part("migrate", _python("deploy.migrate"), place.variables(), after=("postgres",), job=True)
    yield Part("bootstrap", _python("deploy.bootstrap"), place.variables(), after=("kafka", "temporal"), job=True, forked=True)


def _seal(place: Place) -> Iterator[Part]:
    if _exists("deploy/seal.py") or _exists("deploy/seal/__main__.py"):
        port = place.port("seal")
        yield Part("seal", _python("deploy.seal"), place.variables(), probe=probes.http(port, "/ready"), ports=(port,), forked=True)


def _services(place: Place) -> Iterator[Part]:
    for service in SERVICES:
        port, variables = place.port(service), place.variables(service)
        if _exists(f"services/{service}/app.py"):
            app = ("--factory", f"services.{service}.app:create_app", "--host", "127.0.0.1", "--port", str(port), *_UVICORN)
            yield Part(f"{service}-app", _python("uvicorn", *app), variables, JOBS, probes.http(port, "/ready"), (port,), forked=True)
        if _exists(f"services/{service}/worker.py"):
            reached = probes.connected(place.reached("postgres"))
            yield Part(f"{service}-worker", _python(f"services.{service}.worker"), variables, JOBS, reached, forked=True)


def _workflows(place: Place) -> Iterator[Part]:
    if _exists("workflows/worker.py"):
        reached = probes.connected(place.reached("temporal"))
        yield Part("workflows-worker", _python("workflows.worker"), place.variables(), JOBS, reached, forked=True)


def _portal(place: Place) -> Part:
    port = place.port("portal")
    variables = place.variables() | {
        "PORTAL_ASSETS": str(CACHE / "assets"),
        "PORTAL_KAFKA": kafka.version(),
        "PORTAL_ZIPKIN_URL": f"http://127.0.0.1:{place.port('zipkin')}",
    }
    app = ("--factory", "services.portal.app:create_app", "--host", "127.0.0.1", "--port", str(port), *_UVICORN)
    return Part("portal", _python("uvicorn", *app), variables, ("identity-app",), probes.http(port, "/ready"), (port,), forked=True)


def _telemetry(place: Place) -> Part:
    port = place.port("otlp")
    relay = _python("deploy.otlp", str(port), f"http://127.0.0.1:{place.port('zipkin')}")
    return Part("otlp", relay, place.variables(), probe=probes.http(port, "/ready"), ports=(port,), forked=True)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _exists(path: str) -> bool:
    return (PROJECT / path).exists()
