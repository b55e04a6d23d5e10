"""The grader's ledger: what was graded and when, one append-only file of JSON lines.

A row is on the disk before its answer is given. One grade a trial: the same digest gets the same answer for ever,
also after a restart; another digest is refused. A second look (`regrade`) writes a row of its own with its reason and
replaces nothing. A half last line (a death while writing) was never answered and is cut off when the file is opened.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from podium.errors import InfrastructureFailure, Unavailable, UserError
from podium.files import read_lines
from podium.records import Grade, Record

LOCK_SECONDS = 10.0
"""How long an opening waits for another process to let go, for example its own predecessor."""


class Row(Record):
    """One line of the ledger. Holds no answer: scores, digests and times."""

    trial_id: str
    sweep_id: str
    run_group: str
    task: str
    digest: str | None
    reason: str = ""
    """Why it was graded again; empty for the trial's one grade."""
    graded_at: datetime
    grader: str = ""
    """Digest of the code that graded."""
    grade: Grade


class Ledger:
    """An open ledger; no other process can open it meanwhile. A context manager."""

    def __init__(self, directory: Path, wait: float = LOCK_SECONDS) -> None:
        """Open or make `directory/ledger.jsonl`. Raises Unavailable while another process holds it, or when a row in
        it is damaged."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.file = directory / "ledger.jsonl"
        self._guard = threading.Lock()
        self._lock = _locked(directory / "lock", wait)
        self._rows: dict[tuple[str, str], Row] = {}
        try:
            self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._cut_half_line()
            self._load()
        except BaseException:
            os.close(self._lock)
            raise

    def find(self, trial_id: str, digest: str | None, reason: str = "") -> Row | None:
        """The standing row of a trial for that reason. Raises UserError where the trial was graded on other files."""
        first = self._rows.get((trial_id, ""))
        if first is not None and first.digest != digest:
            raise UserError(
                f"Trial {trial_id} was graded on the submission {first.digest}; {digest} is another.",
                "A trial is graded once. Run a new trial to grade something else.",
            )
        if first is None and reason:
            raise UserError(f"Trial {trial_id} was never graded, so it cannot be graded again.", "Grade it first.")
        return self._rows.get((trial_id, reason))

    def record(self, row: Row) -> Row:
        """Write a row, unless one stands for its trial and reason: the first wins and is given back.

        Raises UserError as `find` does; InfrastructureFailure where the disk does not take it.
        """
        with self._guard:
            standing = self.find(row.trial_id, row.digest, row.reason)
            if standing is not None:
                return standing
            line = row.model_dump_json()
            kept = Row.model_validate_json(line)
            self._append(line)
            self._rows[row.trial_id, row.reason] = kept
            return kept

    def rows(self, run_group: str) -> list[str]:
        """The lines of a run group, in the order of writing."""
        with self._guard:
            return [row.model_dump_json() for row in self._rows.values() if row.run_group == run_group]

    def close(self) -> None:
        """Let go of the file and the lock. May be called twice."""
        with self._guard:
            for name in ("_descriptor", "_lock"):
                descriptor = getattr(self, name)
                if descriptor >= 0:
                    os.close(descriptor)
                    setattr(self, name, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, line: str) -> None:
        """All of the line, fsynced, or nothing."""
        data = (line + "\n").encode()
        before = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, data)
            if written != len(data):
                raise OSError(f"only {written} of {len(data)} bytes were taken")
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, before)
            raise InfrastructureFailure(
                f"The ledger {self.file} cannot be written: {error}.", "Free the disk."
            ) from None

    def _cut_half_line(self) -> None:
        content = self.file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.ftruncate(self._descriptor, whole)
            os.fsync(self._descriptor)

    def _load(self) -> None:
        for number, line in enumerate(read_lines(self.file), 1):
            try:
                row = Row.model_validate_json(line)
            except ValueError:
                raise Unavailable(
                    f"Line {number} of the ledger {self.file} is damaged.",
                    "Put the file back from a copy; the grader answers nothing that it cannot stand by.",
                ) from None
            self._rows.setdefault((row.trial_id, row.reason), row)


def _locked(path: Path, wait: float) -> int:
    """A descriptor that holds the lock; waits up to `wait` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise Unavailable(
                    f"Another grader holds the ledger in {path.parent}.", "Stop it first: `podium down` where it runs."
                ) from None
            time.sleep(0.05)
