"""Preparing one of MLE-bench's competitions: what is there is used as it is, and plain tables are made here."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from podium.errors import UserError
from podium.settings import CHECKOUT, Site
from podium.spec import Spec
from tasks.benchmark_row import BenchmarkRow
from tasks.halves import sole_writer
from tasks.preparing import plain_tables
from tasks.preparing.archive import extract, md5
from tasks.preparing.description import describe
from tasks.preparing.download import download
from tasks.preparing.layout import DESCRIPTION, Layout, writing
from tasks.preparing.plain_tables import PlainTable
from tasks.preparing.room import check_room, size
from tasks.preparing.separation import make_closed

Tell = Callable[[str], None]


class Ways(Spec):
    """How to prepare."""

    download: bool = True
    """Ask Kaggle for the archive where neither it nor its content is here."""
    keep_raw: bool = False
    """Keep what was extracted of the archive."""
    verify: bool = True
    """Refuse a download that is not the archive the benchmark was made from; say so of one that lay there."""


DEFAULT: Final = Ways()
SCRIPT: Final = CHECKOUT / "scripts" / "mlebench-prepare.sh"


class NotPrepared(UserError):
    """The data are not there, and only the benchmark's own preparation can make them."""

    def __init__(self, task: str, data: str) -> None:
        self.task, self.data = task, data
        super().__init__(
            f"{task} is not prepared in {data}, and only the benchmark's own program can do that.",
            f"Type: {by_the_benchmark(data, task)}",
        )
        self.args = (task, data)


def by_the_benchmark(data: str, *tasks: str) -> str:
    """The command that prepares competitions by the benchmark's own program."""
    return shlex.join([str(SCRIPT), data, *tasks])


def prepare(row: BenchmarkRow, site: Site, ways: Ways = DEFAULT, tell: Tell = lambda line: None) -> bool:
    """See that both halves are there, and a description; gives whether something had to be made.

    Raises NotPrepared for a competition that is no plain table, UserError for what the user can mend, Unavailable
    where Kaggle does not answer. Then nothing half-made is left but a download that can be gone on with.
    """
    layout = Layout(row, site)
    missing = layout.missing()
    if not missing and layout.described:
        return False
    table = plain_tables.tables().get(row.id)
    if missing and table is None:
        raise NotPrepared(row.id, str(site.data))
    if missing and not ways.download:
        _check_source(layout)
    with writing(), sole_writer(layout.public.parent):
        if table is not None and layout.missing():
            _make(layout, table, ways, tell)
        elif not layout.described:
            _describe(layout)
    return True


def _make(layout: Layout, table: PlainTable, ways: Ways, tell: Tell) -> None:
    """Make both halves, the private one first."""
    had_raw = layout.raw.is_dir()
    try:
        _split(layout, table, _raw_table(layout, table, ways, tell), tell)
    finally:
        if not had_raw and not ways.keep_raw:
            shutil.rmtree(layout.raw, ignore_errors=True)


def _split(layout: Layout, table: PlainTable, raw: Path, tell: Tell) -> None:
    needed = 2 * raw.stat().st_size
    for folder in (layout.public, layout.private):
        check_room(folder, needed, f"preparing {layout.row.id}")
    public, private = (half.with_name(f".{half.name}") for half in (layout.public, layout.private))
    try:
        for aside in (public, private):
            shutil.rmtree(aside, ignore_errors=True)
            make_closed(aside)
        plain_tables.split(layout.row, table, raw, public, private)
        own = raw.with_name(DESCRIPTION)
        text = own.read_bytes() if own.is_file() else describe(layout.row, public).encode()
        (public / DESCRIPTION).write_bytes(text)
        _compare(layout.row.id, table, public, private, tell)
        _publish(private, layout.private, folder_mode=0o700, file_mode=0o600)
        _publish(public, layout.public, folder_mode=0o755, file_mode=0o644)
    finally:
        for aside in (public, private):
            shutil.rmtree(aside, ignore_errors=True)


def _raw_table(layout: Layout, table: PlainTable, ways: Ways, tell: Tell) -> Path:
    """The raw file that is split: as it lies there, from the archive, or downloaded."""
    row, found = layout.row, layout.raw_file(plain_tables.RAW)
    if found is not None:
        return found
    archive = layout.archive()
    if archive is None:
        tell(f"{row.id}: downloading from Kaggle")
        archive = download(row.id, layout.folder, digest=table.zip, gigabytes=row.size_gb, verify=ways.verify)
    elif ways.verify and md5(archive) != table.zip:
        tell(f"WARNING: {archive} is not the archive that the benchmark was made from: scores will not be comparable.")
    tell(f"{row.id}: extracting {archive.name} ({size(archive.stat().st_size)})")
    extract(archive, layout.raw)
    found = layout.raw_file(plain_tables.RAW)
    if found is None:
        raise UserError(f"{archive} holds no {plain_tables.RAW}.", "Take Kaggle's archive of this competition.")
    return found


def _check_source(layout: Layout) -> None:
    """Raise UserError where raw data would have to be downloaded."""
    if layout.raw_file(plain_tables.RAW) is None and layout.archive() is None:
        raise UserError(
            f"Neither {layout.raw / plain_tables.RAW} nor {layout.folder / layout.row.id}.zip is there.",
            "Put Kaggle's archive there, or leave --no-download out.",
        )


def _compare(task: str, table: PlainTable, public: Path, private: Path, tell: Tell) -> None:
    """Say which files are not those that the benchmark made: other raw data, or another release of the libraries."""
    wanted = {public / name: digest for name, digest in table.public.items()}
    wanted |= {private / name: digest for name, digest in table.private.items()}
    other = sorted({path.name for path, digest in wanted.items() if md5(path) != digest})
    if other:
        tell(f"WARNING: {task}: {', '.join(other)} differ from the benchmark's: scores will not be comparable.")


def _publish(aside: Path, final: Path, *, folder_mode: int, file_mode: int) -> None:
    """Put the files of `aside` into `final`, each as a whole; the description, by which a half is known, is last."""
    final.mkdir(mode=folder_mode, exist_ok=True)
    final.chmod(folder_mode)
    (final / DESCRIPTION).unlink(missing_ok=True)
    for path in sorted(aside.iterdir(), key=lambda path: (path.name == DESCRIPTION, path.name)):
        path.chmod(file_mode)
        _sync(path)
        os.replace(path, final / path.name)
    _sync(final)


def _describe(layout: Layout) -> None:
    """Add a description to halves that were made without one."""
    aside = layout.public.with_name(f".{DESCRIPTION}")
    aside.write_text(describe(layout.row, layout.public), encoding="utf-8")
    aside.chmod(0o644)
    os.replace(aside, layout.public / DESCRIPTION)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
