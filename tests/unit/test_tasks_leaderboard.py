"""A user's own leaderboard: read as MLE-bench reads it, and refused in sentences where no medal can be told from it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from grading.medals import Thresholds
from podium.errors import UserError
from podium.settings import Site
from tasks import leaderboard, registry

TEN = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leaderboard.csv"


def test_only_the_scores_and_their_order_count(file: Path) -> None:
    rows = [f"{rank},team {rank},{score},2020-01-01" for rank, score in enumerate(TEN)]
    file.write_text("\n".join(["scoreNullable,teamId,score,submissionDate", *rows]))
    wanted = Thresholds(gold=0.9, silver=0.8, bronze=0.6, median=0.45, lower_is_better=False)
    assert leaderboard.needed(file) == wanted


def test_the_first_and_the_last_score_decide_the_direction(file: Path) -> None:
    file.write_text("score\n" + "\n".join(map(str, reversed(TEN))))
    assert leaderboard.needed(file).lower_is_better


def test_a_gap_keeps_its_place(file: Path) -> None:
    file.write_text("score,name\n3,a\n,b\nNaN,c\n0.5,d\n")
    found = leaderboard.read(file)
    assert [name for _, name in found] == ["a", "b", "c", "d"]
    assert [math.isnan(score) for score, _ in found] == [False, True, True, False]


def test_a_byte_order_mark_windows_ends_and_empty_lines_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfscore\r\n\r\n0.5\r\n\r\n0.25\r\n")
    assert leaderboard.read(file) == [(0.5, ""), (0.25, "")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no column `score`; it has: none"),
        (b"rank,Score\n1,0.5\n", "has no column `score`; it has: rank, Score"),
        (b"score\n", "has no entry"),
        (b"score\n0.5\nDNF\n", "has 'DNF' in line 3, where a score is asked for"),
        (b"score\n1_0\n", "has '1_0' in line 2"),
        (b"score\n\xff\n", "is no UTF-8 text"),
        (b'score\n"0.5\n', "is no CSV: unexpected end of data"),
        (b"score\nnan\n0.5\n0.25\n", "has no score in place 1 of 3, where gold begins"),
        (b"score\n" + b"0.5\n" * 3 + b"inf\n" + b"0.25\n" * 6, "has no score in place 4 of 10, where bronze begins"),
    ],
)
def test_what_is_no_leaderboard_is_refused_with_what_to_do(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError, match="with its score in the column `score`") as refusal:
        leaderboard.needed(file)
    assert said in refusal.value.message
    assert str(file) in refusal.value.message


def test_a_folder_of_that_name_is_refused(file: Path) -> None:
    file.mkdir()
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        leaderboard.read(file)


def test_a_file_without_end_is_not_read_to_its_end(file: Path) -> None:
    with file.open("wb") as huge:
        huge.truncate(leaderboard.MAX_BYTES + 1)
    with pytest.raises(UserError, match="larger than 64 MiB"):
        leaderboard.read(file)


def test_a_users_leaderboard_beside_the_data_replaces_the_catalogues_thresholds(tmp_path: Path) -> None:
    site = Site(data=tmp_path, private=tmp_path)
    task = registry.benchmark("spaceship-titanic")
    before = task.grading(site).thresholds
    assert before == task.row.thresholds
    own = tmp_path / "spaceship-titanic" / "leaderboard.csv"
    own.parent.mkdir()
    own.write_text("score\n" + "\n".join(map(str, reversed(TEN))))
    now = registry.grading_of("spaceship-titanic", site).thresholds
    assert now == Thresholds(gold=0.0, silver=0.1, bronze=0.3, median=0.45, lower_is_better=True)


def test_a_users_broken_leaderboard_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    own = tmp_path / "spaceship-titanic" / "leaderboard.csv"
    own.parent.mkdir()
    own.write_text("team,points\n")
    with pytest.raises(UserError, match="has no column `score`"):
        registry.grading_of("spaceship-titanic", Site(data=tmp_path, private=tmp_path))
