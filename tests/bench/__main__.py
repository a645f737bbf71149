"""`python -m tests.bench [PATH…]`: measure our paths against their floors, print the table, write `.local/bench/latest.json` and a plot of each."""

import argparse
import json
import os
import sys
import time
import traceback
from dataclasses import dataclass

import uvloop
from rich.console import Console
from rich.table import Table

from shared import telemetry
from tests.bench import approval, backlog, city, export, growth, imports, light, lists, open_cases, pages, place, plots, read, start
from tests.bench.bench_stack import RESULT, load, memory, processor, whole_stack
from tests.bench.figures import Figure

PATHS = {
    "light": light.measure,
    "place": place.measure,
    "approval": approval.measure,
    "read": read.measure,
    "lists": lists.measure,
    "imports": imports.measure,
    "city": city.measure,
    "start": start.measure,
    "export": export.measure,
    "backlog": backlog.measure,
    "relay": backlog.measure_relays,
    "workers": backlog.measure_workers,
    "open": open_cases.measure,
    "growth": growth.measure,
    "pages": pages.measure,
}
NOTEWORTHY = 0.5
console = Console(highlight=False, width=110)


@dataclass(frozen=True)
class Row:
    """A figure with what the machine looked like when it was taken."""

    figure: Figure
    load: float
    memory: dict[str, int]
    seconds: float
    processor: dict[str, float]

    def as_json(self) -> dict[str, object]:
        """As it stands in the file; memory in MB; `seconds` and `processor` are of the whole path, floors and preparation included."""
        figure = self.figure
        rounded = {"ours": round(figure.ours, 3), "floor": round(figure.floor, 3), "unit": figure.unit, "ratio": round(figure.ratio, 3)}
        about = {"load": self.load, "memory": self.memory, "seconds": round(self.seconds), "processor": self.processor}
        return {"path": figure.path} | rounded | {"aim": figure.aim.text, "met": figure.met} | about


async def main(paths: list[str]) -> int:
    """Measure the named paths; 1 when one of them could not be measured. A missed aim is a finding, not a failure."""
    rows: list[Row] = []
    failed = False
    telemetry.set_up("bench", None)
    async with whole_stack() as stack:
        for name in paths:
            console.print(f"  {name} …", end="")
            began, before = time.monotonic(), processor(stack)
            try:
                figures = await PATHS[name](stack)
            except Exception:  # noqa: BLE001  one path that breaks does not take the others' figures with it
                traceback.print_exc()
                failed = True
                continue
            seconds, used = time.monotonic() - began, _since(before, processor(stack))
            console.print(f" {seconds:.0f} s")
            rows += [Row(figure, load(), memory(stack), seconds, used) for figure in figures]
    RESULT.write_text(json.dumps([row.as_json() for row in rows], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    console.print(_table(rows), _processor_table(rows), _memory_table(rows))
    for drawn in plots.draw([row.figure for row in rows], RESULT.parent):
        console.print(f"  {drawn}")
    return int(failed)


def _table(rows: list[Row]) -> Table:
    table = Table("path", "ours", "floor", "unit", "ratio", "aim", "met", "load")
    for row in rows:
        figure = row.figure
        numbers = (f"{figure.ours:,.1f}", f"{figure.floor:,.1f}", figure.unit, f"{figure.ratio:.2f}")
        table.add_row(figure.path, *numbers, figure.aim.text, "[green]yes" if figure.met else "[red]no", str(row.load))
    return table


def _since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Who used the processor, the busiest first; what is next to nothing is left out."""
    used = {name: round(seconds - before.get(name, 0.0), 1) for name, seconds in after.items()}
    return {name: seconds for name, seconds in sorted(used.items(), key=lambda each: -each[1]) if seconds >= NOTEWORTHY}


def _processor_table(rows: list[Row]) -> Table:
    """Of two cores, whoever is near the length of a path is what holds it up."""
    paths = {row.figure.path.split(":", 1)[0]: row for row in rows}
    table = Table("path", "seconds", "of processor, the busiest first")
    for path, row in paths.items():
        table.add_row(path, f"{row.seconds:.0f}", "  ".join(f"{name} {seconds:.1f}" for name, seconds in row.processor.items()))
    return table


def _memory_table(rows: list[Row]) -> Table:
    after = {row.figure.path.split(":", 1)[0]: row.memory for row in rows}
    table = Table("MB after", *after)
    for part in dict.fromkeys(name for used in after.values() for name in used):
        table.add_row(part, *(str(used.get(part, "")) for used in after.values()))
    table.add_row("all", *(str(sum(used.values())) for used in after.values()))
    return table


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    arguments.add_argument("paths", nargs="*", metavar="PATH", help=", ".join(PATHS))
    named = arguments.parse_args().paths
    chosen = [name for name in PATHS if name in named or not named]  # in this order: what fills its stack comes last
    if unknown := [name for name in named if name not in PATHS]:
        arguments.error(f"no such path: {', '.join(unknown)}")
    code = uvloop.run(main(chosen))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
