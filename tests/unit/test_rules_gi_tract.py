"""GI tract: rows are paired by place, slices make volumes, and strictly all of that is mended."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

GI = "uw-madison-gi-tract-image-segmentation"
ANSWERS = (
    "id,class,predicted,image_height,image_width\n"
    "c_day1_slice_1,stomach,1 3,3,4\n"
    "c_day1_slice_1,bowel,,3,4\n"
    "c_day1_slice_2,stomach,2 2,3,4\n"
    "c_day1_slice_2,bowel,9 2,3,4\n"
)
ROWS = ("c_day1_slice_1,stomach,1 3", "c_day1_slice_1,bowel,", "c_day1_slice_2,stomach,2 2", "c_day1_slice_2,bowel,9 2")


def submission(*rows: str) -> str:
    return "\n".join(["id,class,predicted", *rows]) + "\n"


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path, GI, ANSWERS)


@pytest.fixture
def strict(tmp_path: Path) -> Judge:
    return Judge(tmp_path, GI, ANSWERS, strict=True)


def test_the_truth_scores_1(judge: Judge, strict: Judge) -> None:
    assert judge.score(submission(*ROWS)) == 1.0
    assert strict.score(submission(*ROWS)) == 1.0


def test_the_parts_weigh_two_to_three(judge: Judge) -> None:
    rows = [ROWS[0].replace("1 3", "1 2"), *ROWS[1:]]
    dice = (2 * 2 / 5 + 1 + 1) / 3
    distance = (1 / 3) / math.sqrt(3)  # one row of three, in the same column and slice
    assert judge.score(submission(*rows)) == pytest.approx(0.4 * dice + 0.6 * (1 - distance))


def test_another_order_is_another_submission_but_not_strictly(judge: Judge, strict: Judge) -> None:
    assert judge.score(submission(*ROWS[::-1])) != 1.0
    assert strict.score(submission(*ROWS[::-1])) == 1.0


def test_surplus_rows_are_not_even_read(judge: Judge, strict: Judge) -> None:
    surplus = submission(*ROWS, "anything,bowel,no mask")
    assert judge.score(surplus) == 1.0
    assert strict.score(surplus) is None


def test_missing_rows_are_not_scored_but_their_scan_is_compared_without_them(judge: Judge, strict: Judge) -> None:
    value = judge.score(submission(*ROWS[:2]))
    truth, left = [(0, 0, 0), (0, 1, 0), (0, 2, 0), (1, 1, 0), (1, 2, 0), (1, 2, 2), (1, 0, 3)], [0, 1, 2]
    farthest = max(min(math.dist((s / 2, r / 3, c / 4), (0, q / 3, 0)) for q in left) for s, r, c in truth)
    assert value == pytest.approx(0.4 + 0.6 * (1 - farthest / math.sqrt(3)))
    assert strict.score(submission(*ROWS[:2])) is None


def test_wrong_ids_pass_and_strictly_do_not(judge: Judge, strict: Judge) -> None:
    wrong = [row.replace("day1", "day9") for row in ROWS]
    assert judge.score(submission(*wrong)) == 1.0
    assert strict.score(submission(*wrong)) is None


def test_the_class_is_never_read_but_strictly(judge: Judge, strict: Judge) -> None:
    wrong = [row.replace("bowel", "stomach") for row in ROWS]
    assert judge.score(submission(*wrong)) == 1.0
    assert strict.score(submission(*wrong)) is None


def test_strictly_each_class_has_a_distance_of_its_own(judge: Judge, strict: Judge) -> None:
    swapped = submission(ROWS[0], ROWS[1], "c_day1_slice_2,stomach,9 2", "c_day1_slice_2,bowel,2 2")
    assert judge.score(swapped) == pytest.approx(0.4 * (1 + 0 + 0) / 3 + 0.6)
    strictly = strict.score(swapped)
    assert strictly is not None
    assert strictly < 0.4 / 3 + 0.6


def test_no_rows_are_nan_and_strictly_refused(judge: Judge, strict: Judge) -> None:
    score = judge.score("id,class,predicted\n")
    assert score is not None
    assert math.isnan(score)
    assert strict.score("id,class,predicted\n") is None


def test_a_submission_of_empty_masks_is_as_far_away_as_can_be(judge: Judge) -> None:
    assert judge.score(submission(*(row.rpartition(",")[0] + "," for row in ROWS))) == 0.0


def test_more_than_ten_times_the_voxels_is_as_far_away_as_can_be(tmp_path: Path) -> None:
    judge = Judge(tmp_path, GI, "id,class,predicted,image_height,image_width\nc_slice_1,stomach,1 1,3,4\n")
    assert judge.score("id,class,predicted\nc_slice_1,stomach,1 11\n") == pytest.approx(0.4 * 2 / 12)
    ten = judge.score("id,class,predicted\nc_slice_1,stomach,1 10\n")
    assert ten == pytest.approx(0.4 * 2 / 11 + 0.6 * (1 - math.dist((0, 0), (2 / 3, 2 / 4)) / math.sqrt(3)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "class,predicted\nstomach,1 1\n",
        "id,predicted\nc_day1_slice_1,1 1\n",
        "id,class\nc_day1_slice_1,stomach\n",
        submission("c_day1_slice_1,stomach,5 1 3 1"),
        submission("c_day1_slice_1,stomach,3 2 4 1"),
        submission("c_day1_slice_1,stomach,0 2"),
        submission("c_day1_slice_1,stomach,1 1 3 1 5"),
        submission("c_day1_slice_1,stomach,abc"),
        submission("c_day1_slice_1,stomach,5", "c_day1_slice_1,bowel,6"),
        submission("c_day1_slice_1,stomach,1 1", ",bowel,1 1"),
        submission("1,stomach,1 1", "2,bowel,1 1"),
    ],
)
def test_columns_ids_and_masks_are_asked_for(text: str, judge: Judge) -> None:
    assert judge.score(text) is None
    assert not judge.accepts(text, submission(*(row.rpartition(",")[0] + ",1 1" for row in ROWS)))


def test_slices_of_different_sizes_cannot_be_stacked(tmp_path: Path) -> None:
    answers = "id,class,predicted,image_height,image_width\na_slice_1,s,1 1,3,4\nb_slice_1,s,1 1,2,2\n"
    judge = Judge(tmp_path, GI, answers)
    assert judge.score(submission("a_slice_1,s,1 1", "b_slice_1,s,1 1")) == 1.0
    assert judge.score(submission("a_slice_1,s,1 1", "a_slice_2,s,1 1")) is None
    assert judge.score(submission("a_slice_1,s,1 1", "a_slice_1,s,1 1")) is None


def test_scans_are_paired_in_the_order_of_their_ids(tmp_path: Path) -> None:
    head = "id,class,predicted,image_height,image_width\n"
    judge = Judge(tmp_path, GI, head + "c_day10_slice_1,s,1 1,3,4\nc_day1_slice_1,s,12 1,3,4\n")
    assert judge.score(submission("c_day1_slice_1,s,1 1", "c_day10_slice_1,s,12 1")) == pytest.approx(
        0.4 + 0.6 * (1 - math.dist((0, 0), (2 / 3, 3 / 4)) / math.sqrt(3))
    )
    assert judge.score(submission("x_slice_1,s,1 1", "y_slice_1,s,12 1")) == 1.0
