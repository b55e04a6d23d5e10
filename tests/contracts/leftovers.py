"""What a sandbox makes on its host, and whether it is gone: processes, mounts, loop devices, cgroups."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.contracts import jails

Mark = tuple[str, str]


@dataclass(frozen=True)
class Things:
    """Marks (kind, name) of what is on the host, each the same for as long as the thing lives."""

    marks: frozenset[Mark]

    def since(self, before: Things) -> Things:
        """What is here and was not before."""
        return Things(self.marks - before.marks)

    def gone(self, seconds: float = 10.0) -> bool:
        """Whether all of it is gone, or goes in time."""
        return jails.until(lambda: not self.left(), seconds)

    def left(self) -> list[Mark]:
        """What of it is still there."""
        kinds = {kind for kind, _ in self.marks}
        here = (_mounts() if "mount" in kinds else set()) | (_loops() if "loop" in kinds else set())
        here |= _cgroups() if "cgroup" in kinds else set()
        here |= {mark for mark in self.marks if mark[0] == "process" and _alive(mark[1])}
        return sorted(self.marks & here)


def mounts() -> Things:
    """What is mounted in our own view of the file system."""
    return Things(frozenset(_mounts()))


def made_by(pid: int) -> Things:
    """The process `pid` and all below it, and the control groups and loop devices that they, and not we, are in."""
    family = [pid, *below(pid)]
    groups = {name for member in family for name in _groups_of(member)} - _groups_of(os.getpid())
    loops = {name for member in family for name in _loops_of(member)} - _loops_of(os.getpid())
    marks = {("process", birth) for member in family if (birth := _birth(member))}
    marks |= {mark for mark in _cgroups() if Path(mark[1]).name in groups}
    return Things(frozenset(marks | {mark for mark in _loops() if mark[1].split()[0] in loops}))


def below(pid: int) -> list[int]:
    """The processes below `pid`, nearest first."""
    parents = {child: parent for child in jails.processes() if (parent := _parent(child))}
    found, level = [], [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def together(*parts: Things) -> Things:
    return Things(frozenset().union(*(part.marks for part in parts)))


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _birth(pid: int) -> str:
    fields = _stat(pid)
    return f"{pid} {fields[19]}" if fields else ""


def _alive(birth: str) -> bool:
    pid = int(birth.split()[0])
    fields = _stat(pid)
    return bool(fields) and f"{pid} {fields[19]}" == birth and fields[0] not in "ZX"


def _mounts() -> set[Mark]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {("mount", f"{line.split()[0]} {line.split()[4]}") for line in lines}


def _groups_of(pid: int) -> set[str]:
    """Last parts of the names of a process's control groups."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return set()
    return {line.rpartition("/")[2] for line in lines} - {""}


def _loops_of(pid: int) -> set[str]:
    """Loop devices that a process sees mounted."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    except OSError:
        return set()
    return {word.removeprefix("/dev/") for line in lines for word in line.split() if word.startswith("/dev/loop")}


def _loops() -> set[Mark]:
    files = Path("/sys/block").glob("loop*/loop/backing_file")
    found = set()
    for file in files:
        try:
            found.add(("loop", f"{file.parts[3]} {file.read_text().strip()}"))
        except OSError:
            continue
    return found


def _cgroups() -> set[Mark]:
    return {("cgroup", folder) for folder, _, _ in os.walk("/sys/fs/cgroup")}
