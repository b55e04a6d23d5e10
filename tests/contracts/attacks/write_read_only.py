"""Writes to the data it was given and, inside a jail, to the system around it."""

import os
import sys
from pathlib import Path


def attack(bait, first):
    def left(folder):
        path = Path(folder) / f"podium-{bait['token']}"
        path.write_text("x")
        path.unlink()
        return str(folder)

    def changed(path):
        path.chmod(0o777)
        with path.open("a") as file:
            file.write("")
        return str(path)

    def renamed(path):
        path.rename(path.with_name("renamed"))
        path.with_name("renamed").rename(path)
        return str(path)

    given = [Path(folder) for folder in bait["data"]]
    ways = [lambda folder=folder: left(folder) for folder in given]
    for path in [path for folder in given for path in folder.glob("*")]:
        ways += [lambda path=path: changed(path), lambda path=path: renamed(path)]
    if bait["jail"]:
        system = ["/", "/etc", "/usr", "/usr/bin", "/home", "/proc", "/opt", "/var", *filter(None, sys.path)]
        system += [str(Path(os.__file__).parent), sys.prefix]
        ways += [lambda folder=folder: left(folder) for folder in system if Path(folder).resolve() != Path.cwd()]
    return first(ways)
