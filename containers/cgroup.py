"""Control groups of sandboxes, version 1 and 2, where we may write them: memory, processes and CPU, for all inside.

Groups are made below our own (so that a batch system's accounting holds), else at the top of the hierarchy, and are
named `podium-<keeper's pid>-<start time>-<random>`: a later start sweeps those whose keeper is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"^podium-(?P<pid>\d+)-(?P<started>\d+)-[0-9a-f]{8}$")
PERIOD_US = 100_000


@dataclass(frozen=True)
class Hierarchies:
    """Where groups can be made: controller -> folders to try, best first."""

    version: int
    folders: Mapping[str, tuple[Path, ...]]


@dataclass
class Counters:
    """What a group has seen so far."""

    oom_kills: int = 0
    forks_refused: int = 0
    cpu_seconds: float = 0.0


@dataclass
class Group:
    """One sandbox's group: a folder for each controller (version 2: the same one)."""

    name: str
    version: int
    folders: dict[str, Path] = field(default_factory=dict)

    @property
    def procs(self) -> tuple[Path, ...]:
        """Files that a process writes 0 to in order to join."""
        return tuple(sorted({folder / "cgroup.procs" for folder in self.folders.values()}))

    def bound(self, memory_mb: int, processes: int, cpus: float) -> None:
        """Set the limits. Raises OSError."""
        quota = max(1000, round(cpus * PERIOD_US))
        for controller, name, value in self._settings(memory_mb << 20, processes, quota):
            if controller in self.folders:
                _write(self.folders[controller] / name, value)
        self._bound_swap(memory_mb << 20)

    def _settings(self, memory: int, processes: int, quota: int) -> list[tuple[str, str, str]]:
        if self.version == 2:
            return [
                ("memory", "memory.max", str(memory)),
                ("pids", "pids.max", str(processes)),
                ("cpu", "cpu.max", f"{quota} {PERIOD_US}"),
            ]
        return [
            ("memory", "memory.limit_in_bytes", str(memory)),
            ("pids", "pids.max", str(processes)),
            ("cpu", "cpu.cfs_period_us", str(PERIOD_US)),
            ("cpu", "cpu.cfs_quota_us", str(quota)),
        ]

    def _bound_swap(self, memory: int) -> None:
        """No swapping past the limit, where the kernel keeps account of swap."""
        name, value = ("memory.swap.max", "0") if self.version == 2 else ("memory.memsw.limit_in_bytes", str(memory))
        if "memory" in self.folders:
            with contextlib.suppress(OSError):
                _write(self.folders["memory"] / name, value)

    def counters(self) -> Counters:
        """Since the group was made; 0 where a controller is not ours."""
        memory, pids = self.folders.get("memory"), self.folders.get("pids")
        oom_file = "memory.events" if self.version == 2 else "memory.oom_control"
        return Counters(
            oom_kills=_keyed(memory / oom_file, "oom_kill") if memory else 0,
            forks_refused=_keyed(pids / "pids.events", "max") if pids else 0,
            cpu_seconds=self._cpu_seconds(),
        )

    def _cpu_seconds(self) -> float:
        if self.version == 2:
            return _keyed(self.folders["cpu"] / "cpu.stat", "usage_usec") / 1e6 if "cpu" in self.folders else 0.0
        return _number(self.folders["cpuacct"] / "cpuacct.usage") / 1e9 if "cpuacct" in self.folders else 0.0

    def peak_bytes(self) -> int:
        """Most memory charged at once since `reset_peak`, file pages included; 0 where the kernel does not tell."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return _number(self.folders["memory"] / name) if "memory" in self.folders else 0

    def reset_peak(self) -> None:
        """Begin a new peak (version 1; version 2 keeps one for the group's whole life)."""
        if self.version == 1 and "memory" in self.folders:
            with contextlib.suppress(OSError):
                _write(self.folders["memory"] / "memory.max_usage_in_bytes", "0")

    def processes_now(self) -> int:
        return _number(self.folders["pids"] / "pids.current") if "pids" in self.folders else 0

    def remove(self, seconds: float = 5.0) -> None:
        """Kill what is still in it and remove it. May be called twice."""
        for folder in set(self.folders.values()):
            _remove(folder, seconds)


def find(root: Path = Path("/")) -> Hierarchies | None:
    """What this process could make groups in, from its /proc; None when there is nothing of use."""
    mounts = _mounts((root / "proc/self/mountinfo").read_text())
    paths = _own_paths((root / "proc/self/cgroup").read_text())
    legacy: dict[str, tuple[Path, ...]] = {
        name: _candidates(root, mounts[name], paths.get(name, "/"))
        for name in ("memory", "pids", "cpu", "cpuacct")
        if name in mounts
    }
    if "memory" in legacy or "pids" in legacy:
        return Hierarchies(1, legacy)
    if "" not in mounts:
        return None
    folders = _candidates(root, mounts[""], paths.get("", "/"))
    own = folders[0]
    both = [folder for folder in (own, own.parent, *folders) if _offers(folder)]
    return Hierarchies(2, {name: tuple(both) for name in ("memory", "pids", "cpu")}) if both else None


def create(hierarchies: Hierarchies | None, pid: int) -> Group | None:
    """A new group for the keeper `pid` in every hierarchy that lets us; None where none does."""
    if hierarchies is None:
        return None
    group = Group(f"podium-{pid}-{_started(pid)}-{uuid.uuid4().hex[:8]}", hierarchies.version)
    for controller, folders in hierarchies.folders.items():
        for folder in folders:
            path = folder / group.name
            with contextlib.suppress(OSError):
                path.mkdir(exist_ok=controller in ("cpu", "cpuacct") or group.version == 2)
                group.folders[controller] = path
                break
    return group if group.folders else None


def sweep(hierarchies: Hierarchies | None) -> None:
    """Remove the groups of keepers that are no more."""
    for folder in {folder for folders in (hierarchies.folders.values() if hierarchies else ()) for folder in folders}:
        for path in folder.glob("podium-*"):
            match = NAME.match(path.name)
            if match and _started(int(match["pid"])) != int(match["started"]):
                with contextlib.suppress(OSError):
                    _remove(path, 0.5)


def _offers(folder: Path) -> bool:
    """Whether children of a version 2 group get memory and process limits, and we may make some."""
    try:
        given = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return {"memory", "pids"} <= set(given) and os.access(folder, os.W_OK)


def _mounts(mountinfo: str) -> dict[str, tuple[str, str]]:
    """Controller (version 2: "") -> (root of the mount, mount point)."""
    found: dict[str, tuple[str, str]] = {}
    for line in mountinfo.splitlines():
        front, _, back = line.partition(" - ")
        fields, kinds = front.split(), back.split()
        if kinds[0] == "cgroup2":
            found.setdefault("", (fields[3], fields[4]))
        elif kinds[0] == "cgroup":
            for controller in kinds[-1].split(","):
                found.setdefault(controller, (fields[3], fields[4]))
    return found


def _own_paths(cgroup: str) -> dict[str, str]:
    """Controller (version 2: "") -> path of our own group."""
    lines = (line.split(":", 2) for line in cgroup.splitlines())
    return {controller: path for _, names, path in lines for controller in names.split(",")}


def _candidates(root: Path, mount: tuple[str, str], own: str) -> tuple[Path, ...]:
    """Our own group's folder as this mount shows it, then the mount's top."""
    shown_root, point = mount
    top = root / point.lstrip("/")
    relative = own.removeprefix(shown_root.rstrip("/")).lstrip("/") if own.startswith(shown_root) else ""
    inner = top / relative
    return (inner, top) if inner != top and inner.is_dir() else (top,)


def _started(pid: int) -> int:
    """Start time of a process in clock ticks since boot; -1: there is none, or it is dead and not yet buried."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return -1 if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return -1


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _keyed(path: Path, key: str) -> int:
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == key), 0)
    except OSError:
        return 0


def _remove(folder: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while folder.is_dir():
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            for pid in _pids(folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                return
            time.sleep(0.01)


def _pids(folder: Path) -> list[int]:
    try:
        return [int(word) for word in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []
