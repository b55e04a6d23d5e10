"""One server of `bench.serve_gpu` under load: how fast its tokens come at each number of clients, and what it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import load, serve_gpu_memory
from bench.load import Measured
from bench.serve_gpu_engine import Order, Resolved
from bench.serve_gpu_memory import Said
from bench.serve_gpu_servers import Endpoint, ours, plain
from bench.serving_cluster import Say
from podium.spec import Spec
from serve.checks.fit import Fit

PLAIN, OURS = "vllm serve", "podium"
WARM_TOKENS = 16


class Asked(Spec):
    """The load."""

    clients: tuple[int, ...]
    requests: int
    """Of each client."""
    tokens: int
    prompt_tokens: int


class Seen(Spec):
    """One server in one round."""

    server: str
    ready_seconds: float
    used_gib: float
    """More than before, on the fullest GPU."""
    said: Said
    cells: tuple[Measured, ...]


@dataclass(frozen=True)
class Bench:
    """What is compared, and where it lies."""

    order: Order
    resolved: Resolved
    fits: tuple[Fit, ...]
    """On the GPUs here; where there are none, on each kind that holds it."""
    vllm: Path
    """The environment."""
    folder: Path
    say: Say

    def measure(self, server: str, asked: Asked) -> Seen:
        """Start one server, ask it, and end it. Raises Unavailable where it does not start or leaves its memory."""
        before = serve_gpu_memory.used_mib()
        with self._server(server) as endpoint:
            self.say(f"{server}: answers after {endpoint.ready_seconds:.0f} s")
            cells = tuple(self._cells(server, endpoint, asked))
            used = max(now - then for now, then in zip(serve_gpu_memory.used_mib(), before, strict=True)) / 1024
            said = serve_gpu_memory.read_log(endpoint.log())
        serve_gpu_memory.await_free(before)
        return Seen(server=server, ready_seconds=endpoint.ready_seconds, used_gib=used, said=said, cells=cells)

    def _server(self, name: str) -> AbstractContextManager[Endpoint]:
        if name == OURS:
            return ours(self.vllm, self.order.name, self.order.entry, self.folder, self.say)
        return plain(self.vllm, self.resolved.command, self.order.port, self.folder, self.say)

    def _cells(self, server: str, endpoint: Endpoint, asked: Asked) -> Iterator[Measured]:
        """Prompts are the same for both servers, and no two of one server begin alike."""
        most = max(asked.clients)
        self._load(endpoint, most, load.digits(most, asked.prompt_tokens), WARM_TOKENS)
        for clients in asked.clients:
            prompts = load.digits(clients * asked.requests, asked.prompt_tokens, seed=clients)
            cell = self._load(endpoint, clients, prompts, asked.tokens)
            self.say(f"{server}, {clients} clients: {told(cell)}")
            yield cell

    def _load(self, endpoint: Endpoint, clients: int, prompts: list[str], tokens: int) -> Measured:
        asking = load.run(
            endpoint.url,
            endpoint.key,
            self.order.name,
            clients,
            len(prompts),
            stream=True,
            max_tokens=tokens,
            prompts=prompts,
        )
        return asyncio.run(asking)


def told(cell: Measured) -> str:
    failed = f"; FAILED: {cell.errors}" if cell.errors else ""
    return f"{cell.tokens_per_second:.0f} tokens/s, {cell.answered} of {cell.requests} answered{failed}"
