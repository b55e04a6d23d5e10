"""Opens the host's devices: those in /dev, and by nodes of its own making."""

import os
import stat
from pathlib import Path

HARMLESS = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "stdin", "stdout", "stderr", "fd"}


def attack(bait, first):
    def opened(path):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return str(path)

    def made(name, kind, number):
        os.mknod(name, kind | 0o600, number)
        return opened(name)

    there = [path for path in Path("/dev").iterdir() if path.name not in HARMLESS and not path.is_dir()]
    ways = [lambda path=path: opened(path) for path in there if path.name in bait["devices"]]
    for index, (kind, number) in enumerate(bait["numbers"]):
        form = stat.S_IFBLK if kind == "b" else stat.S_IFCHR
        ways.append(lambda index=index, form=form, number=number: made(f"node-{index}", form, number))
    return first(ways)
