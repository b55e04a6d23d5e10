"""Who may ask `/validate`, and about which task: by trials' keys, by one key of its own, or anyone (loopback only)."""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from grading.order import GradingTask
from podium.files import append_line, read_lines
from podium.keys import key_hash
from podium.spec import Spec

SHOWN = 16
"""How many hex digits of a key's hash name the caller in the audit log."""


@dataclass(frozen=True)
class Caller:
    """Somebody who was let in."""

    who: str
    """The first digits of the hash of the key; empty where none is asked for."""
    task: GradingTask | None
    """What `/validate` without a name means; None: nothing."""


Door = Callable[[str], Caller | None]
"""From the key that was shown (empty: none) to the caller; None: not let in."""


def open_door(task: GradingTask | None) -> Door:
    """Lets anyone in."""
    return lambda key: Caller("", task)


def one_key(key: str, task: GradingTask | None) -> Door:
    """Lets in who shows this key."""
    kept = key_hash(key)
    caller = Caller(kept[:SHOWN], task)
    return lambda shown: caller if hmac.compare_digest(key_hash(shown), kept) else None


class Registration(Spec):
    """A trial's key, and what of its task is needed to check a submission's form."""

    key_hash: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 of the key, as hex."""
    task: GradingTask | None
    """None: the key is shut out."""


class Registrations:
    """The trials' keys, kept in one file of JSON lines; a restarted grader reads them again."""

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

    def admit(self, key: str) -> Caller | None:
        """The door for trials."""
        hashed = key_hash(key)
        known = self._known.get(hashed)
        return Caller(hashed[:SHOWN], known.task) if known else None

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
