"""The cluster of these tests, as a user has it: models are written into its catalogue, served, asked and looked at."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import openai
import ray

from cluster.health import serve_details
from podium.keys import key_hash
from podium.records import ModelUsage
from podium.state import ClusterState
from serve.client.answer import ChatAnswer
from serve.client.chat_client import ChatClient
from serve.client.retry import Bounds
from serve.deployments import Deployed, read_deployed
from serve.gateway.actor import find_gateway
from serve.gateway.grant import Grant
from serve.gateway.replicas import CONTROLLER, NAMESPACE, targets
from serve.gateway.routes import Target

SECONDS = 300.0
"""How long anything is waited for: an engine takes 20 to 45 s to start, longer where others are at work."""
ENTRY = """
kind = "vllm"
about = "For tests."
source = "{source}"
made_by = "make tiny-models"
cpus = {cpus}
context = {context}
{keys}
[replicas]
{replicas}
[engine]
enforce_eager = true
kv_cache_memory_bytes = {cache}
max_num_seqs = {sequences}
{engine}
"""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Stage:
    """A running cluster with its services. This process is a driver of it."""

    state: ClusterState
    state_file: Path
    checkout: Path
    """The copy of the code that its commands run from."""

    def write(
        self,
        name: str,
        *,
        weights: str = "tiny-qwen3",
        source: str = "",
        cpus: float = 0.1,
        context: int = 1024,
        keys: str = "",
        replicas: str = "",
        cache: int = 64 << 20,
        sequences: int = 32,
        engine: str = "",
    ) -> None:
        """Write the catalogue's entry of a model with the tiny weights, or those at `source`.

        `keys`, `replicas`, `engine`: more lines of TOML.
        """
        assert self.state.site.catalog is not None
        text = ENTRY.format(
            source=source or f"./{weights}",
            cpus=cpus,
            context=context,
            keys=keys,
            replicas=replicas,
            cache=cache,
            sequences=sequences,
            engine=engine,
        )
        (self.state.site.catalog / f"{name}.toml").write_text(text)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours (`jobs/serve_models.py NAME`), from the copy of the code."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.checkout,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * SECONDS,
        )

    def serve(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("jobs/serve_models.py", *words)

    def bring_up(self, *names: str) -> None:
        done = self.serve(*names)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def served(self, *names: str) -> Iterator[None]:
        """The models are up meanwhile."""
        self.bring_up(*names)
        try:
            yield
        finally:
            ended = self.serve(*names, "--stop")
            assert ended.returncode == 0, ended.stderr

    def deployed(self, name: str) -> Deployed | None:
        """What Serve says of a model; None: nothing."""
        return read_deployed(serve_details(self.state)).get(name)

    def running(self, name: str) -> dict[str, int]:
        """The pids of a model's replicas that run, by their names."""
        app = serve_details(self.state)["applications"].get(name, {"deployments": {}})
        return {
            replica["replica_id"]: replica["pid"]
            for deployment in app["deployments"].values()
            for replica in deployment["replicas"]
            if replica["state"] == "RUNNING"
        }

    def targets(self, name: str) -> tuple[Target, ...]:
        """Where a model's replicas listen, as the gateway learns it."""
        controller = ray.get_actor(CONTROLLER, namespace=NAMESPACE)
        groups = ray.get(controller.get_target_groups.remote(), timeout=SECONDS)
        return targets(groups, self.state.serve_host).get(name, ())

    def register(self, trial: str, *models: str, **budgets: Any) -> str:
        """A new key for a trial."""
        key = secrets.token_hex(16)
        grant = Grant(trial_id=trial, key_hash=key_hash(key), models=models, **budgets)
        ray.get(find_gateway().register.remote(grant), timeout=SECONDS)
        return key

    def revoke(self, trial: str) -> None:
        ray.get(find_gateway().revoke.remote(trial), timeout=SECONDS)

    def usage(self, trial: str) -> ModelUsage:
        used: ModelUsage = ray.get(find_gateway().usage.remote(trial), timeout=SECONDS)
        return used

    def ledger(self, trial: str) -> list[dict[str, Any]]:
        """The requests of a trial as the gateway wrote them down."""
        lines = (self.state_file.with_suffix(".services") / "gateway.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if entry.get("trial_id") == trial]

    def client(self, key: str) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.state.gateway, api_key=key, max_retries=0, timeout=SECONDS)


@dataclass(frozen=True)
class Asker:
    """A trial that asks through the gateway."""

    stage: Stage
    trial: str
    client: openai.OpenAI

    def chat(self, model: str = "tiny-qwen3", text: str = "Hello, model.", **options: Any) -> Any:
        """An answer, or a stream of chunks, of 12 tokens where nothing else is said."""
        chosen = {"max_tokens": 12, "extra_body": {"ignore_eos": True}, **options}
        ask: Any = self.client.chat.completions.create
        return ask(model=model, messages=[{"role": "user", "content": text}], **chosen)

    def booked(self) -> list[tuple[int, int]]:
        """Tokens of prompt and answer of each of the trial's requests, as the gateway wrote them down."""
        return [(entry["prompt"], entry["completion"]) for entry in self.stage.ledger(self.trial)]


def until(found: Callable[[], Found], seconds: float = SECONDS) -> Found:
    """What `found` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < deadline, f"it did not come true in {seconds:.0f} s"
        time.sleep(0.2)
    return it


class Load:
    """What clients of ours are answered that ask a model without a pause."""

    def __init__(self) -> None:
        self.answers: list[ChatAnswer] = []
        self.over = threading.Event()

    async def run(self, gateway: str, model: str, keys: Iterable[str]) -> None:
        async with asyncio.TaskGroup() as clients:
            for key in keys:
                clients.create_task(self._ask(ChatClient(gateway, key, model, bounds=Bounds(most_delay=5.0))))

    async def _ask(self, client: ChatClient) -> None:
        async with client:
            while not self.over.is_set():
                self.answers.append(await client.chat([{"role": "user", "content": "Go on."}]))

    def more(self, count: int) -> None:
        """Returns when so many more answers have come."""
        wanted = len(self.answers) + count
        until(lambda: len(self.answers) >= wanted)


@contextmanager
def load(stage: Stage, model: str, trials: Iterable[str]) -> Iterator[Load]:
    """A client of ours for each trial. At the end all calls have been answered, or their first error is raised."""
    asked = Load()
    keys = [stage.register(trial, model) for trial in trials]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(asyncio.run, asked.run(stage.state.gateway, model, keys))
        try:
            yield asked
        finally:
            asked.over.set()
            running.result(SECONDS)


def children(pid: int) -> dict[int, str]:
    """The processes below one, by pid, with their names."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found[child] = Path(f"/proc/{child}/comm").read_text().strip()
            found |= children(child)
    return found
