"""Leaves a file in /dev, which is memory that no quota of the workspace counts."""

import os
from pathlib import Path


def attack(bait, first):
    def left(folder):
        path = Path(folder) / f"podium-{bait['token']}"
        path.write_bytes(b"x")
        path.unlink()
        return str(folder)

    folders = [folder for folder, _, _ in os.walk("/dev") if not folder.startswith("/dev/shm")]
    return first(lambda folder=folder: left(folder) for folder in folders)
