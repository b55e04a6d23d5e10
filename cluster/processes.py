"""Which processes belong to a cluster, and how exactly those are ended.

A `ray start` of ours leads a session of its own. To a cluster belong: its leaders, all of their sessions, all their
descendants (a job's entrypoint makes a session of its own), and whatever carries the cluster's mark in its environment
(an orphan of an orphan). A pid counts only together with its start time, for pids are used again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from podium.state import HostProcess


@dataclass(frozen=True)
class Process:
    """A line of the process table."""

    pid: int
    parent: int
    session: int
    started: float
    """Clock ticks since boot."""


def read_process(pid: int) -> Process | None:
    """The process with `pid`; None where there is none, or only its exit status waits for its parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return Process(pid=pid, parent=int(fields[1]), session=int(fields[3]), started=float(fields[19]))


def process_table() -> dict[int, Process]:
    """All living processes by pid."""
    found = (read_process(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {process.pid: process for process in found if process is not None}


def is_alive(host: HostProcess) -> bool:
    """Whether that very process still lives (not another one with its pid)."""
    process = read_process(host.pid)
    return process is not None and process.started == host.started


def belonging(
    table: Mapping[int, Process], leaders: Iterable[HostProcess], marked: Mapping[int, Process]
) -> dict[int, Process]:
    """What is marked, the leaders' sessions, and all descendants of these.

    The session of a leader that has died counts only while a marked process is in it: the number may be a stranger's.
    """
    ours = {process.session for process in marked.values()}
    sessions = {
        leader.pid
        for leader in leaders
        if leader.pid in ours or (leader.pid in table and table[leader.pid].started == leader.started)
    }
    members = dict(marked) | {pid: process for pid, process in table.items() if process.session in sessions}
    while True:
        more = {pid: process for pid, process in table.items() if process.parent in members and pid not in members}
        if not more:
            return members
        members.update(more)


def with_mark(table: Mapping[int, Process], mark: bytes) -> dict[int, Process]:
    """The processes started with `mark` (`NAME=value`) in their environment, as far as we may look."""
    return {pid: process for pid, process in table.items() if _carries(pid, mark)}


def end(leaders: Iterable[HostProcess], mark: bytes, grace: float = 10.0, patience: float = 10.0) -> int:
    """End what belongs to the leaders or carries the mark: SIGTERM to the leaders, after `grace` s SIGKILL to the rest.

    Gives how many processes there were. What cannot be killed within another `patience` s raises TimeoutError.
    """
    leaders = tuple(leaders)
    seen: dict[int, Process] = {}

    def living() -> list[int]:
        table = process_table()
        seen.update(belonging(table, leaders, with_mark(table, mark)))
        seen.pop(os.getpid(), None)
        return [pid for pid, process in seen.items() if pid in table and table[pid].started == process.started]

    living()
    for leader in leaders:
        if is_alive(leader):
            _signal(leader.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while left := living():
        if time.monotonic() > deadline or not any(is_alive(leader) for leader in leaders):
            break
        time.sleep(0.05)
    deadline = time.monotonic() + patience
    while left := living():
        if time.monotonic() > deadline:
            raise TimeoutError(f"these processes do not end: {sorted(left)}")
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.05)
    return len(seen)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _carries(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
