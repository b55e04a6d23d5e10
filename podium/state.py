"""The cluster's state file: where a running cluster is, for drivers, actors and the CLI. Mode 0600."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from podium.errors import Unavailable
from podium.files import write_atomic
from podium.records import Record
from podium.settings import Site

STATE_VARIABLE = "PODIUM_STATE"
"""Environment variable with the state file's path; set for every `ray start`, so that all workers inherit it."""

MODEL_SECRET_VARIABLE = "PODIUM_MODEL_SECRET"
"""Environment variable with the path of the models' secret; set for every `ray start`."""

NAMESPACE = "podium"
"""The Ray namespace of every named actor of ours."""


class HostProcess(Record):
    """One `ray start` that the launcher owns."""

    role: str
    pid: int
    started: float
    """Start time of the process (clock ticks since boot), so that a recycled pid is never signalled."""


class ClusterState(Record):
    """Everything that a process of ours must know of the cluster it belongs to."""

    address: str
    """GCS address, `host:port`."""
    dashboard: str
    """Ray Jobs and dashboard, `http://host:port`."""
    token_path: Path
    model_secret_path: Path
    """What the gateway shows to the cluster's own models, and nobody else has."""
    gateway: str = ""
    """OpenAI-compatible base URL ending in `/v1`; empty until it is deployed."""
    validator: str = ""
    """Base URL of the grader's `/validate`."""
    serve_host: str = "127.0.0.1"
    """Where Serve's proxy and the models' replicas listen: loopback, or 0.0.0.0 where hosts are several machines."""
    serve_port: int = 8000
    first_port: int = 0
    """First of the cluster's block of ports (`cluster.ports`); 0: not laid out in one."""
    site: Site
    checkout: Path
    """Where the user's own checkout lies."""
    code: Path
    """The digest-named copy from which the detached services run."""
    digest: str
    temp_dir: Path
    vllm: Path | None = None
    """The environment that the llm hosts run from; None: Podium's own, and they serve the offline model only."""
    hosts: tuple[HostProcess, ...] = ()


def default_state_file() -> Path:
    """`$PODIUM_STATE`, else `~/.podium/cluster.json`."""
    named = os.environ.get(STATE_VARIABLE)
    return Path(named) if named else Path.home() / ".podium" / "cluster.json"


def write_state(path: Path, state: ClusterState) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, state.model_dump_json(indent=2), mode=0o600)


def read_state(path: Path | None = None) -> ClusterState:
    """The state of the running cluster; without one an Unavailable that says what to type."""
    file = path or default_state_file()
    if not file.exists():
        raise Unavailable(
            f"No cluster is known here (there is no {file}).",
            "Type `podium up` to start one on this machine.",
        )
    return ClusterState.model_validate_json(file.read_bytes())


def ray_environment(state: ClusterState, state_file: Path) -> Mapping[str, str]:
    """The variables that a driver or the Ray CLI needs to speak to this cluster (`podium env` prints them)."""
    return {
        "RAY_ADDRESS": state.address,
        "RAY_API_SERVER_ADDRESS": state.dashboard,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(state.token_path),
        STATE_VARIABLE: str(state_file),
    }
