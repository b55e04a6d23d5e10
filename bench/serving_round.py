"""The servers of `bench.serving`, all of them up at once, and one of them under load."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench import load
from bench.load import Measured
from bench.serve_gpu_engine import plain_words
from bench.serve_gpu_servers import Endpoint, Ready, ours_starting, plain_starting
from bench.serving_cluster import Say
from bench.serving_stock import stock_starting
from podium.spec import Spec
from serve.models import Entry

PLAIN, STOCK, OURS = "plain", "stock", "podium"
SYSTEMS = (PLAIN, STOCK, OURS)
WHOLE, STREAM = "whole", "stream"
KINDS = (WHOLE, STREAM)
PROMPT_TOKENS = 130
"""Of the user's message; the template adds about ten."""
WARM_CLIENTS, WARM_TOKENS = 8, 16


class Asked(Spec):
    """The load of one round."""

    requests: Mapping[int, int]
    """By the number of clients."""
    tokens: int
    """Of an answer."""


class Cell(BaseModel):
    """One server under one kind of load in one round."""

    model_config = ConfigDict(frozen=True)

    system: str
    round: int
    kind: str
    seen: Measured
    cpu_ms: float
    """Of all processes through which a request goes, for one request."""


Servers = Mapping[str, Endpoint]


@dataclass(frozen=True)
class Model:
    """What is served."""

    name: str
    entry: Entry
    folder: Path
    """Where local weights lie."""
    vllm: Path
    """The environment."""


@contextmanager
def servers(names: Sequence[str], model: Model, folder: Path, say: Say) -> Iterator[Servers]:
    """Those of `names`, each of which has answered. They start beside each other, for that is faster, and stay up."""
    with ExitStack() as stack:
        starting = {name: stack.enter_context(_starting(name, model, folder, say)) for name in names}
        up = {name: ready() for name, ready in starting.items()}
        for name, endpoint in up.items():
            say(f"{name}: answers")
            for kind in KINDS:
                _load(endpoint, model.name, kind, WARM_CLIENTS, 2 * WARM_CLIENTS, WARM_TOKENS, seed=0)
        yield up


def _starting(name: str, model: Model, folder: Path, say: Say) -> AbstractContextManager[Ready]:
    place = folder / name
    place.mkdir()
    if name == PLAIN:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        words = plain_words(model.name, model.entry, model.folder, port)
        return plain_starting(model.vllm, words, port, place, say)
    start = stock_starting if name == STOCK else ours_starting
    return start(model.vllm, model.name, model.entry, place, say, model.folder)


def measure(up: Servers, model: str, asked: Asked, kinds: Sequence[str], rounds: int, say: Say) -> Iterator[Cell]:
    """All cells. One server after the other under the same load, in another order each time, so that what else the
    machine does meets all of them alike; every prompt is new, so that no cache of prefixes helps."""
    names = list(up)
    steps = [(number, kind, clients) for number in range(rounds) for kind in kinds for clients in asked.requests]
    for step, (number, kind, clients) in enumerate(steps):
        turned = names[step % len(names) :] + names[: step % len(names)]
        for name in turned:
            before = up[name].cpu_seconds()
            seen = _load(up[name], model, kind, clients, asked.requests[clients], asked.tokens, seed=step + 1)
            used = up[name].cpu_seconds() - before
            cell = Cell(system=name, round=number, kind=kind, seen=seen, cpu_ms=used / seen.requests * 1e3)
            say(told(cell))
            yield cell


def _load(endpoint: Endpoint, model: str, kind: str, clients: int, requests: int, tokens: int, seed: int) -> Measured:
    asking = load.run(
        endpoint.url,
        endpoint.key,
        model,
        clients,
        requests,
        stream=kind == STREAM,
        max_tokens=tokens,
        prompts=load.digits(requests, PROMPT_TOKENS, seed=seed),
    )
    return asyncio.run(asking)


def told(cell: Cell) -> str:
    """For people who wait."""
    seen = cell.seen
    first = f", first token {seen.ttft_p50_ms:.0f} ms" if seen.ttft_p50_ms is not None else ""
    failed = f"; FAILED: {seen.errors}" if seen.errors else ""
    return (
        f"round {cell.round + 1}, {cell.kind}, {seen.clients} clients, {cell.system}: "
        f"{seen.per_second:.1f} req/s{first}, CPU {cell.cpu_ms:.0f} ms{failed}"
    )
