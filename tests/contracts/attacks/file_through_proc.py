"""Opens the bait through other processes' root and working directory in /proc."""

from pathlib import Path


def attack(bait, first):
    holders = [bait["pid"], *(name.name for name in Path("/proc").iterdir() if name.name.isdigit())]
    here = Path(bait["files"][0]).name
    ways = [f"/proc/{pid}/root{path}" for pid in holders for path in bait["files"]]
    ways += [f"/proc/{pid}/cwd/{here}" for pid in holders]
    return first(Path(way).read_text for way in ways)
