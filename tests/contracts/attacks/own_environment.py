"""Looks for the starter's secrets in its own environment and in that of its ancestors."""

import os
from pathlib import Path


def attack(bait, first):
    def variables():
        names = [name for name in os.environ if name.startswith("RAY_") or name.endswith(("_KEY", "_TOKEN"))]
        values = [value for value in os.environ.values() if bait["secret"] in value]
        return " ".join(names + values)

    def recorded(pid):
        text = Path(f"/proc/{pid}/environ").read_bytes().decode("latin-1")
        return text if bait["secret"] in text else ""

    def ancestors():
        pid = os.getpid()
        while pid > 1:
            yield pid
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield 1

    return first([variables, *(lambda pid=pid: recorded(pid) for pid in ancestors())])
