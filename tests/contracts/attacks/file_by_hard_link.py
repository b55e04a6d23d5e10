"""Makes hard links to the bait, by path and through its own descriptors' links, and reads them."""

import os
from pathlib import Path


def attack(bait, first):
    def linked(number, path):
        os.link(path, f"hard-{number}")
        return Path(f"hard-{number}").read_text()

    paths = [*bait["files"], *(f"/proc/{bait['pid']}/root{path}" for path in bait["files"])]
    return first(lambda n=n, path=path: linked(n, path) for n, path in enumerate(paths))
