"""A grader that says what the grading actor's process can see and do; loaded by name inside the actor."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from grading.grader import Score
from grading.shelf import Shelf
from grading.table import Table


class Spy:
    def __init__(self, look: Sequence[str], write: Sequence[str], die_once: str) -> None:
        self._look, self._write, self._die_once = look, write, die_once

    def grade(self, files: Mapping[str, Table], private: Path, shelf: Shelf) -> Score:
        """The message is JSON: which paths exist, which folders can be written; `die_once` is a file, see below."""
        if self._die_once and not Path(self._die_once).exists():
            Path(self._die_once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        seen = [path for path in self._look if Path(path).exists()]
        written = [folder for folder in self._write if _writes(Path(folder))]
        answers = sorted(path.name for path in private.iterdir())
        return Score(score=None, message=json.dumps({"seen": seen, "written": written, "answers": answers}))


def spy(look: Sequence[str] = (), write: Sequence[str] = (), die_once: str = "") -> Spy:
    return Spy(look, write, die_once)


def _writes(folder: Path) -> bool:
    trace = folder / "spy-was-here"
    try:
        trace.write_text("")
    except OSError:
        return False
    trace.unlink()
    return True
