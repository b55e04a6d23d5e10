"""What a cluster on one machine looks like before it runs: hosts, sizes, addresses, folders.

Each host has a loopback address of its own (127.0.0.2 and on), so that nothing depends on the machine's network: it
also runs with no interface but `lo`, and goes on when a laptop changes networks.
"""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

from cluster.launcher import HostPlan
from cluster.machine import Machine
from cluster.ports import Ports
from podium.errors import Unavailable
from podium.placement import Role
from podium.settings import Site

ADDRESSES = {Role.HEAD: "127.0.0.2", Role.GRADING: "127.0.0.3", Role.LLM: "127.0.0.4", Role.AGENT: "127.0.0.5"}


def plan_hosts(machine: Machine, ports: Ports, temp_dir: Path, engines: bool = False) -> tuple[HostPlan, ...]:
    """The four hosts, head first. The agent host offers all CPUs, and the memory but for the other three (4 GiB).

    `engines`: the llm host has vLLM's environment; then it offers all CPUs too (models compute while agents wait), and
    the GPUs, which else are the agent host's.
    """
    sizes = {
        Role.HEAD: (0, 1024, 100),
        Role.GRADING: (0, 1024, 100),
        Role.LLM: (machine.cpus if engines else 1, 1024, 100),
        Role.AGENT: (machine.cpus, max(1024, machine.memory_mb - 4096), 200),
    }
    return tuple(
        HostPlan(
            role=role,
            address=ADDRESSES[role],
            cpus=cpus,
            memory_mb=memory,
            object_store_mb=store,
            gpus=machine.gpus if role is (Role.LLM if engines else Role.AGENT) else 0,
            resources={"grading": 1.0} if role is Role.GRADING else {},
            ports=ports.host(role),
            temp_dir=temp_dir / role.value,
        )
        for role, (cpus, memory, store) in sizes.items()
    )


def make_site(site: Site) -> None:
    """Make the site's folders: data and runs readable, private data and the grader's ledger for their owner only."""
    for path, mode in ((site.data, 0o755), (site.runs, 0o755), (site.private, 0o700), (site.ledger, 0o700)):
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
    if site.private != site.data:
        site.private.chmod(0o700)


def temp_dir(state_file: Path) -> Path:
    """Ray's folder for that cluster: short, node-local, the same every time."""
    name = hashlib.sha256(str(state_file.resolve()).encode()).hexdigest()[:8]
    return Path(f"/tmp/podium-{os.getuid()}-{name}")


def need_loopback() -> None:
    """Raises Unavailable where the loopback interface is down (a fresh network namespace)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        try:
            socket.create_connection(listener.getsockname(), timeout=5.0).close()
        except OSError:
            raise Unavailable("The loopback interface is down.", "Type: ip link set lo up") from None
