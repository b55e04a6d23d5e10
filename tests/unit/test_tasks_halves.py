"""The halves on disk: modes whatever the umask, whole files, and nothing that does not belong there."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.halves import digests, sole_writer, write_half


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_modes_are_right_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    public, private = tmp_path / "d/wine/prepared/public", tmp_path / "p/wine/prepared/private"
    with umask(mask):
        write_half(public, {"train.csv": b"1"}, private=False)
        write_half(private, {"test.csv": b"2"}, private=True)
    assert {mode(public), mode(public.parent), mode(public.parent.parent), mode(tmp_path / "d")} == {0o755}
    assert mode(public / "train.csv") == 0o644
    assert mode(private) == 0o700
    assert mode(private / "test.csv") == 0o600


def test_modes_that_someone_opened_are_closed_again(tmp_path: Path) -> None:
    write_half(tmp_path / "private", {"test.csv": b"2"}, private=True)
    (tmp_path / "private").chmod(0o755)
    (tmp_path / "private/test.csv").chmod(0o644)
    write_half(tmp_path / "private", {"test.csv": b"2"}, private=True)
    assert (mode(tmp_path / "private"), mode(tmp_path / "private/test.csv")) == (0o700, 0o600)


def test_what_a_death_left_behind_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / ".train.csv.0123").write_bytes(b"half")
    (folder / "old").mkdir()
    (folder / "old/answers.csv").write_bytes(b"1")
    write_half(folder, {"train.csv": b"1"}, private=False)
    assert [path.name for path in folder.iterdir()] == ["train.csv"]


def test_a_link_in_a_files_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "train.csv").symlink_to(other)
    write_half(folder, {"train.csv": b"1"}, private=False)
    assert other.read_bytes() == b"mine"
    assert not (folder / "train.csv").is_symlink()


def test_digests_are_those_of_the_bytes(tmp_path: Path) -> None:
    write_half(tmp_path / "public", {"a": b""}, private=False)
    assert digests(tmp_path / "public") == {"a": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    assert digests(tmp_path / "nowhere") == {}


def test_two_writers_take_turns(tmp_path: Path) -> None:
    inside, entered, order = threading.Event(), threading.Event(), []

    def second() -> None:
        inside.wait()
        entered.set()
        with sole_writer(tmp_path / "prepared"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with sole_writer(tmp_path / "prepared"):
        inside.set()
        entered.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
