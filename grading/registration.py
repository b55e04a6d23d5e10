"""Who may ask `/validate`: the hash of a trial's key, and the task that it works on. Kept in one file of JSON lines."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pydantic import Field, ValidationError

from grading.order import GradingTask
from podium.files import append_line, read_lines
from podium.spec import Spec


class Registration(Spec):
    """A trial's key, and what of its task is needed to check a submission's form."""

    key_hash: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 of the key, as hex."""
    task: GradingTask | None
    """None: the key is shut out."""


class Registrations:
    """The registered keys; a restarted grader reads them again."""

    def __init__(self, directory: Path) -> None:
        """Reads or makes `directory/registrations.jsonl` (mode 0600)."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = directory / "registrations.jsonl"
        self._guard = threading.Lock()
        self._known: dict[str, Registration] = {}
        os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for line in read_lines(self._file):
            self._replay(line)
        if self._file.stat().st_size and not self._file.read_bytes().endswith(b"\n"):
            append_line(self._file, "")  # ends a line that a death cut off

    def register(self, hashed: str, task: GradingTask) -> None:
        """Let a key in for a task; a second call replaces the first."""
        self._write(Registration(key_hash=hashed, task=task))

    def forget(self, hashed: str) -> None:
        """Shut a key out. An unknown one is no error."""
        known = self._known.get(hashed)
        if known is not None:
            self._write(known.model_copy(update={"task": None}))

    def find(self, hashed: str) -> Registration | None:
        return self._known.get(hashed)

    def _write(self, registration: Registration) -> None:
        with self._guard:
            if self._known.get(registration.key_hash) == registration:
                return
            append_line(self._file, registration.model_dump_json())
            self._apply(registration)

    def _replay(self, line: str) -> None:
        try:
            self._apply(Registration.model_validate_json(line))
        except ValidationError:
            return  # cut off by a death while it was written: nobody was told that it stands

    def _apply(self, registration: Registration) -> None:
        if registration.task is not None:
            self._known[registration.key_hash] = registration
        else:
            self._known.pop(registration.key_hash, None)
