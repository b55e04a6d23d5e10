"""A cluster of our own for a bench, with models deployed on it and keys for its gateway; it ends with its context."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import machine
from bench.serve_gpu_model import toml
from cluster.launcher import TEMP_VARIABLE
from cluster.local import LocalLauncher
from cluster.processes import belonging, process_table, with_mark
from jobs.deploy import service_environment
from podium.errors import Unavailable
from podium.settings import CHECKOUT, Site
from podium.state import ClusterState, HostProcess, ray_environment
from serve.models import Entry

SERVING = (b"ray::ServeReplica", b"ray::ProxyActor", b"ray::GatewayActor", b"VLLM::")
"""How the titles of the processes begin through which a request goes; Ray's daemons are not among them."""
IDLE = b"ray::ServeReplica:offline"
"""The model without an LLM, which every cluster of ours has."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """A cluster that is up."""

    state: ClusterState
    state_file: Path

    def write(self, name: str, entry: Entry) -> None:
        """Put an entry into its catalogue."""
        assert self.state.site.catalog is not None
        (self.state.site.catalog / f"{name}.toml").write_text(toml(entry))

    def deploy(self, name: str) -> None:
        """Have the model up. Raises Unavailable."""
        with self.deploying(name) as process:
            await_deployed(process)

    @contextmanager
    def deploying(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """The process by which `podium serve` has the model up; it is ended with the context."""
        command = [sys.executable, "-m", "jobs.deploy_models", name]
        with subprocess.Popen(command, cwd=self.state.code, env=self._service_environment()) as process:
            try:
                yield process
            finally:
                process.kill()

    def keys(self, name: str, count: int = 1) -> list[str]:
        """New keys for a model, each of a trial of its own. Raises Unavailable."""
        command = [sys.executable, "-m", "bench.serve_key", f"--count={count}", name]
        environment = {**os.environ, **self._address()}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Unavailable("The gateway takes no key (the reason is above).")
        return done.stdout.split()[-count:]

    def cpu_seconds(self) -> float:
        """Processor time of what serves requests, so far."""
        return serving_seconds(self.state.hosts, f"{TEMP_VARIABLE}={self.state.temp_dir}".encode())

    def log(self) -> str:
        """What the workers of the llm host said, engines among them."""
        logs = self.state.temp_dir / "llm" / "session_latest" / "logs"
        return "\n".join(path.read_text(errors="replace") for path in sorted(logs.glob("worker-*")))

    def _service_environment(self) -> dict[str, str]:
        """Of a process that deploys."""
        return {**service_environment(self.state.code), **self._address()}

    def _address(self) -> Mapping[str, str]:
        return ray_environment(self.state, self.state_file)


def await_deployed(process: subprocess.Popen[bytes]) -> None:
    """Raises Unavailable where the model did not come up."""
    if process.wait():
        raise Unavailable("The model is not up on our cluster (the reason is above).")


@contextmanager
def cluster(folder: Path, vllm: Path, say: Say, models: Path | None = None) -> Iterator[Running]:
    """A local cluster with its state below `folder` and a gateway; `models`: where local weights lie."""
    (folder / "catalog").mkdir(exist_ok=True)
    place = site(folder, vllm, models)
    launcher = LocalLauncher(folder / "state" / "cluster.json", place, services=("gateway",), say=say)
    try:
        yield Running(launcher.up(), launcher.state_file)
    finally:
        launcher.down()


def site(folder: Path, vllm: Path, models: Path | None = None) -> Site:
    """A site below `folder`, with its catalogue and, unless they are named, its models."""
    return Site(
        data=folder / "data",
        private=folder / "private",
        runs=folder / "runs",
        ledger=folder / "private" / ".ledger",
        scratch=folder / "scratch",
        models=models or folder / "models",
        catalog=folder / "catalog",
        vllm=vllm,
    )


def serving_seconds(leaders: Iterable[HostProcess], mark: bytes) -> float:
    """Processor time so far of a Ray cluster's processes through which requests go."""
    table = process_table()
    members = belonging(table, leaders, with_mark(table, mark))
    return sum(machine.process_seconds(pid) for pid in members if _serves(pid))


def _serves(pid: int) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return title.startswith(SERVING) and not title.startswith(IDLE)
