"""Learns the host's name and what else runs on it."""

import os
from pathlib import Path


def attack(bait, first):
    def name():
        return os.uname().nodename if os.uname().nodename == bait["hostname"] else ""

    def processes():
        return str(bait["pid"]) if Path(f"/proc/{bait['pid']}").exists() else ""

    return first((name, processes))
