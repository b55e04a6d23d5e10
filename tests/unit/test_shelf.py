"""The shelf: a file is read once for as long as it stays the same."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grading.shelf import Shelf


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "test.csv"
    path.write_text("id,y\n1,0.5\n2,\n")
    return path


def test_a_file_is_read_once(answers: Path) -> None:
    shelf = Shelf()
    assert shelf.table(answers) is shelf.table(answers)


def test_each_way_of_reading_has_a_table_of_its_own(answers: Path) -> None:
    shelf = Shelf()
    answers.write_text("a,b\n1,x,y\n2,z,w\n")
    assert shelf.table(answers, "pandas")["a"].texts() == ["x", "z"]
    answers.write_text("a,b\n1,x\n2,z\n")
    assert shelf.table(answers, "plain")["a"].values.tolist() == [1, 2]
    assert shelf.table(answers, "pandas")["a"].values.tolist() == [1, 2]


def test_a_file_that_changed_is_read_anew(answers: Path) -> None:
    shelf = Shelf()
    before = shelf.table(answers)
    answers.write_text("id,y\n1,0.25\n")
    assert shelf.table(answers).rows == 1
    assert before.rows == 2


def test_a_file_that_was_put_in_its_place_is_read_anew(answers: Path) -> None:
    shelf = Shelf()
    before, about = shelf.table(answers), answers.stat()
    other = answers.with_name("other.csv")
    other.write_text("id,y\n1,0.5\n3,\n")
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    other.rename(answers)
    assert shelf.table(answers)["id"].values.tolist() == [1, 3]
    assert before["id"].values.tolist() == [1, 2]


def test_who_asks_at_the_same_time_gets_the_same_table(answers: Path) -> None:
    shelf, gate = Shelf(), threading.Barrier(8)

    def ask(_: int) -> int:
        gate.wait(30)
        return id(shelf.table(answers))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.csv" for number in range(3)]
    for file in files:
        file.write_text("id\n" + "1\n" * 50)
    shelf = Shelf(kept_bytes=250)
    first, second = shelf.table(files[0]), shelf.table(files[1])
    assert shelf.table(files[0]) is first
    shelf.table(files[2])
    assert shelf.table(files[0]) is first
    assert shelf.table(files[1]) is not second


def test_a_file_that_is_not_there_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Shelf().table(tmp_path / "none.csv")
