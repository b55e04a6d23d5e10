"""What this machine has for a cluster: CPUs and memory, as the scheduler and the control groups allow them."""

from __future__ import annotations

import os
from pathlib import Path

from podium.spec import Spec

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Version 2 and version 1; in a container they are the container's."""


class Machine(Spec):
    """A machine's share that may be given out."""

    cpus: int
    memory_mb: int
    gpus: int = 0


def measure() -> Machine:
    """This machine: CPUs of this process's affinity, physical memory or the control group's limit if that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [physical, *(limit for path in CGROUP_LIMITS if (limit := _limit(path)) is not None)]
    return Machine(cpus=len(os.sched_getaffinity(0)), memory_mb=min(limits) >> 20, gpus=_gpus())


def _gpus() -> int:
    """NVIDIA's GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = sum(path.name[6:].isdigit() for path in Path("/dev").glob("nvidia*"))
    return there if visible is None else min(there, len([name for name in visible.split(",") if name.strip()]))


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
