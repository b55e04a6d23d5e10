"""The gateway's append-only file (mode 0600): JSON lines that survive the process, and mostly the host.

{"grant": {trial_id, key_hash, models, ...}}    {"revoke": trial_id}
{"trial_id": ..., "at": 1790000000.5, "model": "m", "prompt": 12, "completion": 34, ...}
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)


class Ledger:
    """Opens or makes `file`, ends a line that a death cut off, and appends whole lines by one write each."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._descriptor).st_size
        self._cut = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries, oldest first. A line that was cut off is left out."""
        with self._file.open("rb") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry

    def write(self, entry: dict[str, Any], *, durable: bool) -> None:
        """Append one entry; `durable`: it also survives the host. Raises OSError."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        data = b"\n" + line if self._cut else line
        self._cut = True
        self._cut = os.write(self._descriptor, data) != len(data)
        if self._cut:
            raise OSError(f"{self._file} took only a part of a line: the disk is full")
        if durable:
            os.fsync(self._descriptor)

    def note(self, entry: dict[str, Any]) -> None:
        """Append one entry where it can be; a full disk is said in the log and stops nobody."""
        try:
            self.write(entry, durable=False)
        except OSError as error:
            LOG.error("the ledger misses an entry: %s", error)

    def close(self) -> None:
        os.close(self._descriptor)
