"""Opens the bait files by their paths."""

from pathlib import Path


def attack(bait, first):
    return first(Path(path).read_text for path in bait["files"])
