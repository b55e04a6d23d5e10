"""Cases in which mutated submissions were once judged otherwise than MLE-bench judges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.courtroom import Judge


@pytest.mark.parametrize("mask", ["1 99999999999999999999", "1 4 99999999999999999999 1"])
def test_a_run_may_end_or_begin_however_far_behind_the_last_pixel(mask: str, tmp_path: Path) -> None:
    judge = Judge(tmp_path, "hubmap-kidney-segmentation", "id,encoding,width_pixels,height_pixels\na,1 4,2,2\n")
    assert judge.score(f"id,predicted\na,{mask}\n") == 1.0


def test_the_starts_of_runs_ascend_however_large_they_are(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "hubmap-kidney-segmentation", "id,encoding,width_pixels,height_pixels\na,1 4,2,2\n")
    assert judge.score("id,predicted\na,99999999999999999999 1 88888888888888888888 1\n") is None


@pytest.mark.parametrize("label", ["-9223372036854775808.0", "7.0"])
def test_the_least_number_of_64_bits_is_a_label_like_any_other(label: str, tmp_path: Path) -> None:
    judge = Judge(tmp_path, "cassava-leaf-disease-classification", "image_id,label\na,1\nb,2\n")
    assert judge.score(f"image_id,label\na,1.0\nb,{label}\n") == 0.5


def test_the_least_number_of_64_bits_is_a_class_of_the_macro_f1(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "herbarium-2022-fgvc9", "Id,Predicted\na,1\nb,2\n")
    assert judge.score("Id,Predicted\na,1.0\nb,-9223372036854775808.0\n") == 0.33333333333333331


@pytest.mark.parametrize("score", ["1_000", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_score_of_a_label_is_a_number_to_pandas_not_to_python(score: str, tmp_path: Path) -> None:
    judge = Judge(tmp_path, "freesound-audio-tagging-2019", "fname,Accordion,Bark\na,1,0\nb,0,1\n")
    assert judge.score(f"fname,Accordion,Bark\na,0.9,0.1\nb,0.2,{score}\n") is None
