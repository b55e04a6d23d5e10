"""What ended an execution, from what was seen of it."""

from __future__ import annotations

import errno
import signal

import pytest

from containers.sandbox import Ended
from containers.verdict import Seen, judge

EXIT_1 = 1 << 8


@pytest.mark.parametrize(
    ("seen", "ended"),
    [
        (Seen(status=0), Ended.OK),
        (Seen(status=3 << 8), Ended.EXIT),
        (Seen(status=EXIT_1, raised=True), Ended.EXCEPTION),
        (Seen(status=signal.SIGSEGV), Ended.SIGNAL),
        (Seen(status=None), Ended.SIGNAL),
        (Seen(status=None, oom_kills=1), Ended.MEMORY),
        (Seen(status=signal.SIGKILL, oom_kills=1), Ended.MEMORY),
        (Seen(status=EXIT_1, raised=True, hints=("MEMORY",)), Ended.MEMORY),
        (Seen(status=signal.SIGXFSZ), Ended.DISK),
        (Seen(status=EXIT_1, raised=True, hints=(str(errno.EFBIG),)), Ended.DISK),
        (Seen(status=EXIT_1, raised=True, hints=(str(errno.ENOSPC),)), Ended.DISK),
        (Seen(status=EXIT_1, raised=True, hints=("THREAD",)), Ended.PROCESSES),
        (Seen(status=EXIT_1, raised=True, hints=(str(errno.EAGAIN),)), Ended.PROCESSES),
        (Seen(status=2 << 8, forks_refused=4), Ended.PROCESSES),
        (Seen(stopped=Ended.TIMEOUT, status=signal.SIGKILL), Ended.TIMEOUT),
    ],
)
def test_the_cause_is_named(seen: Seen, ended: Ended) -> None:
    assert judge(seen).ended is ended


def test_a_program_that_coped_with_a_limit_is_ok() -> None:
    assert judge(Seen(status=0, oom_kills=1, forks_refused=9, bytes_left=0)).ended is Ended.OK


def test_what_the_keeper_stopped_outranks_what_the_program_says() -> None:
    seen = Seen(stopped=Ended.OUTPUT, status=EXIT_1, raised=True, hints=("MEMORY",))
    assert judge(seen).ended is Ended.OUTPUT


def test_bytes_and_inodes_are_told_apart() -> None:
    assert "inode" in judge(Seen(status=EXIT_1, inodes_left=0)).detail
    assert "full" in judge(Seen(status=EXIT_1, bytes_left=0)).detail


def test_exit_codes_and_signals_are_kept() -> None:
    assert judge(Seen(status=7 << 8)).exit_code == 7
    assert judge(Seen(status=signal.SIGABRT)).signal == signal.SIGABRT
