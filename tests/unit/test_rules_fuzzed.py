"""Cases in which mutated submissions were once judged otherwise than MLE-bench judges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.courtroom import Judge


@pytest.mark.parametrize("mask", ["1 99999999999999999999", "1 4 99999999999999999999 1"])
def test_a_run_may_end_or_begin_however_far_behind_the_last_pixel(mask: str, tmp_path: Path) -> None:
    judge = Judge(tmp_path, "hubmap-kidney-segmentation", "id,encoding,width_pixels,height_pixels\na,1 4,2,2\n")
    assert judge.score(f"id,predicted\na,{mask}\n") == 1.0


def test_the_least_number_of_64_bits_is_a_label(tmp_path: Path) -> None:
    judge = Judge(tmp_path, "cassava-leaf-disease-classification", "image_id,label\na,1\nb,2\n")
    assert judge.score("image_id,label\na,1.0\nb,-9223372036854775808.0\n") == 0.5
