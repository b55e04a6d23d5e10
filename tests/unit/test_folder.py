"""A user's own folder as workspace: nothing is written through a link."""

from __future__ import annotations

import os
from pathlib import Path

from containers.folder import read_folder, write_folder


def test_files_go_in_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    assert read_folder(folder) == {}
    assert write_folder(folder, {"a/b": b"1"}) == []
    assert read_folder(folder) == {"a/b": b"1"}


def test_a_link_to_a_folder_is_not_written_through(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    folder.mkdir()
    (folder / "out").symlink_to(outside)
    (refused,) = write_folder(folder, {"out/x": b"1"})
    assert refused.path == "out/x"
    assert os.listdir(outside) == []


def test_a_link_to_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, folder = tmp_path / "target", tmp_path / "work"
    target.write_text("mine")
    folder.mkdir()
    (folder / "x").symlink_to(target)
    assert write_folder(folder, {"x": b"theirs"}) == []
    assert target.read_text() == "mine"
    assert (folder / "x").read_bytes() == b"theirs"


def test_links_in_the_users_folder_are_not_copied_in(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "x").symlink_to(tmp_path / "secret")
    assert read_folder(folder) == {}
