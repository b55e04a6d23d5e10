"""Where the parts of one of MLE-bench's competitions lie, as `mlebench prepare` lays them out.

<data>/<id>/<id>.zip           Kaggle's archive
<data>/<id>/raw/               what it holds
<data>/<id>/prepared/public/   what agents are given, with description.md
<data>/<id>/prepared/private/  the answers; once split: <private>/<id>/prepared/private/, and raw/ and <id>.zip there
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EDQUOT, EEXIST, ENOSPC, ENOTDIR, EPERM, EROFS
from pathlib import Path
from typing import Final

from podium.errors import UserError
from podium.settings import Site
from tasks.benchmark_row import BenchmarkRow

DESCRIPTION: Final = "description.md"
UNWRITABLE: Final = (EACCES, EPERM, EROFS, ENOSPC, EDQUOT, ENOTDIR, EEXIST)
"""What a user can mend of the system's refusals."""


@dataclass(frozen=True)
class Layout:
    """One competition at a site."""

    row: BenchmarkRow
    site: Site

    @property
    def folder(self) -> Path:
        return self.site.data / self.row.id

    @property
    def public(self) -> Path:
        return self.site.public_dir(self.row.id)

    @property
    def private(self) -> Path:
        """Where answers that are made here go."""
        return self.site.private_dir(self.row.id)

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def described(self) -> bool:
        return (self.public / DESCRIPTION).is_file()

    def missing(self) -> list[Path]:
        """The files without which it is not prepared, as the benchmark sees it: answers and sample submission."""
        row = self.row
        with looking(row.id):
            answers = self.site.answers_dir(row.id)
            sample = (answers if row.sample_private else self.public) / row.sample
            found = [path for path in (answers / row.answers, sample) if not path.is_file()]
            if self.public.is_dir() and any(_visible(self.public)):
                return found
        return [*found, self.public]

    def raw_file(self, name: str) -> Path | None:
        """An extracted raw file, here or among what was split off; None where there is none."""
        with looking(self.row.id):
            places = (self.raw / name, self.site.private / self.row.id / "raw" / name)
            return next((path for path in places if path.is_file()), None)

    def archive(self) -> Path | None:
        """Kaggle's archive, here or among what was split off. Raises UserError where a folder holds several."""
        with looking(self.row.id):
            for folder in (self.folder, self.site.private / self.row.id):
                found = sorted(folder.glob("*.zip"))
                if len(found) > 1:
                    names = ", ".join(path.name for path in found)
                    raise UserError(f"{folder} holds several archives: {names}.", "Leave only Kaggle's own there.")
                if found:
                    return found[0]
        return None


@contextmanager
def looking(task: str) -> Iterator[None]:
    """A folder that this user may not look into becomes a UserError that says who may."""
    try:
        yield
    except PermissionError as error:
        raise UserError(
            f"This user may not look into {error.filename}, so nobody knows here whether {task} is prepared.",
            "Type this as the user who owns that folder, on the host where it lies.",
        ) from None


@contextmanager
def writing() -> Iterator[None]:
    """What cannot be written becomes a UserError that names it."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise UserError(
            f"{error.filename or 'A file'} cannot be written: {error.strerror}.",
            "Mend that, or name another folder with --data-dir.",
        ) from None


def elsewhere(site: Site, task: str, data: Path) -> Site:
    """The site with another data directory, which holds both halves of `task` as the benchmark leaves them, unless its
    answers were split off to the site's own private directory. Raises UserError where it does not exist."""
    with looking(task):
        prepared = existing(data) / task / "prepared"
        was_split = (prepared / "public").is_dir() and not (prepared / "private").is_dir()
        private = site.private if was_split and site.private_dir(task).is_dir() else data
    return site.model_copy(update={"data": data, "private": private})


def existing(data: Path) -> Path:
    """A data directory that was named. Raises UserError where it does not exist."""
    if not data.is_dir():
        raise UserError(f"There is no data directory {data}.", "Make it, or name the one that has the data.")
    return data


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))
