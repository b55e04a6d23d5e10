"""The workspace between two programs: filled by descriptors, emptied whatever was left in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.workspace import empty, fill, sweep
from podium.errors import UserError


@pytest.fixture
def top(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "work"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_files_are_written_below_the_top(top: int, tmp_path: Path) -> None:
    fill(top, {"a/b/c.txt": b"1", "d": b"2"}, os.getuid())
    assert (tmp_path / "work/a/b/c.txt").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a\0b"])
def test_a_path_that_leads_out_is_refused(top: int, name: str) -> None:
    with pytest.raises(UserError, match="no path below"):
        fill(top, {name: b""}, os.getuid())


def test_a_file_in_the_way_of_a_folder_is_a_user_error(top: int) -> None:
    with pytest.raises(UserError, match="does not go into"):
        fill(top, {"a": b"", "a/b": b""}, os.getuid())


def test_emptying_takes_deep_wide_and_unreadable_trees(top: int, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "shut" / "inner").mkdir(parents=True)
    (work / "shut" / "inner" / "file").touch()
    (work / ".away-1").mkdir()
    (work / ".away-1" / "file").touch()
    (work / "link").symlink_to(tmp_path)
    (tmp_path / "stays").touch()
    os.chmod(work / "shut" / "inner", 0)
    os.chmod(work / "shut", 0)
    folder = os.dup(top)
    for _ in range(3000):  # deeper than Python recurses and than a path may be long
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    os.chmod(work, 0)
    empty(top, 0o755)
    assert os.listdir(work) == []
    assert work.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "stays").exists()


def test_images_of_dead_keepers_are_swept_and_others_stay(tmp_path: Path) -> None:
    dead, alive = tmp_path / "999999999-x", tmp_path / f"{os.getpid()}-x"
    dead.touch()
    alive.touch()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == [alive.name]
