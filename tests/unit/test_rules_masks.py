"""Masks as run lengths: what each competition accepts, and what a cell means."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

CONTRAILS = "google-research-identify-contrails-reduce-global-warming"
KIDNEY = "hubmap-kidney-segmentation"
SALT = "tgs-salt-identification-challenge"
INK = "vesuvius-challenge-ink-detection"

FAULTS = {
    "descending starts": "5 1 3 1",
    "a start of 0": "0 2",
    "a length of 0": "3 0",
    "a negative length": "3 -1",
    "a pixel twice": "3 4 5 1",
    "the same start twice": "3 1 3 1",
    "five numbers": "1 1 3 1 5",
    "a fraction": "1.0 2",
    "a word": "abc 1",
    "a lone 0": "0",
    "a hyphen among numbers": "- 1",
}


def kidney(folder: Path, *, strict: bool = False) -> Judge:
    answers = "id,encoding,width_pixels,height_pixels\na,1 4,3,4\nb,2 2 9 4,3,4\n"
    return Judge(folder, KIDNEY, answers, strict=strict)


def contrails(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(
        folder, CONTRAILS, "record_id,encoded_pixels,height,width\n7,1 4,3,4\n8,-,3,4\n9,2 2,3,4\n", strict=strict
    )


def salt(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, SALT, "id,rle_mask\na,1 6000\nb,\nc,1 100\n", strict=strict)


def ink(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, INK, "Id,Predicted,width,height\na,1 4,3,4\nb,2 2 9 4,3,4\n", strict=strict)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_mask_has_no_score(fault: str, tmp_path: Path) -> None:
    cell = FAULTS[fault]
    assert kidney(tmp_path).score(f"id,predicted\na,{cell}\nb,1 1\n") is None
    assert contrails(tmp_path).score(f"record_id,encoded_pixels\n7,{cell}\n8,-\n9,-\n") is None
    assert salt(tmp_path).score(f"id,rle_mask\na,{cell}\nb,1 1\nc,\n") is None
    assert ink(tmp_path).score(f"Id,Predicted\na,{cell}\nb,1 1\n") is None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_malformed_mask_is_seen_without_the_answers(fault: str, tmp_path: Path) -> None:
    cell = FAULTS[fault]
    assert not kidney(tmp_path).accepts(f"id,predicted\na,{cell}\nb,1 1\n", "id,predicted\na,\nb,\n")
    sample = "record_id,encoded_pixels\n7,-\n8,-\n9,-\n"
    assert not contrails(tmp_path).accepts(sample.replace("7,-", f"7,{cell}"), sample)
    assert not salt(tmp_path).accepts(f"id,rle_mask\na,{cell}\nb,\nc,\n", "id,rle_mask\na,1 1\nb,1 1\nc,1 1\n")
    assert not ink(tmp_path).accepts(f"Id,Predicted\na,{cell}\nb,1 1\n", "Id,Predicted\na,1 1\nb,1 1\n")


@pytest.mark.parametrize(
    ("cell", "same"),
    [
        ("1 1000000000000000", "1 12"),
        ("3 9223372036854775807", "3 10"),
        ("1 2 13 5", "1 2"),
        ("1 2 9223372036854775807 9223372036854775807", "1 2"),
        ("1 20 15 5", "1 12"),  # both lie behind the last pixel where they overlap
        ("1 2 3 4", "1 6"),
        ("1 2 5", "1 2 5 2"),
        ("  1   6 ", "1 6"),
        ("+1 1_0", "1 10"),
    ],
)
def test_two_ways_to_write_a_mask_score_the_same(cell: str, same: str, tmp_path: Path) -> None:
    judge = kidney(tmp_path)
    assert judge.score(f"id,predicted\na,{cell}\nb,1 1\n") == judge.score(f"id,predicted\na,{same}\nb,1 1\n")


@pytest.mark.parametrize("empty", ["", " ", "5", "NA"])
def test_an_empty_mask_is_an_empty_cell_or_a_lone_start(empty: str, tmp_path: Path) -> None:
    assert kidney(tmp_path).score(f"id,predicted\na,1 4\nb,{empty}\n") == 0.5


def test_masks_that_are_empty_on_both_sides_score_1(tmp_path: Path) -> None:
    judge = Judge(tmp_path, KIDNEY, "id,encoding,width_pixels,height_pixels\na, ,3,4\nb,1 1,3,4\n")
    assert judge.score("id,predicted\nb,1 1\na,\n") == 1.0
    assert judge.score("id,predicted\nb,\na,\n") == 0.5


def test_a_column_of_gaps_alone_holds_empty_masks(tmp_path: Path) -> None:
    assert kidney(tmp_path).score("id,predicted\na,\nb,\n") == 0.0
    assert salt(tmp_path).score("id,rle_mask\na,\nb,\nc,\n") is not None


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,predicted\n",
        "predicted\n1 4\n1 1\n",
        "id,Predicted\na,1 4\nb,1 1\n",
        "id,predicted\na,1 4\n",
        "id,predicted\na,1 4\nb,1 1\nb,1 1\n",
        "id,predicted\na,1 4\na,1 1\n",
        "id,predicted\na,1 4\nc,1 1\n",
        "id,predicted\na,1 4\n,1 1\n",
        "id,predicted\na,1\nb,2\n",
        "id,predicted\na,1\nb,\n",
        "id,predicted\na,True\nb,\n",
        "id,predicted\na,-\nb,1 1\n",
    ],
)
def test_dice_asks_for_columns_ids_and_text(submission: str, tmp_path: Path) -> None:
    assert kidney(tmp_path).score(submission) is None
    assert not kidney(tmp_path).accepts(submission, "id,predicted\na,\nb,\n")


def test_other_columns_and_the_order_of_rows_do_no_harm(tmp_path: Path) -> None:
    gold = kidney(tmp_path).score("note,predicted,id\nx,2 2 9 4,b\ny,1 4,a\n")
    assert gold == 1.0


def test_the_hyphen_is_the_empty_mask_of_contrails_and_a_gap_is_none(tmp_path: Path) -> None:
    judge = contrails(tmp_path)
    assert judge.score("record_id,encoded_pixels\n9,2 2\n7,1 4\n8,-\n") == 1.0
    assert judge.score("record_id,encoded_pixels\n9,2 2\n7,1 4\n8, \n") == 1.0
    assert judge.score("record_id,encoded_pixels\n9,2 2\n7,1 4\n8,\n") is None
    assert judge.score("record_id,encoded_pixels\n9,2\n7,1\n8,3\n") is None
    assert judge.score("record_id,encoded_pixels\n7,1 2\n8,1 1\n9,-\n") == pytest.approx(2 * 2 / (6 + 3))


def test_contrails_without_a_pixel_are_nan_and_refused_strictly(tmp_path: Path) -> None:
    answers, submission = "record_id,encoded_pixels,height,width\n7,-,3,4\n", "record_id,encoded_pixels\n7,-\n"
    score = Judge(tmp_path, CONTRAILS, answers).score(submission)
    assert score is not None
    assert math.isnan(score)
    assert Judge(tmp_path, CONTRAILS, answers, strict=True).score(submission) is None


@pytest.mark.parametrize("answers", ["7,1 4,3,4\n8,-,4,3\n", "7,1 4,3,4\n8,,3,4\n", "7,4 1 1 1,3,4\n8,-,3,4\n"])
def test_faulty_answers_have_no_score(answers: str, tmp_path: Path) -> None:
    judge = Judge(tmp_path, CONTRAILS, f"record_id,encoded_pixels,height,width\n{answers}")
    assert judge.score("record_id,encoded_pixels\n7,1 4\n8,-\n") is None


def test_an_empty_guess_counts_as_the_whole_image_where_there_is_salt(tmp_path: Path) -> None:
    submission = "id,rle_mask\nc,1 100\na,\nb,\n"
    assert salt(tmp_path).score(submission) == pytest.approx((0.2 + 1 + 1) / 3)  # 6000 of 10201 are above 0.55
    assert salt(tmp_path, strict=True).score(submission) == pytest.approx(2 / 3)


def test_an_empty_guess_is_right_and_any_other_is_wrong_where_there_is_no_salt(tmp_path: Path) -> None:
    assert salt(tmp_path).score("id,rle_mask\na,1 6000\nb,1 1\nc,1 100\n") == pytest.approx(2 / 3)


@pytest.mark.parametrize("pixels", [60, 75])
def test_a_threshold_that_is_just_met_does_not_count(pixels: int, tmp_path: Path) -> None:
    judge = Judge(tmp_path, SALT, "id,rle_mask\na,1 100\n")
    assert judge.score(f"id,rle_mask\na,1 {pixels}\n") == pytest.approx((pixels - 50) // 5 / 10)
    assert judge.score(f"id,rle_mask\na,1 {pixels + 1}\n") == pytest.approx(((pixels - 50) // 5 + 1) / 10)


@pytest.mark.parametrize(
    "submission",
    [
        "id,rle_mask,note\na,1 1,x\nb,,x\nc,,x\n",
        "id\na\nb\nc\n",
        "id,rle_mask\na,1 1\nb,\n",
        "id,rle_mask\na,1 1\nb,\nd,\n",
        "id,rle_mask\na,1 1\nb,\n,\n",
        "id,rle_mask\na,1\nb,\nc,2\n",
        "id,rle_mask\n1,1 1\n2,\n3,\n",
    ],
)
def test_salt_asks_for_two_columns_of_text(submission: str, tmp_path: Path) -> None:
    assert salt(tmp_path).score(submission) is None
    assert not salt(tmp_path).accepts(submission, "id,rle_mask\na,1 1\nb,1 1\nc,1 1\n")


def test_ids_of_digits_are_no_text_even_where_the_answers_have_them(tmp_path: Path) -> None:
    assert Judge(tmp_path, SALT, "id,rle_mask\n1,1 1\n").score("id,rle_mask\n1,1 1\n") is None


def test_ink_is_read_in_the_answers_order_and_strictly_in_any(tmp_path: Path) -> None:
    forward, backward = "Id,Predicted\na,1 4\nb,2 2\n", "Id,Predicted\nb,2 2\na,1 4\n"
    value = (1 + 1.25 * 2 / (0.25 * 6 + 2)) / 2
    assert ink(tmp_path).score(forward) == pytest.approx(value)
    assert ink(tmp_path).score(backward) is None
    assert ink(tmp_path, strict=True).score(backward) == pytest.approx(value)


def test_a_blank_is_an_empty_mask_of_ink_and_scores_nothing(tmp_path: Path) -> None:
    assert ink(tmp_path).score("Id,Predicted\na,1 4\nb, \n") == 0.5


@pytest.mark.parametrize(
    "submission",
    [
        "Id,Predicted\na,1 4\n",
        "Id,Predicted,note\na,1 4,x\nb,1 1,x\n",
        "Id,predicted\na,1 4\nb,1 1\n",
        "Id\na\nb\n",
        "Id,Predicted\na,1 4\nc,1 1\n",
        "Id,Predicted\na,1 4\n,1 1\n",
        "Id,Predicted\na,1 4\nb,\n",
        "Id,Predicted\na,1\nb,2\n",
    ],
)
def test_ink_asks_for_two_columns_and_the_same_ids(submission: str, tmp_path: Path) -> None:
    assert ink(tmp_path).score(submission) is None
    assert not ink(tmp_path).accepts(submission, "Id,Predicted\na,1 1\nb,1 1\n")


@pytest.mark.parametrize("cell", ["5", "1 2 5"])
def test_an_odd_count_is_refused_strictly(cell: str, tmp_path: Path) -> None:
    assert kidney(tmp_path).score(f"id,predicted\na,{cell}\nb,1 1\n") is not None
    assert kidney(tmp_path, strict=True).score(f"id,predicted\na,{cell}\nb,1 1\n") is None
    assert ink(tmp_path, strict=True).score(f"Id,Predicted\na,{cell}\nb,1 1\n") is None
    assert salt(tmp_path, strict=True).score(f"id,rle_mask\na,{cell}\nb,\nc,\n") is None


@pytest.mark.parametrize(
    "submission", ["id,predicted,note\na,1 4,x\nb,1 1,x\n", "id,predicted\na,1 4\na,1 1\n", "id,predicted\na,1 4\n"]
)
def test_strictly_columns_and_ids_are_those_asked_for(submission: str, tmp_path: Path) -> None:
    assert kidney(tmp_path, strict=True).score(submission) is None


def test_strictly_a_gap_is_still_an_empty_mask(tmp_path: Path) -> None:
    assert kidney(tmp_path, strict=True).score("id,predicted\nb,\na,1 4\n") == 0.5


def test_without_the_sizes_any_overlap_is_refused(tmp_path: Path) -> None:
    submission = "id,predicted\na,1 20 15 5\nb,1 1\n"
    assert kidney(tmp_path).score(submission) is not None
    assert not kidney(tmp_path).accepts(submission, "id,predicted\na,\nb,\n")
