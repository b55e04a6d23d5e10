"""Limits: each bomb goes off bare and is ended by its limit in a jail, which says so and is whole afterwards."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.backends import backend
from containers.sandbox import Ended, Execution, Sandbox, SandboxSpec
from tests.contracts import bare, jails
from tests.contracts.bombs import BOMBS, WENT_OFF
from tests.contracts.trap import LIMITS


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder on the disk for bare programs, open to us alone."""
    with tempfile.TemporaryDirectory(prefix="podium-bare-", dir="/var/tmp") as folder:
        yield Path(folder)


def whole(cell: Sandbox) -> bool:
    """Whether a sandbox still runs a program, in an empty folder, with all its libraries."""
    program = "import os, numpy, pandas; print('still here', len(os.listdir('.')) <= 3); open('x', 'w').write('y')"
    execution = cell.execute(program)
    return execution.output == "still here True\n" and execution.files == {"x": b"y"}


def timed(cell: Sandbox, program: str, seconds: float) -> tuple[Execution, float]:
    """The result, and how long the call took."""
    begun = time.monotonic()
    execution = cell.execute(program, seconds=seconds)
    return execution, time.monotonic() - begun


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_goes_off_where_nothing_limits_it(room: Path, name: str) -> None:
    assert WENT_OFF in bare.run(BOMBS[name].program, bare.person(os.getuid(), os.getgid()), home=room)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_ended_by_its_limit(cell: Sandbox, name: str) -> None:
    bomb = BOMBS[name]
    execution = cell.execute(bomb.program)
    assert WENT_OFF not in execution.output
    assert execution.ended in bomb.ended, execution
    assert bomb.detail in execution.detail
    assert execution.status == (1 if execution.ended is Ended.EXCEPTION else 137)
    assert whole(cell)


@pytest.mark.parametrize(("shm_mb", "ended"), [(1, Ended.DISK), (3, Ended.OK)])
def test_shared_memory_has_a_size_of_its_own(jail: str, shm_mb: int, ended: Ended) -> None:
    limits = LIMITS.model_copy(update={"shm_mb": shm_mb})
    with backend(jail).open(SandboxSpec(limits=limits, scratch=jails.scratch())) as sandbox:
        assert sandbox.execute("open('/dev/shm/x', 'wb').write(bytes(2 << 20))").ended is ended


def test_an_output_bomb_leaves_no_more_than_its_limit(cell: Sandbox) -> None:
    execution = cell.execute("while True: print('x' * 1000)")
    assert execution.ended is Ended.OUTPUT
    assert 0 < len(execution.output.encode()) <= LIMITS.output_bytes
    assert whole(cell)


def test_a_fork_bomb_that_catches_its_errors_is_ended_in_time(cell: Sandbox) -> None:
    program = "import os, time\nfor _ in range(8):\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
    program += "time.sleep(60)\n"  # 256 processes at most, where nothing holds it
    execution, took = timed(cell, program, 2)
    assert execution.ended in (Ended.TIMEOUT, Ended.PROCESSES)
    assert took < 8
    assert whole(cell)


NEVER_ENDING = {
    "busy": "while True: pass",
    "asleep": "import time; time.sleep(60)",
    "deaf": "import signal, time\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\nwhile True: time.sleep(1)",
    "stopped": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "silent": "import os, time; os.close(0); os.close(1); os.close(2); time.sleep(60)",
    "catching everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "in a native call": "import ctypes; ctypes.CDLL(None).pause()",
    "waiting for a child": "import os, time\nif os.fork() == 0: time.sleep(60)\nos.wait()",
    "at exit": "import atexit, time; atexit.register(time.sleep, 60)",
    "in a thread": "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
    "held by its group": "import os, signal; os.killpg(0, signal.SIGSTOP)",
}


@pytest.mark.parametrize("name", NEVER_ENDING)
def test_what_never_ends_is_ended_in_time(cell: Sandbox, name: str) -> None:
    execution, took = timed(cell, NEVER_ENDING[name], 1)
    assert execution.ended is Ended.TIMEOUT, execution
    assert execution.status == 124
    assert 0.9 < took < 5
    assert whole(cell)


def test_a_program_may_not_ask_for_more_time_than_the_sandbox_has(cell: Sandbox) -> None:
    execution, took = timed(cell, "import time; time.sleep(60)", 1)
    assert execution.ended is Ended.TIMEOUT
    assert execution.usage.seconds == pytest.approx(took, abs=1.5)


EXITS = {
    "end of the program": ("x = 1", Ended.OK, 0, None),
    "sys.exit()": ("import sys; sys.exit()", Ended.OK, 0, None),
    "sys.exit(0)": ("import sys; sys.exit(0)", Ended.OK, 0, None),
    "sys.exit(3)": ("import sys; sys.exit(3)", Ended.EXIT, 3, 3),
    "sys.exit(text)": ("import sys; sys.exit('words')", Ended.EXIT, 1, 1),
    "os._exit(7)": ("import os; os._exit(7)", Ended.EXIT, 7, 7),
    "exception": ("raise ValueError('bad', 3)", Ended.EXCEPTION, 1, None),
    "syntax": ("x = = 1", Ended.EXCEPTION, 1, None),
    "segmentation fault": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Ended.SIGNAL, 139, None),
    "kills itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Ended.SIGNAL, 137, None),
    "terminates itself": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", Ended.SIGNAL, 143, None),
    "aborts": ("import os; os.abort()", Ended.SIGNAL, 134, None),
}


@pytest.mark.parametrize("name", EXITS)
def test_the_result_names_how_a_program_ended(cell: Sandbox, name: str) -> None:
    program, ended, status, code = EXITS[name]
    execution = cell.execute(program)
    assert execution.ended is ended, execution
    assert execution.status == status
    if code is not None:
        assert execution.exit_code == code
    assert execution.signal == (status - 128 if ended is Ended.SIGNAL else None)


def test_an_exception_comes_back_with_its_type_arguments_and_place(cell: Sandbox) -> None:
    program = "def broken(value):\n    raise KeyError(value, 'second')\n\nbroken('first')\n"
    execution = cell.execute(program)
    assert execution.exception is not None
    assert execution.exception.type == "KeyError"
    assert [argument.strip("'") for argument in execution.exception.args] == ["first", "second"]
    _, line, function, source = execution.exception.stack[-1]
    assert (line, function, source) == (2, "broken", "raise KeyError(value, 'second')")
    assert "Traceback (most recent call last)" in execution.output


STRANGE = {
    "an exception that cannot be shown": "class Odd(Exception):\n    def __str__(self): raise RuntimeError\n"
    "    __repr__ = __str__\nraise Odd()",
    "an exception with an argument that cannot be shown": "class Odd:\n    def __repr__(self): raise RuntimeError\n"
    "    __str__ = __repr__\nraise ValueError(Odd())",
    "an exception as long as a book": "raise ValueError('x' * 50_000_000)",
    "an exception that is its own cause": "e = ValueError('a'); e.__cause__ = e; raise e",
    "too deep a recursion": "def f(): f()\nf()",
    "an exception with half a character": "raise ValueError('\\udc80')",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_exceptions_are_still_exceptions(cell: Sandbox, name: str) -> None:
    execution = cell.execute(STRANGE[name])
    assert execution.ended in (Ended.EXCEPTION, Ended.OUTPUT), execution
    assert len(execution.model_dump_json()) < 2_000_000
    assert whole(cell)


def test_output_that_is_no_text_comes_back_with_replacement(cell: Sandbox) -> None:
    execution = cell.execute(r"import os; os.write(1, b'\xff\x00ok\n'); os.write(2, 'ü'.encode())")
    assert execution.output == "\ufffd\x00ok\nü"


def test_the_result_tells_what_was_used(cell: Sandbox) -> None:
    program = "import time\nkept = bytearray(b'x' * (100 << 20))\nend = time.process_time() + 0.5\n"
    program += "while time.process_time() < end: pass\nprint('done')\n"
    usage = cell.execute(program).usage
    assert 0.5 <= usage.seconds < 10
    assert 0.45 <= usage.cpu_seconds < 3
    assert 100 <= usage.memory_mb < LIMITS.memory_mb
    assert usage.output_bytes == len("done\n")
