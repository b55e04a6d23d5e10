"""The two that are compared, each for as long as its context lasts: plain `vllm serve`, and a cluster of our own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.serve_gpu_model import toml
from cluster.launcher import ENGINES
from cluster.local import LocalLauncher
from jobs.deploy import service_environment
from podium.errors import Unavailable
from podium.settings import CHECKOUT, Site
from podium.state import ray_environment
from serve.models import Entry

LOAD_SECONDS = 1800.0
"""Until a model has answered: compiling its kernels takes minutes."""
END_SECONDS = 60.0
LAST_LINES = 15

Say = Callable[[str], None]


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


@contextmanager
def plain(vllm: Path, words: Sequence[str], port: int, folder: Path, say: Say) -> Iterator[Endpoint]:
    """`vllm serve`, from the environment `vllm`. Raises Unavailable with its last words where it does not start."""
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
    try:
        while not _answers(health):
            if process.poll() is not None or time.monotonic() - began > LOAD_SECONDS:
                raise Unavailable(
                    "`vllm serve` does not start. Its last words:\n" + _last(log), "`--folder` keeps its log."
                )
            time.sleep(0.5)
        seconds = time.monotonic() - began
        yield Endpoint(f"http://127.0.0.1:{port}/v1", "none", seconds, lambda: log.read_text(errors="replace"))
    finally:
        _end(process, health)


@contextmanager
def ours(vllm: Path, name: str, entry: Entry, folder: Path, say: Say) -> Iterator[Endpoint]:
    """A local cluster with its state below `folder`, the model deployed on it and asked through the gateway."""
    (folder / "catalog").mkdir(exist_ok=True)
    (folder / "catalog" / f"{name}.toml").write_text(toml(entry))
    launcher = LocalLauncher(folder / "state" / "cluster.json", site(folder, vllm), services=("gateway",), say=say)
    began = time.monotonic()
    try:
        state = launcher.up()
        known = ray_environment(state, launcher.state_file)
        deploying = [sys.executable, "-m", "jobs.deploy_models", name]
        if subprocess.run(
            deploying, cwd=state.code, env={**service_environment(state.code), **known}, check=False
        ).returncode:
            raise Unavailable("The model is not up on our cluster (the reason is above).")
        seconds = time.monotonic() - began
        keying = [sys.executable, "-m", "bench.serve_key", name]
        made = subprocess.run(
            keying, cwd=CHECKOUT, env={**os.environ, **known}, stdout=subprocess.PIPE, text=True, check=False
        )
        if made.returncode:
            raise Unavailable("The gateway takes no key (the reason is above).")
        logs = state.temp_dir / "llm" / "session_latest" / "logs"
        yield Endpoint(state.gateway, made.stdout.split()[-1], seconds, lambda: _joined(logs))
    finally:
        launcher.down()


def site(folder: Path, vllm: Path) -> Site:
    """A site below `folder`, with its models and its catalogue."""
    return Site(
        data=folder / "data",
        private=folder / "private",
        runs=folder / "runs",
        ledger=folder / "private" / ".ledger",
        scratch=folder / "scratch",
        models=folder / "models",
        catalog=folder / "catalog",
        vllm=vllm,
    )


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


def _joined(logs: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(logs.glob("worker-*")))
