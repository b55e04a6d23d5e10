"""How fast and how right `/validate` answers, beside a stand-in for MLE-bench's server: python -m bench.validate

Several competitions, valid and invalid submissions mixed, every body unlike all others and every answer checked against
its own request. Ours is `podium validator` with its jailed parser; the stand-in is `bench.validate_stand_in`. Servers
run one after the other, the clients in a process of their own on the same machine. CPU is that of the server and all
that it starts, for one request. A wrong answer of the stand-in is mostly a fast one: the file of another request, half
written, is soon read.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import BaseModel

from bench import machine
from bench.validate_data import KINDS, prepare
from bench.validate_load import Measured, Order
from podium.settings import load_site

PACKAGES = ("pandas", "numpy", "scikit-learn", "pyarrow", "starlette", "uvicorn", "httptools", "uvloop", "Flask")
REQUESTS = {1_000: 600, 10_000: 240, 100_000: 80}
QUICK = 8
"""`--quick` sends that many times fewer."""
SECONDS = 120.0


class Cell(BaseModel):
    """One server at one size and one number of clients."""

    server: str
    rows: int
    clients: int
    seen: Measured
    cpu_ms: float


def ours(data: Path, port: int, sandbox: str) -> list[str]:
    site = data / "site.toml"
    site.write_text(f'ledger = "{data}/.ledger"\nscratch = "{load_site().scratch_dir()}"\n')
    options = ["--data-dir", str(data), "--site", str(site), "--port", str(port), "--no-key", "--sandbox", sandbox]
    return ["-m", "podium", "validator", *options]


def stand_in(data: Path, port: int, sandbox: str) -> list[str]:
    return ["-m", "bench.validate_stand_in", str(data), str(port)]


SERVERS = {"podium": ours, "stand-in": stand_in}


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[int]:
    """The server's process id, when it answers."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{' '.join(command)} does not start")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def load(order: Order) -> Measured:
    """What a process of clients saw."""
    command = [sys.executable, "-m", "bench.validate_load"]
    done = subprocess.run(command, input=order.model_dump_json(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return Measured.model_validate_json(done.stdout)


def measure(server: str, data: Path, rows: int, clients: Sequence[int], requests: int, sandbox: str) -> Iterator[Cell]:
    """One server at one size."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(SERVERS[server](data, port, sandbox), port) as pid:
        first = 24 * len(KINDS)
        load(Order(port=port, rows=rows, clients=1, first=0, requests=first))  # warm: jail, samples, libraries
        for count in clients:
            asked = max(requests if count > 1 else requests // 3, 2 * count)
            before = machine.cpu_seconds(pid)
            seen = load(Order(port=port, rows=rows, clients=count, first=first, requests=asked))
            used = machine.cpu_seconds(pid) - before
            first += asked
            yield Cell(server=server, rows=rows, clients=count, seen=seen, cpu_ms=used / asked * 1e3)


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Markdown."""
    names = list(SERVERS)
    columns = [f"{name}: p50 / p99 ms | req/s | CPU ms | wrong" for name in names]
    yield f"| {' | '.join(['rows', 'clients', *columns, 'req/s ratio', 'right answers/s ratio'])} |"
    yield "|" + "---|" * (4 * len(names) + 4)
    places: dict[tuple[int, int], dict[str, Cell]] = {(cell.rows, cell.clients): {} for cell in cells}
    for cell in cells:
        places[cell.rows, cell.clients][cell.server] = cell
    for (rows, clients), found in places.items():
        mine, theirs = (found[name].seen for name in names)
        right = mine.right_per_second / theirs.right_per_second if theirs.right_per_second else float("inf")
        texts = [*map(_texts, found.values()), f"{mine.per_second / theirs.per_second:.1f}", f"{right:.1f}"]
        yield f"| {rows:,} | {clients} | {' | '.join(texts)} |"


def _texts(cell: Cell) -> str:
    seen = cell.seen
    failed = f", {seen.failed} failed" if seen.failed else ""
    return f"{seen.p50_ms:.1f} / {seen.p99_ms:.1f} | {seen.per_second:.1f} | {cell.cpu_ms:.1f} | {seen.wrong}{failed}"


@click.command()
@click.option("--rows", multiple=True, type=click.Choice([str(size) for size in REQUESTS]), help="Only these sizes.")
@click.option("--clients", multiple=True, type=int, default=(1, 4, 16, 64), show_default=True)
@click.option("--quick", is_flag=True, help="Fewer requests: to see that it runs.")
@click.option("--sandbox", default="bubblewrap", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(rows: tuple[str, ...], clients: tuple[int, ...], quick: bool, sandbox: str, as_json: bool) -> None:
    """Measure both servers and print the table."""
    about, cells = machine.described(*PACKAGES), []
    for size in [int(text) for text in rows] or list(REQUESTS):
        requests = REQUESTS[size] // (QUICK if quick else 1)
        for server in SERVERS:
            with tempfile.TemporaryDirectory(prefix="podium-bench-") as folder:
                prepare(Path(folder), size)
                for cell in measure(server, Path(folder), size, clients, requests, sandbox):
                    cells.append(cell)
                    click.echo(f"{server}, {size} rows, {cell.clients} clients: {_texts(cell)}", err=True)
    if as_json:
        click.echo(json.dumps({"machine": about, "cells": [cell.model_dump() for cell in cells]}, indent=2))
        return
    click.echo(about + "\n")
    for line in table(cells):
        click.echo(line)


if __name__ == "__main__":
    main()
