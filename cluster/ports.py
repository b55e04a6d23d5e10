"""One block of ports for a whole cluster, so that two clusters on one machine never meet.

The block lies below the range from which systems take ports for outgoing connections (32768 and up on Linux).
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable
from pathlib import Path

from podium.errors import Unavailable, UserError
from podium.placement import Role
from podium.spec import Spec

BLOCK = 1000
"""Ports of one cluster."""
LOWEST, HIGHEST = 20_000, 32_000

WORKERS: dict[Role, tuple[int, int]] = {
    Role.HEAD: (100, 299),
    Role.GRADING: (300, 349),
    Role.LLM: (350, 449),
    Role.AGENT: (450, 999),
}
"""Offsets of the first and the last port of each role's workers; every worker and driver takes one."""


class HostPorts(Spec):
    """The ports of one `ray start`."""

    node_manager: int
    object_manager: int
    agent_http: int
    agent_grpc: int
    runtime_env: int
    metrics: int
    first_worker: int
    last_worker: int


class Ports(Spec):
    """The ports of a cluster: `first` and the 999 that follow."""

    first: int

    @property
    def gcs(self) -> int:
        return self.first

    @property
    def dashboard(self) -> int:
        return self.first + 1

    @property
    def client(self) -> int:
        """Ray Client's server, which `ray start --head` insists on."""
        return self.first + 2

    @property
    def serve(self) -> int:
        return self.first + 3

    @property
    def gateway(self) -> int:
        return self.first + 4

    @property
    def validator(self) -> int:
        return self.first + 5

    @property
    def autoscaler_metrics(self) -> int:
        return self.first + 6

    @property
    def dashboard_metrics(self) -> int:
        return self.first + 7

    @property
    def replicas(self) -> tuple[int, int]:
        """The first and the last of the ports on which models' replicas listen."""
        return self.first + 60, self.first + 99

    def host(self, role: Role) -> HostPorts:
        """The ports of the host with `role`; those of two roles never overlap."""
        base = self.first + 10 * (1 + list(Role).index(role))
        first, last = WORKERS[role]
        return HostPorts(
            node_manager=base,
            object_manager=base + 1,
            agent_http=base + 2,
            agent_grpc=base + 3,
            runtime_env=base + 4,
            metrics=base + 5,
            first_worker=self.first + first,
            last_worker=self.first + last,
        )


def is_free(port: int) -> bool:
    """Whether nothing listens on `port` of any interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def choose(state_file: Path, asked: int | None = None, free: Callable[[int], bool] = is_free) -> Ports:
    """A block in which every port is free: that at `asked`, else the first one, begun where `state_file`'s name says.

    So the same cluster gets the same ports again where they are free, and two clusters rarely look at the same ones.
    Raises UserError for an `asked` block that is taken, Unavailable when none is free.
    """
    if asked is not None:
        taken = next((port for port in range(asked, asked + BLOCK) if not free(port)), None)
        if taken is not None:
            raise UserError(f"Port {taken} is in use.", f"Give another first port: {BLOCK} in a row must be free.")
        return Ports(first=asked)
    count = (HIGHEST - LOWEST) // BLOCK
    begin = zlib.crc32(str(state_file).encode()) % count
    for number in range(count):
        first = LOWEST + (begin + number) % count * BLOCK
        if all(free(port) for port in range(first, first + BLOCK)):
            return Ports(first=first)
    raise Unavailable(
        f"No {BLOCK} ports in a row are free between {LOWEST} and {HIGHEST}.",
        "Stop another cluster, or name a block: podium up --ports FIRST.",
    )
