"""What a launcher is, and how one host of a cluster is started: `ray start` and its environment, as pure functions.

A launcher brings up hosts with the four roles on machines of some kind and takes them down again. It decides where and
how large the hosts are (`HostPlan`); the command and the environment are the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cluster.ports import HostPorts, Ports
from podium.placement import Role
from podium.settings import is_secret
from podium.spec import Spec
from podium.state import MODEL_SECRET_VARIABLE, ClusterState, ray_environment

TEMP_VARIABLE = "PODIUM_TEMP"
"""Set for every `ray start` and in no person's shell: what carries it belongs to the cluster with that folder."""


ENGINES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
"""Variables of engines' processes; one that is set when the cluster is started wins."""


class HostPlan(Spec):
    """One host of the cluster, before it runs."""

    role: Role
    address: str
    """IP address by which the other hosts reach it."""
    cpus: int
    """Logical CPUs offered to Ray; 0: only actors that ask for none come here."""
    memory_mb: int
    object_store_mb: int
    gpus: int = 0
    resources: dict[str, float] = {}
    ports: HostPorts
    temp_dir: Path
    """Ray's temporary folder on that host. Short: a socket's path may have 107 characters, Ray's own part takes 66."""


class Launcher(Protocol):
    """Starts and stops clusters of one kind."""

    def up(self) -> ClusterState:
        """The running cluster, every role of which has answered a call. Starts what is not running."""
        ...

    def down(self) -> bool:
        """End everything that `up` started and nothing else; gives whether there was something. May be repeated."""
        ...


def start_command(ray: Path, host: HostPlan, head: str, ports: Ports) -> list[str]:
    """The arguments of `ray start` for `host`. `head` is the head's IP address; `ray` the program.

    SIGINT gets its default back, for a shell that starts things in the background ignores it and so would every task:
    then `ray.cancel` does nothing.
    """
    command = ["env", "--default-signal=INT", str(ray), "start", "--block", "--disable-usage-stats"]
    if host.role is Role.HEAD:
        command += ["--head", f"--port={ports.gcs}", f"--ray-client-server-port={ports.client}"]
        command += ["--dashboard-host=127.0.0.1", f"--dashboard-port={ports.dashboard}"]
    else:
        command += [f"--address={head}:{ports.gcs}", "--include-log-monitor=false"]
    return [
        *command,
        f"--node-ip-address={host.address}",
        f"--node-name={host.role}",
        f"--labels=role={host.role}",
        f"--num-cpus={host.cpus}",
        f"--num-gpus={host.gpus}",
        f"--resources={json.dumps(host.resources)}",
        f"--memory={host.memory_mb << 20}",
        f"--object-store-memory={host.object_store_mb << 20}",
        f"--temp-dir={host.temp_dir}",
        f"--node-manager-port={host.ports.node_manager}",
        f"--object-manager-port={host.ports.object_manager}",
        f"--dashboard-agent-listen-port={host.ports.agent_http}",
        f"--dashboard-agent-grpc-port={host.ports.agent_grpc}",
        f"--runtime-env-agent-port={host.ports.runtime_env}",
        f"--metrics-export-port={host.ports.metrics}",
        f"--min-worker-port={host.ports.first_worker}",
        f"--max-worker-port={host.ports.last_worker}",
    ]


def host_environment(
    inherited: Mapping[str, str], role: Role, state: ClusterState, state_file: Path, programs: Path
) -> dict[str, str]:
    """The environment of `ray start`, which all workers of the host inherit.

    Nothing of another cluster comes through (`RAY_*`), and providers' keys stay on the head, where the gateway is.
    `programs` is the folder of the environment's `python` and `ray`.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("RAY_") and (role is Role.HEAD or not is_secret(name))
    }
    ours = {name: value for name, value in ray_environment(state, state_file).items() if not name.endswith("_ADDRESS")}
    ports = Ports(first=state.first_port)
    return {
        **kept,
        **ours,
        **_serving(ports),
        **(_engines(inherited, state) if role is Role.LLM else {}),
        MODEL_SECRET_VARIABLE: str(state.model_secret_path),
        TEMP_VARIABLE: str(state.temp_dir),
        "PATH": f"{programs}:{inherited.get('PATH', '/usr/bin:/bin')}",
        "PYTHONPATH": str(state.code),
        "NO_PROXY": _without_proxy(inherited.get("NO_PROXY", "")),
        "no_proxy": _without_proxy(inherited.get("no_proxy", "")),
        "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_worker_niceness": "0",
        "RAY_prestart_worker_first_driver": "0",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1",
    }


def _serving(ports: Ports) -> dict[str, str]:
    """Ray Serve's settings, which its controller and every replica must share.

    Direct ingress: each replica listens on a port of its own, to which the gateway goes without a proxy between. One
    that goes down stays reachable for the draining period, in which the gateway has learnt of it.
    """
    first, last = ports.replicas
    return {
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(first),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(last + 1),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "5",
        "RAY_SERVE_PORT_QUARANTINE_S": "30",
    }


def _engines(inherited: Mapping[str, str], state: ClusterState) -> dict[str, str]:
    """The settings of engines on llm hosts: nothing is fetched while they serve, nothing is reported, none takes the
    cores for itself (on a CPU several share them), and a replica's server runs in the loop that Serve listens in: one
    thread less between a client and its engine."""
    home = {"HF_HOME": str(state.site.hf_home)} if state.site.hf_home else {}
    chosen = {name: inherited.get(name, value) for name, value in ENGINES.items()}
    loop = {"RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0"}
    return {**home, **chosen, **loop, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}


def _without_proxy(listed: str) -> str:
    return ",".join(filter(None, (listed, "127.0.0.1", "localhost")))
