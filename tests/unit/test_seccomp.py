"""The system-call filter, as rules and as a program."""

from __future__ import annotations

import errno

import pytest

from containers import seccomp


def test_the_program_is_an_array_of_eight_byte_instructions() -> None:
    program = seccomp.program()
    assert len(program) % 8 == 0
    assert 100 < len(program) // 8 < 4096


@pytest.mark.parametrize("call", ["ptrace", "mount", "unshare", "keyctl", "bpf", "sched_setaffinity", "io_uring_setup"])
def test_dangerous_calls_are_denied_outright(call: str) -> None:
    assert (errno.EPERM, call, ()) in list(seccomp.rules())


def test_clone3_and_memfd_seem_absent() -> None:
    absent = {name for number, name, _ in seccomp.rules() if number == errno.ENOSYS}
    assert {"clone3", "memfd_create", "shmget"} <= absent
