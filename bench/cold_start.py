"""From `podium serve` to the first token, stage by stage: python -m bench.cold_start [--json]

On a cluster of its own that is up and has no model yet. A stage ends when a line of a log says so: of Serve's
controller, of the replica, of its engine, of the engine's workers. They are looked at ten times a second.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench import load, machine
from bench.serving import PACKAGES, interruptible, tiny
from bench.serving_cluster import Running, await_deployed, cluster
from jobs import cli
from podium.errors import Unavailable

LOOK_SECONDS = 0.1
CONTROLLER = "head/session_latest/logs/serve/controller_*.log"
WORKERS = "llm/session_latest/logs/worker-*"
COMMAND, FIRST = "the gateway sees it, the command returns", "first token of a client, through the gateway"
STAGES: Mapping[str, tuple[str, str]] = {
    "the command; an application is made on the llm host (imports vLLM)": (
        CONTROLLER,
        "Deploying new version",
    ),
    "Serve's placement": (CONTROLLER, "Starting Replica"),
    "the replica's process": (WORKERS, ":actor_name:ServeReplica:{name}"),
    "its imports (vLLM)": (WORKERS, "Running tasks to download model files"),
    "engine configuration": (WORKERS, "Using executor class"),
    "the engine's process, and its imports": (WORKERS, "Initializing a V1 LLM engine"),
    "the workers' processes, and their imports": (WORKERS, "Starting to load model"),
    "weights": (WORKERS, "Loading weights took"),
    "cache, warm-up": (WORKERS, "Started vLLM engine"),
    "its HTTP server, first token inside the replica": (CONTROLLER, "started successfully on node"),
}
"""What ends each, in this order: which logs, and what they say. `{name}` is the model's."""


@dataclass
class Watch:
    """Sees when a line that ends a stage is written for the first time. `folder`: the cluster's temporary one."""

    folder: Path
    name: str
    seen: dict[str, float] = field(default_factory=dict)
    """When, by stage, on the clock of `look`."""
    _read: dict[Path, int] = field(default_factory=dict)

    def look(self, now: float) -> None:
        """Read what is new."""
        for logs in dict.fromkeys(logs for logs, _ in STAGES.values()):
            new = "".join(self._new(path) for path in self.folder.glob(logs))
            for stage, (where, words) in STAGES.items():
                if where == logs and stage not in self.seen and words.format(name=self.name) in new:
                    self.seen[stage] = now

    def _new(self, path: Path) -> str:
        try:
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                whole = log.read().rpartition(b"\n")[0] + b"\n"
        except OSError:
            return ""
        if whole != b"\n":
            self._read[path] = self._read.get(path, 0) + len(whole)
        return whole.decode(errors="replace")


def stages(asked: float, seen: Mapping[str, float]) -> list[tuple[str, float]]:
    """What each stage took. One whose end nobody said is left out, and its time is the next one's."""
    ends = sorted(seen.items(), key=lambda stage: stage[1])
    begins = [asked, *(end for _, end in ends)]
    return [(stage, end - begin) for (stage, end), begin in zip(ends, begins, strict=False)]


def follow(running: Running, name: str, begun: float) -> dict[str, float]:
    """Have the model up and watch. Raises Unavailable."""
    watch = Watch(running.state.temp_dir, name)
    watch.look(begun)  # what was said before is not about this start
    watch.seen.clear()
    with running.deploying(name) as process:
        while process.poll() is None:
            time.sleep(LOOK_SECONDS)
            watch.look(time.monotonic())
        await_deployed(process)
    return {**watch.seen, COMMAND: time.monotonic()}


def first_token(url: str, key: str, name: str) -> float:
    """Seconds. Raises Unavailable where there is none."""
    prompts = load.digits(1, 130)
    seen = asyncio.run(load.run(url, key, name, 1, 1, stream=True, max_tokens=4, prompts=prompts))
    if seen.ttft_p50_ms is None:
        raise Unavailable(f"{name} was served and does not answer: {seen.errors}")
    return seen.ttft_p50_ms / 1e3


def measure(running: Running, name: str) -> list[tuple[str, float]]:
    """All stages."""
    key = running.keys(name)[0]  # before the model, for keys have nothing to do with it
    begun = time.monotonic()
    found = stages(begun, follow(running, name, begun))
    return [*found, (FIRST, first_token(running.state.gateway, key, name))]


def table(found: Sequence[tuple[str, float]]) -> Iterator[str]:
    """Markdown."""
    yield "| stage | seconds | from the start |"
    yield "|---|---:|---:|"
    so_far = 0.0
    for stage, seconds in found:
        so_far += seconds
        yield f"| {stage} | {seconds:.1f} | {so_far:.1f} |"


def _tell(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(as_json: bool) -> int:
    """Measure and print the table. Exit codes: 0 done, 1 it cannot be measured here."""
    interruptible()
    model = tiny()
    with (
        tempfile.TemporaryDirectory(prefix="podium-bench-") as folder,
        cluster(Path(folder), model.vllm, _tell, model.folder) as running,
    ):
        about = machine.described(*PACKAGES)
        found = measure(running, model.name)
    if as_json:
        click.echo(json.dumps({"machine": about, "stages": dict(found)}, indent=2))
    else:
        for line in (about, "", *table(found)):
            click.echo(line)
    return 0


if __name__ == "__main__":
    cli.run(main, "cold_start")
