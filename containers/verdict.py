"""What ended an execution: a pure function of what the keeper saw."""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass

from containers.sandbox import Ended


@dataclass(frozen=True)
class Seen:
    """The facts about one execution."""

    stopped: Ended | None = None
    """The limit for which the keeper itself ended it."""
    status: int | None = None
    """As from waitpid; None: the interpreter went down with it."""
    hints: tuple[str, ...] = ()
    """Of its uncaught exception: `MEMORY`, `THREAD`, errnos."""
    raised: bool = False
    """It ended by an uncaught exception."""
    oom_kills: int = 0
    """Processes that the kernel killed for the memory limit meanwhile."""
    forks_refused: int = 0
    bytes_left: int = 1 << 40
    """Of the workspace, at the end."""
    inodes_left: int = 1 << 40
    tmp_left: int = 1 << 40


@dataclass(frozen=True)
class Verdict:
    ended: Ended
    detail: str = ""
    exit_code: int | None = None
    signal: int | None = None


FULL = 16 << 10
"""A file system with fewer free bytes than this is full."""


def judge(seen: Seen) -> Verdict:
    """The keeper's own stop comes first, then success, then the limit that explains a failure, then the failure."""
    code, number = _decoded(seen.status)
    if seen.stopped is not None:
        return Verdict(seen.stopped, DETAILS.get(seen.stopped, ""))
    if code == 0:
        return Verdict(Ended.OK, exit_code=0)
    limit = _limit(seen, number)
    if limit is not None:
        return Verdict(limit[0], limit[1], exit_code=code, signal=number)
    if seen.status is None:
        return Verdict(Ended.SIGNAL, "the program killed its own interpreter", signal=signal.SIGKILL)
    if number is not None:
        return Verdict(Ended.SIGNAL, _signal_name(number), signal=number)
    return Verdict(Ended.EXCEPTION if seen.raised else Ended.EXIT, exit_code=code)


def _limit(seen: Seen, number: int | None) -> tuple[Ended, str] | None:
    """The limit, if one explains the failure."""
    hints = set(seen.hints)
    if seen.oom_kills:
        return Ended.MEMORY, "the kernel ended a process at the memory limit"
    if "MEMORY" in hints or str(errno.ENOMEM) in hints:
        return Ended.MEMORY, "an allocation failed"
    if number == signal.SIGXFSZ or str(errno.EFBIG) in hints:
        return Ended.DISK, "a file grew past the largest size allowed"
    if seen.forks_refused or "THREAD" in hints or str(errno.EAGAIN) in hints:
        return Ended.PROCESSES, "no further process or thread was allowed"
    if seen.inodes_left <= 0:
        return Ended.DISK, "the workspace has no inode left"
    if seen.bytes_left < FULL:
        return Ended.DISK, "the workspace is full"
    if str(errno.ENOSPC) in hints or str(errno.EDQUOT) in hints:
        return Ended.DISK, "/tmp or /dev/shm is full" if seen.tmp_left < FULL else "no space was left"
    return None


DETAILS = {
    Ended.TIMEOUT: "the wall time was over",
    Ended.OUTPUT: "it wrote more than was allowed",
    Ended.MEMORY: "its processes together passed the memory limit",
}


def _decoded(status: int | None) -> tuple[int | None, int | None]:
    """(exit code, signal) of a wait status."""
    if status is None:
        return None, None
    code = os.waitstatus_to_exitcode(status)
    return (code, None) if code >= 0 else (None, -code)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
