"""Is there room for a model on the llm hosts? From their sizes alone; what is in use by others comes on top."""

from __future__ import annotations

from collections.abc import Sequence

from podium.spec import Spec
from serve.models import Entry


class Host(Spec):
    """An llm host, by what it offers to Ray."""

    name: str
    cpus: float
    gpus: float
    gpu: str = ""
    """Kind of its GPUs, by Ray's name; empty: not known."""


def obstacle(name: str, entry: Entry, hosts: Sequence[Host]) -> str:
    """Why no replica of the model can ever stand on these hosts; empty: one can.

    All workers of a replica stand on one host, but with pipeline parallelism they may be spread.
    """
    if not hosts:
        return "The cluster has no host with the role `llm`."
    wanted = f"{entry.gpus} GPUs" if entry.gpus else f"{entry.cpus * entry.tensor * entry.pipeline:g} CPUs"
    kind = f" of kind {entry.gpu}" if entry.gpu else ""
    fitting = [host for host in hosts if not entry.gpu or host.gpu == entry.gpu]
    whole = sum(_workers(entry, host) for host in fitting)
    most = max((_workers(entry, host) for host in fitting), default=0)
    if (whole if entry.pipeline > 1 else most) >= entry.tensor * entry.pipeline:
        return ""
    there = ", ".join(f"{host.name}: {host.cpus:g} CPUs, {host.gpus:g} GPUs {host.gpu}".strip() for host in hosts)
    place = "on the llm hosts" if entry.pipeline > 1 else "on one llm host"
    return f"{name} needs {wanted}{kind} {place}; there is {there}."


def _workers(entry: Entry, host: Host) -> int:
    """How many of a replica's workers the host holds."""
    by_cpu = host.cpus / entry.cpus
    return int(min(by_cpu, host.gpus) if entry.gpus else by_cpu)
