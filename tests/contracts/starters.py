"""Starters with something to lose: a session keyring with a key, a terminal; and a watch kept while a program runs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from podium.settings import CHECKOUT
from tests.contracts.bait import Bait
from tests.contracts.bare import Person

Result = TypeVar("Result")

KEYRING = """
import ctypes, os, sys
name, secret, *command = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
assert libc.syscall(250, 1, 0) >= 0, os.strerror(ctypes.get_errno())  # KEYCTL_JOIN_SESSION_KEYRING
key = libc.syscall(248, b"user", name.encode(), secret.encode(), len(secret), ctypes.c_int(-3))
assert key >= 0, os.strerror(ctypes.get_errno())
libc.syscall(250, 5, ctypes.c_int(key), ctypes.c_uint(0x3F3F3F3F))  # KEYCTL_SETPERM: all to all
libc.syscall(250, 5, ctypes.c_int(-3), ctypes.c_uint(0x3F3F3F3F))
os.execvp(command[0], command)
"""
TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Watched(Generic[Result]):
    """What a call returned, and whether a sign was ever seen while it ran."""

    result: Result
    ever: bool


def watched(call: Callable[[], Result], sign: Callable[[], bool]) -> Watched[Result]:
    """Run `call` while looking for `sign`."""
    results: list[Result] = []
    runner = threading.Thread(target=lambda: results.append(call()))
    runner.start()
    ever = False
    while runner.is_alive():
        ever = ever or sign()
        runner.join(0.01)
    return Watched(results[0], ever)


def terminals_take_input() -> bool:
    """Whether this kernel still lets a program type into its terminal."""
    setting = Path("/proc/sys/dev/tty/legacy_tiocsti")
    return not setting.exists() or setting.read_text().strip() == "1"


def start(name: str, command: list[str], bait: Bait, person: Person) -> str:
    """What `command` prints when it is started with what the attack `name` is after."""
    if name == "session_keyring":
        starter = [person.python, "-c", KEYRING, f"podium-{bait.token}", bait.secret, *command]
        done = subprocess.run(
            starter,
            stdout=subprocess.PIPE,
            text=True,
            cwd=bait.home,
            check=False,
            env=_environment(),
            **person.starting(),
        )
        return done.stdout
    return _on_a_terminal([person.python, "-c", TERMINAL, *command], bait, person)


def _on_a_terminal(command: list[str], bait: Bait, person: Person) -> str:
    master, slave = pty.openpty()
    if person.uid != os.getuid():
        os.fchown(slave, person.uid, person.gid)
    try:
        process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, cwd=bait.home, env=_environment(), **person.starting()
        )
    finally:
        os.close(slave)
    pieces = []
    try:
        while piece := os.read(master, 4096):
            pieces.append(piece)
    except OSError:  # the last holder of the other end is gone
        pass
    finally:
        os.close(master)
        process.wait()
    return b"".join(pieces).decode(errors="replace").replace("\r\n", "\n")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHON": sys.executable}
