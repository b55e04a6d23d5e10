"""Copying out of a hostile folder: bytes of regular files, nothing else, within bounds."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from containers.collect import Bounds, Collected, collect, matches

BOUNDS = Bounds(total_bytes=1000, file_bytes=500, files=10)


def taken(folder: Path, patterns: Sequence[str] = ("**",), bounds: Bounds = BOUNDS) -> Collected:
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return collect(top, patterns, bounds)
    finally:
        os.close(top)


def reasons(found: Collected) -> dict[str, str]:
    return {dropped.path: dropped.reason for dropped in found.dropped}


def test_regular_files_come_out_by_their_relative_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.csv").write_bytes(b"1,2")
    found = taken(tmp_path)
    assert found.files == {"a/b.csv": b"1,2"}
    assert not found.dropped


def test_links_fifos_and_sockets_are_named_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("answer")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    (folder / "dir").symlink_to(tmp_path)
    os.link(secret, folder / "hard")
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        found = taken(folder)
    assert found.files == {}
    assert set(reasons(found)) == {"link", "dir", "hard", "fifo", "socket"}
    assert reasons(found)["link"] == "a symbolic link"
    assert reasons(found)["hard"] == "has other hard links"


def test_a_file_over_the_bound_is_left_however_sparse(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert "too big" in reasons(taken(tmp_path))["sparse"]


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 400)
    found = taken(tmp_path)
    assert sorted(found.files) == ["a", "b"]
    assert "c" in reasons(found)


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}").touch()
    assert len(taken(tmp_path).files) == BOUNDS.files


def test_names_that_are_no_text_are_left(tmp_path: Path) -> None:
    for name in (b"\xff", b"new\nline", b"\x1b[2J"):
        (tmp_path / os.fsdecode(name)).touch()
    found = taken(tmp_path)
    assert found.files == {}
    assert len(found.dropped) == 3
    assert all(dropped.path.isascii() and dropped.path.isprintable() for dropped in found.dropped)


def test_only_what_a_pattern_asks_for_is_taken(tmp_path: Path) -> None:
    for name in ("submission.csv", "model.bin"):
        (tmp_path / name).touch()
    found = taken(tmp_path, ("*.csv",))
    assert sorted(found.files) == ["submission.csv"]
    assert not found.dropped


def test_two_stars_match_every_depth() -> None:
    assert matches("a/b/c", ("**",))
    assert matches("submission/x.csv", ("submission/*",))
    assert not matches("other/x.csv", ("submission/*",))
