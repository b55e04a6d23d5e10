"""When a tiny model is made anew: its recipe is this package's files and the releases of what runs them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
MARK = "recipe.json"
LIBRARIES = ("torch", "transformers", "tokenizers")


def digest() -> str:
    releases = [platform.python_version(), *(version(library) for library in LIBRARIES)]
    files = sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*.jinja")])
    parts = [release.encode() for release in releases] + [path.read_bytes() for path in files]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def is_made(model: Path, recipe: str) -> bool:
    try:
        return bool(json.loads((model / MARK).read_text())["digest"] == recipe)
    except (OSError, ValueError, KeyError):
        return False


def put(model: Path, recipe: str, write: Callable[[Path], None]) -> None:
    """A model's folder, written aside by `write` and renamed as a whole; an older one goes. Call it `alone`."""
    aside, old = (model.parent / f".{model.name}.{state}" for state in ("made", "old"))
    for left in (aside, old):
        shutil.rmtree(left, ignore_errors=True)
    aside.mkdir()
    write(aside)
    (aside / MARK).write_text(json.dumps({"digest": recipe}) + "\n")
    for file in aside.iterdir():
        file.chmod(0o644)
    if model.exists():
        model.rename(old)
    aside.rename(model)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process at a time makes models in a folder; another waits, and then finds them made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
