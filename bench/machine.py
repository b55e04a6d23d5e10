"""The machine that a figure was measured on, and what a process tree has used of it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def described(*packages: str) -> str:
    """Processor, cores that we may use, load, Python and the versions of `packages`, as one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, load {load}; Python {platform.python_version()}, {versions}"


def cpu_seconds(root: int) -> float:
    """Processor time of a process and all that it started, what has ended and was waited for included."""
    return sum(process_seconds(pid) for pid in _tree(root))


def _tree(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(_fields(path)[1])
        except (OSError, IndexError):
            continue
    tree = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        if not more:
            return tree
        tree |= more


def process_seconds(pid: int) -> float:
    """Processor time of one process, and of its children that have ended and were waited for."""
    try:
        fields = _fields(Path(f"/proc/{pid}/stat"))
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS


def _fields(stat: Path) -> list[str]:
    """The fields behind the name, from the state on."""
    return stat.read_text().rpartition(")")[2].split()
