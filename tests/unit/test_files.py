"""Files are whole or absent, and a record that must be written once is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.files import append_line, read_lines, replace_link, write_atomic, write_once


def test_the_first_writer_of_a_record_wins(tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    assert write_once(path, "one")
    assert not write_once(path, "two")
    assert path.read_text() == "one"


def test_nothing_is_left_beside_what_was_written(tmp_path: Path) -> None:
    write_once(tmp_path / "a", "1")
    write_once(tmp_path / "a", "2")
    write_atomic(tmp_path / "b", b"3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_failed_write_leaves_the_old_content_and_no_debris(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "a", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    write_atomic(tmp_path / "state.json", "{}", mode=0o600)
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\n"), min_size=1), max_size=6))
def test_appended_lines_are_read_back_and_a_torn_last_one_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    for line in lines:
        append_line(path, line)
    with path.open("a") as file:
        file.write('{"torn": ')
    assert read_lines(path) == lines


def test_a_link_is_replaced_as_a_whole(tmp_path: Path) -> None:
    replace_link(tmp_path / "code", "attempts/0/code")
    replace_link(tmp_path / "code", "attempts/1/code")
    assert (tmp_path / "code").readlink() == Path("attempts/1/code")
    assert len(list(tmp_path.iterdir())) == 1
