"""What broke an engine while it started, from what its processes logged: the replica is told only that one failed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

HIDDEN = "Engine core initialization failed"
"""How vLLM says in the replica that one of its processes failed, and not why."""
TAIL = 1 << 18
"""Bytes of a log's end in which the reason is looked for."""
_LOGGED = re.compile(r"(\([\w ]+pid=\d+\) ERROR [\d-]+ [\d:]+ \[[^\]]*\]) ?(.*)")
_NAMED = re.compile(r"[\w.]*(Error|Exception)\b")


def root_cause(log: Iterable[str]) -> str:
    """The first error with a name that a process of an engine logged, to its end in one line; empty: there is none.

    Those that follow are of processes that wait for the first.
    """
    words: list[str] = []
    record = ""
    for line in log:
        found = _LOGGED.match(line)
        if words and (found is None or found[1] != record or _NAMED.match(found[2])):
            break
        if found and (words or _NAMED.match(found[2])):
            record = found[1]
            words.append(found[2].strip())
    return " ".join(words)


def own_log() -> list[str]:
    """The last lines that this process and those below it have written, where its output is a file (as Ray's are)."""
    path = Path("/proc/self/fd/1")
    if not path.is_file():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL), os.SEEK_SET)
        return log.read().decode("utf-8", "replace").splitlines()
