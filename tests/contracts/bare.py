"""Bare runs: the positive controls. The same program, as a plain process of the same user, with nothing around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Person:
    """A user of the host, as whom a program runs."""

    uid: int
    gid: int
    python: str
    """An interpreter that this user can reach."""

    def starting(self) -> dict[str, Any]:
        """Arguments that make `subprocess.Popen` start a process as this user."""
        if self.uid == os.getuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        if self.uid != os.getuid():
            os.chown(path, self.uid, self.gid)


def person(uid: int, gid: int) -> Person:
    """The user with an interpreter that works for it: ours, else the system's."""
    for python in (sys.executable, SYSTEM_PYTHON):
        someone = Person(uid, gid, python)
        if shutil.which(python) and _works(someone):
            return someone
    raise AssertionError(f"no interpreter that user {uid} can start: install python3")


def run(program: str, someone: Person, *, home: Path, seconds: float = 30, fds: Iterable[int] = (), **more: Any) -> str:
    """What `program` prints, run in a fresh folder below `home`, with the descriptors `fds` left open."""
    folder = Path(tempfile.mkdtemp(prefix="bare-", dir=home))
    file = folder / "program.py"
    file.write_text(program)
    for path in (folder, file):
        someone.own(path)
    try:
        done = subprocess.run(
            [someone.python, "program.py"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            pass_fds=tuple(fds),
            text=True,
            errors="replace",
            check=False,
            **someone.starting(),
            **more,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done.stdout


def _works(someone: Person) -> bool:
    try:
        done = subprocess.run(
            [someone.python, "-c", ""], check=False, capture_output=True, cwd="/", **someone.starting()
        )
    except OSError:
        return False
    return done.returncode == 0
