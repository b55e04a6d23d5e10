"""What the gateway costs, before a stub that answers at once: python -m bench.gateway [--quick] [--serve]

Whole answers, and streams of 66 events that come at once or one every 3 ms. CPU is that of the gateway's process alone,
for one request; the stub and the clients are processes of their own on the same machine. After every row the ledger
must hold exactly what the stub said. `--serve` measures the same app as a Ray Serve deployment too (CPU of all that Ray
starts) on a cluster of its own, which needs a minute to start.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from pydantic import BaseModel

from bench import machine
from bench.gateway_load import Measured, Order
from bench.gateway_served import LEDGER
from bench.gateway_stub import PROMPT, TOKENS
from serve.gateway.keys import Keyring

PACKAGES = ("uvicorn", "httptools", "uvloop", "aiohttp", "pydantic")
KINDS = {"whole": (False, 0.0), "stream, at once": (True, 0.0), "stream, every 3 ms": (True, 3.0)}
"""Whether it streams, and the stub's pause (ms)."""
REQUESTS = {"whole": 6000, "stream, at once": 3000, "stream, every 3 ms": 1200}
QUICK = 6
"""`--quick` sends that many times fewer."""
KEYS = 50
STARTS = 90.0
SERVE = "bench.gateway_serve"


class Cell(BaseModel):
    """One way to the stub, one kind of answer, one number of clients."""

    way: str
    kind: str
    clients: int
    seen: Measured
    cpu_ms: float
    """Of the gateway for one request; 0 for the bare stub."""


@contextmanager
def running(port: int, *command: str) -> Iterator[int]:
    """The process id of a server of ours, when it answers."""
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen([sys.executable, "-m", *command], stdin=subprocess.PIPE, env=environment) as process:
        try:
            deadline = time.monotonic() + STARTS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{' '.join(command)} does not start")
                time.sleep(0.05)
            yield process.pid
        finally:
            if SERVE in command:  # takes its Ray down by itself
                process.communicate(timeout=STARTS)
            process.terminate()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def load(order: Order) -> Measured:
    """What a process of clients saw."""
    command = [sys.executable, "-m", "bench.gateway_load"]
    done = subprocess.run(command, input=order.model_dump_json(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return Measured.model_validate_json(done.stdout)


class Ledger:
    """What the gateway has booked, row by row."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before = (0, 0, 0)

    def check(self, requests: int) -> None:
        """Ends the bench unless the row's usage is exact."""
        keyring = Keyring(self._file)
        used = [keyring.usage(f"trial-{number}") for number in range(KEYS)]
        keyring.close()
        now = (sum(u.requests for u in used), sum(u.prompt for u in used), sum(u.completion for u in used))
        added = tuple(new - old for new, old in zip(now, self._before, strict=True))
        if added != (requests, requests * PROMPT, requests * TOKENS) or any(u.estimated for u in used):
            raise SystemExit(f"the ledger is wrong: {added} for {requests} requests")
        self._before = now


def measure(way: str, kind: str, clients: Sequence[int], requests: int, folder: Path) -> Iterator[Cell]:
    """One way and kind at all numbers of clients."""
    stream, pause = KINDS[kind]
    stub, port = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(running(stub, "bench.gateway_stub", str(stub), str(pause)))
        pid, ledger = 0, None
        if way != "stub":
            module = "bench.gateway_served" if way == "gateway" else SERVE
            arguments = (str(port), f"http://127.0.0.1:{stub}", str(folder), str(KEYS))
            pid = stack.enter_context(running(port, module, *arguments))
            ledger = Ledger(folder / LEDGER)
        order = Order(
            port=port if pid else stub,
            path="/v1/chat/completions",
            stream=stream,
            clients=4,
            requests=200,
            keys=KEYS,
            events=TOKENS + (1 if pid else 2),
        )
        load(order)  # warm
        if ledger is not None:
            ledger.check(order.requests)
        for count in clients:
            asked = max(requests // (8 if count == 1 else 1), 3 * count)
            before = machine.cpu_seconds(pid) if pid else 0.0
            seen = load(order.model_copy(update={"clients": count, "requests": asked}))
            used = machine.cpu_seconds(pid) - before if pid else 0.0
            if seen.wrong:
                raise SystemExit(f"{way}: {seen.wrong} answers were not whole")
            if ledger is not None:
                ledger.check(asked)
            yield Cell(way=way, kind=kind, clients=count, seen=seen, cpu_ms=used / asked * 1e3)


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Markdown."""
    ways = list(dict.fromkeys(cell.way for cell in cells))
    heads = [f"{way}: p50 / p99 ms, req/s" + ("" if way == "stub" else ", first byte +ms, CPU ms") for way in ways]
    yield f"| {' | '.join(['answer', 'clients', *heads])} |"
    yield "|---|---:|" + "---|" * len(ways)
    for kind, clients in dict.fromkeys((cell.kind, cell.clients) for cell in cells):
        row = {cell.way: cell for cell in cells if (cell.kind, cell.clients) == (kind, clients)}
        yield f"| {kind} | {clients} | {' | '.join(_text(row[way], row['stub']) for way in ways)} |"


def _text(cell: Cell, stub: Cell) -> str:
    seen = cell.seen
    text = f"{seen.p50_ms:.1f} / {seen.p99_ms:.1f}, {seen.per_second:.0f}"
    if cell is stub:
        return text
    return f"{text}, {seen.first_p50_ms - stub.seen.first_p50_ms:+.1f}, **{cell.cpu_ms:.2f}**"


@click.command()
@click.option("--clients", multiple=True, type=int, default=(1, 8, 32, 128), show_default=True)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only these answers.")
@click.option("--quick", is_flag=True, help="Fewer requests.")
@click.option("--serve", is_flag=True, help="The app as a Ray Serve deployment too.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(clients: tuple[int, ...], kinds: tuple[str, ...], quick: bool, serve: bool, as_json: bool) -> None:
    """Measure and print the table."""
    about, cells = machine.described(*PACKAGES), []
    for kind in kinds or KINDS:
        for way in ("stub", "gateway", *(["Serve deployment"] if serve else [])):
            requests = REQUESTS[kind] // (QUICK if quick else 1) // (6 if way == "Serve deployment" else 1)
            with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
                for cell in measure(way, kind, clients, requests, Path(folder)):
                    cells.append(cell)
                    click.echo(f"{way}, {kind}, {cell.clients}: {cell.seen}, {cell.cpu_ms:.2f} ms", err=True)
    if as_json:
        click.echo(json.dumps({"machine": about, "cells": [cell.model_dump() for cell in cells]}, indent=2))
        return
    click.echo(about + "\n")
    for line in table(cells):
        click.echo(line)


if __name__ == "__main__":
    main()
