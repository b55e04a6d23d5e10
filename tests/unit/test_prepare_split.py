"""Splitting answers off the public data: modes, a death between any two steps, and what is refused."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.errors import UserError
from podium.settings import Site
from tasks.preparing.separation import pending, separate, steps
from tests.unit.raw_data import SPACESHIP, below, cases, put_archive, put_prepared, put_raw, site_below, texts

Rename = Callable[[Path, Path], None]


def other_disk(source: Path, target: Path) -> None:
    """A rename between two file systems."""
    raise OSError(errno.EXDEV, "Invalid cross-device link")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A competition with both halves, raw files and its archive in the benchmark's own layout."""
    site = site_below(tmp_path)
    put_raw(site.data, SPACESHIP)
    (site.data / "other").mkdir()
    put_archive(site.data / "other", SPACESHIP).rename(site.data / SPACESHIP / f"{SPACESHIP}.zip")
    put_prepared(site.data, SPACESHIP, "test.csv", "sample_submission.csv")
    return site


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_answers_raw_files_and_archive_move_and_the_public_half_stays(site: Site) -> None:
    separate(SPACESHIP, site)
    assert below(site.data / SPACESHIP) == [
        "prepared", "prepared/public", "prepared/public/description.md", "prepared/public/sample_submission.csv",
    ]  # fmt: skip
    assert below(site.private / SPACESHIP) == [
        "prepared", "prepared/private", "prepared/private/test.csv",
        "raw", "raw/train.csv", "spaceship-titanic.zip",
    ]  # fmt: skip


def test_what_was_moved_is_closed_and_what_stayed_is_open(site: Site) -> None:
    for path in (site.data / SPACESHIP).rglob("*"):
        path.chmod(0o750 if path.is_dir() else 0o640)
    separate(SPACESHIP, site)
    closed = [site.private, *site.private.rglob("*")]
    assert {mode(path) for path in closed if path.is_dir()} == {0o700}
    assert {mode(path) for path in closed if path.is_file()} == {0o600}
    opened = [site.data / SPACESHIP, *(site.data / SPACESHIP).rglob("*")]
    assert {mode(path) for path in opened if path.is_dir()} == {0o755}
    assert {mode(path) for path in opened if path.is_file()} == {0o644}


def test_a_link_in_the_public_half_is_left_as_it_is_and_so_is_what_it_names(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("")
    (tmp_path / "mine.csv").chmod(0o600)
    for name in ("mine.csv", "gone.csv"):
        (site.public_dir(SPACESHIP) / name).symlink_to(tmp_path / name)
    separate(SPACESHIP, site)
    assert mode(tmp_path / "mine.csv") == 0o600


def test_once_more_moves_nothing(site: Site) -> None:
    separate(SPACESHIP, site)
    before = below(site.data.parent)
    assert separate(SPACESHIP, site) == []
    assert below(site.data.parent) == before


def test_what_came_back_the_same_is_removed_again(site: Site) -> None:
    separate(SPACESHIP, site)
    put_prepared(site.data, SPACESHIP, "test.csv", "sample_submission.csv")
    separate(SPACESHIP, site)
    assert pending(SPACESHIP, site) == []


def test_other_answers_at_the_place_are_refused_and_both_stay(site: Site) -> None:
    separate(SPACESHIP, site)
    put_prepared(site.data, SPACESHIP, "test.csv", "sample_submission.csv")
    other = site.data / SPACESHIP / "prepared/private/test.csv"
    other.write_text("id,label\n1,1\n")
    for path in (other, site.private_dir(SPACESHIP) / "test.csv"):
        os.utime(path, ns=(0, 0))  # as large and as old as the other: only the content tells them apart
    with pytest.raises(UserError, match=r"not the same test\.csv"):
        separate(SPACESHIP, site)
    assert (site.data / SPACESHIP / "prepared/private/test.csv").read_text() == "id,label\n1,1\n"
    assert (site.private_dir(SPACESHIP) / "test.csv").read_text() == "id,label\n1,0\n"


@pytest.mark.parametrize("rename", [os.rename, other_disk])
@pytest.mark.parametrize("part", ["raw", "spaceship-titanic.zip"])
@pytest.mark.parametrize("done", range(5))
def test_a_death_after_any_step_loses_nothing_and_the_next_call_finishes(
    site: Site, part: str, done: int, rename: Rename
) -> None:
    source, target = site.data / SPACESHIP / part, site.private / SPACESHIP / part
    whole = content(source)
    moving = steps(source, target, rename)
    list(itertools.islice(moving, done))
    moving.close()
    assert content(target if target.exists() else source) == whole
    separate(SPACESHIP, site)
    assert content(target) == whole
    assert not source.exists()
    assert below(target.parent) == sorted(path for path in below(target.parent) if ".moving" not in path)


def content(path: Path) -> object:
    return texts(path) if path.is_dir() else path.read_bytes()


def test_a_copy_that_a_death_left_half_done_is_made_anew(site: Site) -> None:
    aside = site.private / SPACESHIP / ".raw.moving"
    aside.mkdir(parents=True)
    (aside / "train.csv").write_text("hal")
    for _ in steps(site.data / SPACESHIP / "raw", site.private / SPACESHIP / "raw", other_disk):
        pass
    assert texts(site.private / SPACESHIP / "raw") == cases()[SPACESHIP]["raw"]
    assert not aside.exists()


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path("/tmp").stat().st_dev,
    reason="there are no two file systems here",
)
def test_across_two_file_systems_the_same_lies_there(site: Site, tmp_path: Path) -> None:
    other = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        there = site.model_copy(update={"private": other / "private"})
        separate(SPACESHIP, there)
        assert texts(other / "private" / SPACESHIP / "raw") == cases()[SPACESHIP]["raw"]
        assert pending(SPACESHIP, there) == []
    finally:
        shutil.rmtree(other)


def test_a_link_is_refused_for_it_would_leave_the_answers_where_they_are(site: Site, tmp_path: Path) -> None:
    answers = site.data / SPACESHIP / "prepared/private/test.csv"
    answers.rename(tmp_path / "elsewhere.csv")
    answers.symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(UserError, match="symbolic link"):
        separate(SPACESHIP, site)


def test_a_site_whose_private_directory_is_its_data_directory_is_refused(site: Site) -> None:
    with pytest.raises(UserError, match="--private-dir"):
        separate(SPACESHIP, site.model_copy(update={"private": site.data}))


def test_a_private_directory_inside_the_public_half_is_refused(site: Site) -> None:
    inside = site.public_dir(SPACESHIP) / "private"
    with pytest.raises(UserError, match="lies in what agents are given"):
        separate(SPACESHIP, site.model_copy(update={"private": inside}))
    assert not inside.exists()
