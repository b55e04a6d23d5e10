"""The two that are compared, each for as long as its context lasts: plain `vllm serve`, and a cluster of our own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.serving_cluster import Say, await_deployed, cluster
from cluster.launcher import ENGINES
from podium.errors import Unavailable
from serve.models import Entry

LOAD_SECONDS = 1800.0
"""Until a model has answered: compiling its kernels takes minutes."""
END_SECONDS = 60.0
LAST_LINES = 15


@dataclass(frozen=True)
class Endpoint:
    """A server that answers."""

    url: str
    """Ends in `/v1`."""
    key: str
    ready_seconds: float
    """From nothing to the first answer."""
    log: Callable[[], str]
    """What its engine has said."""
    cpu_seconds: Callable[[], float]
    """Processor time so far of the processes through which requests go."""


Ready = Callable[[], Endpoint]
"""Waits until a server answers. Raises Unavailable where it does not start."""


@contextmanager
def plain(vllm: Path, words: Sequence[str], port: int, folder: Path, say: Say) -> Iterator[Endpoint]:
    """`vllm serve`, from the environment `vllm`. Raises Unavailable with its last words where it does not start."""
    with plain_starting(vllm, words, port, folder, say) as ready:
        yield ready()


@contextmanager
def plain_starting(vllm: Path, words: Sequence[str], port: int, folder: Path, say: Say) -> Iterator[Ready]:
    """The same, not yet waited for."""
    log, health = folder / "vllm-serve.log", f"http://127.0.0.1:{port}/health"
    say(f"vllm serve: loading (its log: {log})")
    began = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [vllm / "bin" / "vllm", *words],
            cwd=folder,
            env=plain_environment(os.environ, vllm),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ready() -> Endpoint:
        while not _answers(health):
            if process.poll() is not None or time.monotonic() - began > LOAD_SECONDS:
                raise Unavailable(
                    "`vllm serve` does not start. Its last words:\n" + _last(log), "`--folder` keeps its log."
                )
            time.sleep(0.5)
        return Endpoint(
            url=f"http://127.0.0.1:{port}/v1",
            key="none",
            ready_seconds=time.monotonic() - began,
            log=lambda: log.read_text(errors="replace"),
            cpu_seconds=lambda: machine.cpu_seconds(process.pid),
        )

    try:
        yield ready
    finally:
        _end(process, health)


@contextmanager
def ours(vllm: Path, name: str, entry: Entry, folder: Path, say: Say) -> Iterator[Endpoint]:
    """A local cluster with its state below `folder`, the model deployed on it and asked through the gateway."""
    with ours_starting(vllm, name, entry, folder, say) as ready:
        yield ready()


@contextmanager
def ours_starting(
    vllm: Path, name: str, entry: Entry, folder: Path, say: Say, models: Path | None = None
) -> Iterator[Ready]:
    """The same; the model is not yet waited for. `models`: where local weights lie, when not below the folder."""
    began = time.monotonic()
    with cluster(folder, vllm, say, models) as running:
        running.write(name, entry)
        with running.deploying(name) as process:

            def ready() -> Endpoint:
                await_deployed(process)
                seconds = time.monotonic() - began
                return Endpoint(running.state.gateway, running.keys(name)[0], seconds, running.log, running.cpu_seconds)

            yield ready


def plain_environment(inherited: Mapping[str, str], vllm: Path) -> dict[str, str]:
    """As the launcher makes it for an engine of ours, so that only what is compared differs."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("RAY_")}
    path = f"{vllm / 'bin'}:{inherited.get('PATH', '/usr/bin:/bin')}"
    return {**ENGINES, **kept, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PATH": path}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end(process: subprocess.Popen[bytes], health: str) -> None:
    """End it and its engine, which share a process group; returns when nobody answers any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + END_SECONDS
    while _answers(health) and time.monotonic() < deadline:
        time.sleep(0.1)


def _last(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-LAST_LINES:])
