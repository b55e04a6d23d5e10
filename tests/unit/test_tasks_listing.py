"""The public half as agents are told of it: whole where it is small, counted where it is large, bounded always."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.listing import FEW, LINES, LOOKED, listing


def fill(folder: Path, count: int, content: str = "12345") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:05}.txt").write_text(content)


def told(folder: Path) -> list[tuple[str, int]]:
    return [(file.name, file.bytes) for file in listing(folder)]


def test_files_come_first_by_name_then_small_folders_file_by_file(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "deep", 1)
    (tmp_path / "train.csv").write_text("id\n")
    (tmp_path / "description.md").write_text("# It")
    assert told(tmp_path) == [("description.md", 4), ("train.csv", 3), ("a/deep/00000.txt", 5)]


def test_a_larger_folder_is_one_line_with_its_number_of_files_and_their_size(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "one", FEW)
    fill(tmp_path / "train" / "two", 1)
    assert told(tmp_path) == [(f"train/ ({FEW + 1} files)", 5 * (FEW + 1))]


def test_a_folder_of_very_many_files_is_not_looked_at_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for number in range(LOOKED + 1):
        (tmp_path / "train" / str(number)).touch()
    assert told(tmp_path) == [(f"train/ (more than {LOOKED:,} files)", 0)]


def test_very_many_files_at_the_top_are_told_together(tmp_path: Path) -> None:
    fill(tmp_path, LINES + 2)
    lines = told(tmp_path)
    assert len(lines) == LINES + 1
    assert lines[-1] == ("the others (2 files)", 10)


def test_a_folder_may_be_a_link_and_links_that_go_round_end(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", FEW + 1)
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "train").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "public" / "round").symlink_to("round")
    assert told(tmp_path / "public") == [(f"train/ ({FEW + 1} files)", 5 * (FEW + 1))]


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_is_not_told(tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    else:
        (tmp_path / "empty").mkdir()
    assert told(tmp_path) == []
