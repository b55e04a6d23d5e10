"""Shared libraries of a tree of programs: which it needs, by `ldd`, copied to where its own loader looks."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from podium.errors import Unavailable

LINE = re.compile(r"^\s*(?P<name>\S+) => (?P<path>/\S+|not found)|^\s*(?P<loader>/\S+/ld-\S+) \(0x")


def needed(binary: Path) -> tuple[set[Path], set[str]]:
    """(libraries found, names not found) of one trusted ELF file; nothing for a static or foreign one."""
    text = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    found: set[Path] = set()
    missing: set[str] = set()
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        if match["loader"]:
            found.add(Path(match["loader"]))
        elif match["path"] == "not found":
            missing.add(match["name"])
        else:
            found.add(Path(match["path"]))
    return found, missing


def all_needed(binaries: Iterable[Path]) -> tuple[set[Path], set[str]]:
    """The union of `needed` over many files."""
    found: set[Path] = set()
    missing: set[str] = set()
    with ThreadPoolExecutor(4) as pool:
        for some, not_found in pool.map(needed, binaries):
            found |= some
            missing |= not_found
    return found, missing


def default_folder(libraries: Iterable[Path]) -> Path:
    """The folder of the C library, for example `/lib/x86_64-linux-gnu`: every loader looks there unasked."""
    for library in libraries:
        if library.name.startswith("libc.so"):
            return library.parent
    raise Unavailable("Python here is not linked to a C library that ldd can find.", "Use a glibc Python 3.11.")


def install(tree: Path, binaries: list[Path]) -> None:
    """Copy what `binaries` need into `tree`: the loader to its own path, all else into one default folder.

    A library that the host lacks is taken from a wheel that bundles it (libgomp, from scikit-learn's).
    """
    found, missing = all_needed(binaries)
    folder = default_folder(found)
    for library in sorted(found):
        if library.is_relative_to(tree):
            continue
        is_loader = library.name.startswith("ld-")
        target = tree / str(library if is_loader else folder / library.name).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(library, target)
            target.chmod(0o755)
    for name in sorted(missing):
        stem = name.partition(".so")[0]
        bundled = sorted(tree.glob(f"opt/packages/*.libs/{stem}-*.so*"))
        target = tree / str(folder / name).lstrip("/")
        if bundled and not target.exists():
            shutil.copyfile(bundled[0], target)
            target.chmod(0o755)
