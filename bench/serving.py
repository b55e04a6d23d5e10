"""A tiny model three ways beside each other, on the CPU: python -m bench.serving [--rounds N] [--quick] [--json]

Plain `vllm serve`; the stock application of `ray.serve.llm` with its own ingress, in a Ray cluster of its own; ours:
a key at the gateway before a replica. Same weights, engine arguments, prompts and load; all are up at the same time and
asked one at a time. CPU is that of all processes through which a request goes: server, engine, workers, proxy, gateway.
"""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import click

from bench import machine
from bench.serving_round import KINDS, OURS, PLAIN, STREAM, SYSTEMS, Asked, Cell, Model, measure, servers
from jobs import cli
from podium.errors import Unavailable
from podium.settings import CHECKOUT, load_site
from serve.checks.installation import CPU_COMMAND, installation_of
from serve.models import catalogue_of

MODEL = "tiny-qwen3"
REQUESTS = {1: 32, 8: 96, 32: 192}
QUICK = 4
"""`--quick` sends that many times fewer."""
TOKENS = 64
AIMS = {"whole": 0.85, "stream": 0.75}
"""Ours, of plain vLLM's requests a second, at AIM_CLIENTS."""
AIM_CLIENTS = 32
PACKAGES = ("ray", "aiohttp", "uvicorn")
NUMBERS = ("requests/s", "of plain", "tokens/s", "first token p50 ms", "p50 ms", "p99 ms", "CPU ms/request")


def tiny() -> Model:
    """The model, from this site. Raises Unavailable where its weights or vLLM are missing."""
    site = load_site()
    installed = installation_of(site, CHECKOUT)
    if not installed.vllm:
        raise Unavailable(f"There is no vLLM in {installed.folder}.", f"Type `{CPU_COMMAND}`.")
    entry = catalogue_of(site).find(MODEL).entry
    if not (site.models / MODEL).is_dir():
        raise Unavailable(f"There is no {site.models / MODEL}.", f"Type `{entry.made_by}`.")
    return Model(MODEL, entry, site.models.resolve(), installed.folder.resolve())


def interruptible() -> None:
    """Has SIGTERM end this process as Ctrl-C does: contexts close, and what was started is ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Markdown; of several rounds the medians. `of plain`: the median of the rounds' ratios of requests a second."""
    yield f"| answer | clients | server | {' | '.join(NUMBERS)} |"
    yield "|---|---:|---|" + "---:|" * len(NUMBERS)
    for kind, clients in dict.fromkeys((cell.kind, cell.seen.clients) for cell in cells):
        alike = [cell for cell in cells if (cell.kind, cell.seen.clients) == (kind, clients)]
        for system in dict.fromkeys(cell.system for cell in cells):
            found = [cell for cell in alike if cell.system == system]
            yield f"| {kind} | {clients} | {system} | {' | '.join(_numbers(found, ratio(alike, system)))} |"


def ratio(alike: Sequence[Cell], system: str) -> float | None:
    """Of plain's requests a second; None where plain was not asked, or nothing was answered."""
    speed = {(cell.system, cell.round): cell.seen.per_second for cell in alike}
    rounds = {cell.round for cell in alike}
    ratios = [speed[system, number] / speed[PLAIN, number] for number in rounds if speed.get((PLAIN, number))]
    return median(ratios) if ratios else None


def _numbers(found: Sequence[Cell], of_plain: float | None) -> Iterator[str]:
    first = found[0]
    yield f"{_median(found, 'per_second'):.1f}"
    yield _judged(first, of_plain)
    yield f"{_median(found, 'tokens_per_second'):.0f}"
    yield f"{_median(found, 'ttft_p50_ms'):.0f}" if first.kind == STREAM else ""
    yield f"{_median(found, 'p50_ms'):.0f}"
    yield f"{_median(found, 'p99_ms'):.0f}"
    yield f"{median(cell.cpu_ms for cell in found):.0f}"


def _judged(cell: Cell, of_plain: float | None) -> str:
    if of_plain is None or cell.system == PLAIN:
        return ""
    aim = AIMS[cell.kind] if cell.system == OURS and cell.seen.clients == AIM_CLIENTS else 0.0
    said = f"{of_plain:.2f}"
    return f"**{said}** (aim {aim})" if aim else said


def _median(found: Sequence[Cell], name: str) -> float:
    return median(getattr(cell.seen, name) or 0.0 for cell in found)


def _tell(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--server", "names", multiple=True, type=click.Choice(SYSTEMS), help="Only these.")
@click.option("--clients", multiple=True, type=click.Choice([str(count) for count in REQUESTS]), help="Only so many.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these answers.")
@click.option("--quick", is_flag=True, help="Fewer requests.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(
    rounds: int, names: tuple[str, ...], clients: tuple[str, ...], kinds: tuple[str, ...], quick: bool, as_json: bool
) -> int:
    """Measure and print the table. Exit codes: 0 done, 1 it cannot be measured here, 2 some requests failed."""
    interruptible()
    chosen = {count: sent for count, sent in REQUESTS.items() if not clients or str(count) in clients}
    asked = Asked(requests={n: max(sent // (QUICK if quick else 1), n) for n, sent in chosen.items()}, tokens=TOKENS)
    model = tiny()
    with (
        tempfile.TemporaryDirectory(prefix="podium-bench-") as folder,
        servers(names or SYSTEMS, model, Path(folder), _tell) as up,
    ):
        about = machine.described(*PACKAGES)
        cells = list(measure(up, model.name, asked, kinds or KINDS, rounds, _tell))
    if as_json:
        click.echo(json.dumps({"machine": about, "cells": [cell.model_dump() for cell in cells]}, indent=2))
    else:
        for line in (about, "", *table(cells)):
            click.echo(line)
    return 2 if any(cell.seen.errors for cell in cells) else 0


if __name__ == "__main__":
    cli.run(main, "serving")
