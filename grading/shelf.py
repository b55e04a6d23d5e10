"""Tables of our own making (answers, sample submissions), read once and kept while their files stay the same."""

from __future__ import annotations

import json
import threading
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from grading.parse import OpenParser, Reading
from grading.table import Table, TableColumn

KEPT_BYTES = 1 << 30


class Shelf:
    """Reads files in this process, so it is for trusted ones only. May be used by several threads at once."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        """`kept_bytes`: about how much is kept; what was used longest ago goes first."""
        self._kept_bytes, self._parser = kept_bytes, OpenParser()
        self._tables: OrderedDict[tuple[Path, Reading], tuple[tuple[int, ...], Table]] = OrderedDict()
        self._guard = threading.Lock()
        self._reading: dict[Path, threading.Lock] = {}

    def table(self, path: Path, reading: Reading = "plain") -> Table:
        """The table in a CSV file, also zipped alone; of a `.jsonl` file one column, `json`, with its lines.

        Raises FileNotFoundError, InvalidSubmission for a file that is no table, ValueError for an archive of others.
        """
        with self._guard:
            mine = self._reading.setdefault(path, threading.Lock())
        with mine:
            facts = path.stat()
            stamp = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
            with self._guard:
                found = self._tables.get((path, reading))
                if found is not None and found[0] == stamp:
                    self._tables.move_to_end((path, reading))
                    return found[1]
            table = _lines(path) if path.suffix == ".jsonl" else self._read(path, reading)
            with self._guard:
                self._tables[path, reading] = (stamp, table)
                self._drop()
            return table

    def _read(self, path: Path, reading: Reading) -> Table:
        content = _unzipped(path) if path.suffix == ".zip" else path.read_bytes()
        return self._parser.parse(path.name, content, reading=reading)

    def _drop(self) -> None:
        held = sum(stamp[2] for stamp, _ in self._tables.values())
        while held > self._kept_bytes and len(self._tables) > 1:
            _, (stamp, _) = self._tables.popitem(last=False)
            held -= stamp[2]


def _unzipped(path: Path) -> bytes:
    """The one CSV file in an archive; what macOS adds to its archives is left out."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise ValueError(f"{path} holds {len(names)} CSV files, not one")
        return archive.read(names[0])


def _lines(path: Path) -> Table:
    texts = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    for text in texts:
        json.loads(text)  # a broken file is a ValueError here, not in the middle of a score
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    return Table({"json": TableColumn("str", values, np.zeros(len(texts), dtype=np.bool_))}, len(texts))
