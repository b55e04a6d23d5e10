"""Ending exactly a cluster's processes: its tree, its orphans, and no stranger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cluster.processes import Process, belonging, end, is_alive, process_table, read_process, with_mark
from podium.state import HostProcess

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""
ORPHAN = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
import time; time.sleep(600)
"""

Start = Callable[..., tuple[subprocess.Popen[str], int]]


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program in a session of its own; gives the process and the pid of the child that it prints.

    Both are ended after the test, the child by a descriptor: its pid may be another's by then.
    """
    started: list[tuple[subprocess.Popen[str], int]] = []

    def begin(program: str, mark: str = "MARK=none") -> tuple[subprocess.Popen[str], int]:
        name, _, value = mark.partition("=")
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, name: value},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        child = int(process.stdout.readline())
        started.append((process, os.pidfd_open(child)))
        return process, child

    yield begin
    for process, child in started:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(child, signal.SIGKILL)
        os.close(child)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def leader(process: subprocess.Popen[str]) -> HostProcess:
    seen = read_process(process.pid)
    assert seen is not None
    return HostProcess(role="head", pid=process.pid, started=seen.started)


def test_a_stubborn_leader_and_its_child_in_another_session_are_ended(start: Start, tmp_path: Path) -> None:
    process, child = start(STUBBORN)
    assert end([leader(process)], f"MARK={tmp_path}".encode(), grace=0.3) == 2
    assert read_process(child) is None
    assert read_process(process.pid) is None


def test_an_orphan_in_another_session_is_found_by_its_mark(start: Start, tmp_path: Path) -> None:
    mark = f"MARK={tmp_path}"
    process, child = start(ORPHAN, mark)
    host = leader(process)
    process.kill()
    process.wait()
    until(lambda: child in with_mark(process_table(), mark.encode()))
    assert end([host], mark.encode(), grace=0.3) == 1
    assert read_process(child) is None


def test_a_stranger_lives_on(start: Start, tmp_path: Path) -> None:
    ours, _ = start(ORPHAN, f"MARK={tmp_path}/ours")
    stranger, child = start(ORPHAN, f"MARK={tmp_path}/other")
    end([leader(ours)], f"MARK={tmp_path}/ours".encode(), grace=0.3)
    assert stranger.poll() is None
    assert read_process(child) is not None


def test_a_pid_that_was_given_to_another_is_not_signalled(start: Start, tmp_path: Path) -> None:
    stranger, _ = start(ORPHAN)
    stale = leader(stranger).model_copy(update={"started": 1.0})
    assert not is_alive(stale)
    assert end([stale], f"MARK={tmp_path}".encode(), grace=0.3) == 0
    assert stranger.poll() is None


def test_a_zombie_does_not_count_as_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: read_process(process.pid) is None)
    process.wait()


def test_the_session_of_a_dead_leader_counts_only_with_a_mark_in_it() -> None:
    table = {7: Process(pid=7, parent=1, session=5, started=9.0), 8: Process(pid=8, parent=7, session=8, started=9.0)}
    dead = HostProcess(role="llm", pid=5, started=3.0)
    assert belonging(table, [dead], {}) == {}
    assert set(belonging(table, [dead], {7: table[7]})) == {7, 8}
