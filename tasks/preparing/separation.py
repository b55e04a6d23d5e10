"""Moving answers, raw files and archives out of the public data into the private directory (0700, files 0600).

A death at any moment loses nothing, and the same call finishes the work: on one file system a move is a rename; across
two, the copy is made aside, written through to the disk and renamed, and only then the original goes.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from errno import EXDEV
from pathlib import Path

from podium.errors import UserError
from podium.settings import Site
from tasks.halves import sole_writer
from tasks.preparing.layout import writing
from tasks.preparing.room import check_room

CLOSED_FOLDER, CLOSED_FILE = 0o700, 0o600
OPEN_FOLDER, OPEN_FILE = 0o755, 0o644
CHUNK = 4 << 20


def separate(task: str, site: Site, *, sources: bool = True) -> list[Path]:
    """Move what agents may never see of `task` to the site's private directory; gives where it now lies.

    Without `sources` raw files and archives stay. The public half is then readable by everybody. Raises UserError
    where the site has no private directory of its own, or where other answers lie there already.
    """
    if site.private == site.data:
        raise UserError(
            f"The private directory is the data directory, {site.data}.",
            "Name another with --private-dir, or as `private` in site.toml.",
        )
    if site.private.resolve().is_relative_to(site.public_dir(task).resolve()):
        raise UserError(
            f"The private directory {site.private} lies in what agents are given of {task}.",
            "Name another with --private-dir, or as `private` in site.toml.",
        )
    with writing():
        if not pending(task, site):
            _open(task, site)
            return []
        with sole_writer(site.public_dir(task).parent):
            moves = [move for move in pending(task, site) if sources or move[1] == site.private_dir(task)]
            for source, target in moves:
                for _ in steps(source, target, os.rename):
                    pass
            (site.private / task).chmod(CLOSED_FOLDER)
            _open(task, site)
    return [target for _, target in moves]


def pending(task: str, site: Site) -> list[tuple[Path, Path]]:
    """What of `task` still lies beside public data, and where it belongs; the answers first."""
    folder, closed = site.data / task, site.private / task
    if folder == closed or not folder.is_dir():
        return []
    found = [folder / "prepared" / "private", folder / "raw", folder / ".download", *sorted(folder.glob("*.zip"))]
    return [(path, closed / path.relative_to(folder)) for path in found if os.path.lexists(path)]


def steps(source: Path, target: Path, rename: Callable[[Path, Path], None]) -> Iterator[str]:
    """Move a file or folder, saying each step that is done; a death between two of them is mended by the next call.

    `rename` is tried first and may say that it cannot (EXDEV).
    """
    _refuse_links(source)
    make_closed(target.parent)
    _discard(_aside(target))
    _close(source)
    yield "closed"
    if not os.path.lexists(target):
        try:
            rename(source, target)
        except OSError as error:
            if error.errno != EXDEV:
                raise
            yield from _copy(source, target)
        else:
            _sync(source.parent)
            _sync(target.parent)
            yield "renamed"
            return
    _refuse_other(source, target)
    shutil.rmtree(source) if source.is_dir() else source.unlink()
    _sync(source.parent)
    yield "removed"


def _copy(source: Path, target: Path) -> Iterator[str]:
    aside = _aside(target)
    check_room(target.parent, sum(path.stat().st_size for path in _tree(source) if path.is_file()), f"moving {source}")
    for path in _tree(source):
        _copy_one(path, aside / path.relative_to(source) if path != source else aside)
    yield "copied"
    os.rename(aside, target)
    _sync(target.parent)
    yield "placed"


def _aside(target: Path) -> Path:
    """Where a copy is made; one that a death left half done is made anew."""
    return target.with_name(f".{target.name}.moving")


def _copy_one(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(mode=CLOSED_FOLDER)
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, CLOSED_FILE)
    with os.fdopen(descriptor, "wb") as writer, source.open("rb") as reader:
        shutil.copyfileobj(reader, writer, CHUNK)
        writer.flush()
        os.fsync(writer.fileno())
    facts = source.stat()
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _tree(top: Path) -> Iterator[Path]:
    """`top` and all below it, a folder before what lies in it."""
    yield top
    if top.is_dir():
        yield from sorted(top.rglob("*"))


def _refuse_links(source: Path) -> None:
    for path in _tree(source):
        if path.is_symlink():
            raise UserError(
                f"{path} is a symbolic link; moving it would leave what it names where it is.",
                "Put the file itself in its place, then try again.",
            )


def _refuse_other(source: Path, target: Path) -> None:
    """Raise UserError unless all that `source` holds lies at `target` too, as after a death before its removal."""
    for path in _tree(source):
        twin = target / path.relative_to(source) if path != source else target
        if path.is_file() and not (twin.is_file() and filecmp.cmp(path, twin, shallow=False)):
            raise UserError(
                f"{target} is there already, and has not the same {path.name} as {source}.",
                "Remove the one that is wrong, then try again.",
            )


def make_closed(folder: Path) -> None:
    """Make a folder, and what is missing above it, for their owner alone."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=CLOSED_FOLDER, exist_ok=True)


def _close(top: Path) -> None:
    """Take every right on `top` and all below it from all but their owner."""
    for path in _tree(top):
        path.chmod(CLOSED_FOLDER if path.is_dir() else CLOSED_FILE)


def _open(task: str, site: Site) -> None:
    """Let everybody read the public half, and walk to it."""
    public = site.public_dir(task)
    tree = _tree(public) if public.is_dir() else ()
    for path in (*(place for place in (site.data / task, public.parent) if place.is_dir()), *tree):
        if path.is_symlink():
            continue  # what it names is somebody else's
        wanted = OPEN_FOLDER if path.is_dir() else OPEN_FILE
        now = stat.S_IMODE(path.stat().st_mode)
        if now | wanted != now:
            path.chmod(now | wanted)


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
