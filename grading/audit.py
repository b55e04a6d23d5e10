"""The validator's audit log: who asked what, and what was answered, one line of JSON a call. It holds no score.

    audit.jsonl            the latest calls
    audit.1.jsonl ...      older ones, the highest number last; what is older than `KEPT` files is gone

A line is one write to the kernel before the answer leaves, so that it outlives the process; it is not fsynced, so that
a power cut may take the last seconds. The files are bounded: they lie beside the ledger, which must not find a full
disk because somebody asks without end.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from podium.records import Record

FILE_BYTES = 64 << 20
KEPT = 15
"""Older files; with the latest one at most 1 GiB, some millions of calls."""


class Call(Record):
    """One call of `/validate`."""

    at: datetime
    """When it was answered."""
    who: str
    """The first 16 hex digits of the SHA-256 of the caller's key; empty: it showed none that is known."""
    task: str
    """Empty: it was turned away before that was clear."""
    status: int
    """HTTP; 499: the caller left before the answer."""
    valid: bool | None
    """None: no verdict was given."""
    message: str
    """What the caller was told."""
    digest: str = ""
    """SHA-256 (hex) of the files' bytes, in the order of the task's outputs; empty: no file was read."""
    bytes: int = 0
    """Of the files; of the body as far as it was read where no file was."""
    seconds: float
    """From the request's head to the answer."""


class Seen:
    """What is known so far of a call that is not answered yet."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.who, self.task, self.digest, self.bytes = "", "", "", 0

    def call(self, at: datetime, status: int, valid: bool | None, message: str) -> Call:
        return Call(
            at=at,
            who=self.who,
            task=self.task,
            status=status,
            valid=valid,
            message=message,
            digest=self.digest,
            bytes=self.bytes,
            seconds=round(time.perf_counter() - self.began, 4),
        )


class Audit:
    """An open audit log. Its methods may be called from several threads at once. A context manager."""

    def __init__(self, directory: Path, *, file_bytes: int = FILE_BYTES, kept: int = KEPT) -> None:
        """Open or make `directory/audit.jsonl` (mode 0600)."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory, self._file_bytes, self._kept = directory, file_bytes, kept
        self._guard = threading.Lock()
        self._descriptor, self._size = self._open()

    def write(self, call: Call) -> None:
        """Append a call. Raises OSError where the disk does not take it."""
        line = call.model_dump_json(exclude={"schema_version"}).encode() + b"\n"
        with self._guard:
            if self._size + len(line) > self._file_bytes:
                self._rotate()
            self._size += os.write(self._descriptor, line)

    def close(self) -> None:
        """May be called twice."""
        with self._guard:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> tuple[int, int]:
        """The latest file's descriptor and size."""
        descriptor = os.open(self._path(0), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            size += os.write(descriptor, b"\n")  # ends a line that a death cut off
        return descriptor, size

    def _rotate(self) -> None:
        os.close(self._descriptor)
        for number in reversed(range(self._kept)):
            if self._path(number).exists():
                os.replace(self._path(number), self._path(number + 1))
        self._descriptor, self._size = self._open()

    def _path(self, number: int) -> Path:
        return self._directory / (f"audit.{number}.jsonl" if number else "audit.jsonl")
