"""Lung function and coupling constants: which rows are scored, and what the two competitions accept."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

LUNG = "osic-pulmonary-fibrosis-progression"
COUPLING = "champs-scalar-coupling"

VISITS = (
    "Patient_Week,FVC,Confidence,Patient\n"
    "P_-2,2000,100,P\nP_10,2100,100,P\nP_9,2200,100,P\nP_0,2300,100,P\nP_99,,100,P\n"
    "Q_1_7,1000,100,Q_1\n"
)
SCORED = ("P_10", "P_9", "P_0", "Q_1_7")
"""The last three known visits of each patient: week 99 is not known, and week 10 comes after week 9."""
TRUE = dict(zip(SCORED, (2100, 2200, 2300, 1000), strict=True))
SAMPLE = "Patient_Week,FVC,Confidence\n" + "".join(f"{line.split(',')[0]},2000,100\n" for line in VISITS.split()[1:])


def lung(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, LUNG, VISITS, strict=strict)


def visits(*rows: str) -> str:
    return "\n".join(["Patient_Week,FVC,Confidence", *rows]) + "\n"


def value(error: float, spread: float) -> float:
    return -math.sqrt(2) * min(error, 1000) / max(spread, 70) - math.log(math.sqrt(2) * max(spread, 70))


def test_the_last_three_known_visits_of_each_patient_are_scored(tmp_path: Path) -> None:
    expected = sum(value(abs(2000 - TRUE[id]), 100) for id in SCORED) / 4
    assert lung(tmp_path).score(SAMPLE) == pytest.approx(expected)
    lines = SAMPLE.splitlines()
    assert lung(tmp_path).score("\n".join([lines[0], *lines[:0:-1]]) + "\n") == pytest.approx(expected)
    assert lung(tmp_path, strict=True).score(SAMPLE) == pytest.approx(expected)
    assert lung(tmp_path).score(SAMPLE.replace("P_-2,2000", "P_-2,9999")) == pytest.approx(expected)


def test_rows_may_be_left_out_but_not_strictly(tmp_path: Path) -> None:
    assert lung(tmp_path).score(visits("P_9,2200,70")) == pytest.approx(value(0, 70))
    assert lung(tmp_path, strict=True).score(visits("P_9,2200,70")) is None


def test_without_a_scored_row_the_score_is_nan(tmp_path: Path) -> None:
    score = lung(tmp_path).score(visits("P_-2,2000,70", "P_99,1,1"))
    assert score is not None
    assert math.isnan(score)


def test_a_gap_in_the_spread_counts_as_70_and_one_in_the_value_is_nan(tmp_path: Path) -> None:
    assert lung(tmp_path).score(visits("P_9,2200,")) == pytest.approx(value(0, 70))
    assert lung(tmp_path).score(visits("P_9,2200,-inf", "P_0,inf,200")) == pytest.approx(
        (value(0, 70) + value(1000, 200)) / 2
    )
    assert lung(tmp_path).score(visits("P_9,2200,inf")) == -math.inf
    score = lung(tmp_path).score(visits("P_9,,70", "P_0,1,1"))
    assert score is not None
    assert math.isnan(score)
    assert lung(tmp_path).score(visits("P_9,2200,70", "P_-2,,70")) == pytest.approx(value(0, 70))


def test_a_scored_row_is_repeated_only_if_it_is_the_only_one(tmp_path: Path) -> None:
    alone = visits("P_9,2200,70", "P_9,2300,70", "P_-2,1,1", "P_-2,1,1")
    assert lung(tmp_path).score(alone) == pytest.approx((value(0, 70) + value(100, 70)) / 2)
    twice = visits("P_9,2200,70", "P_9,2300,70", "P_0,1,1")
    assert lung(tmp_path).score(twice) is None
    assert lung(tmp_path).accepts(twice, SAMPLE)  # which rows are scored only the answers tell


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Patient_Week,FVC,Confidence\n",
        SAMPLE.replace("Patient_Week", "id"),
        SAMPLE.replace("FVC", "fvc"),
        SAMPLE.replace("Confidence", "confidence"),
        visits("P_9,2200,70", "P_8,2200,70"),
        visits("P_9,2200,70", ",2200,70"),
        visits("9,2200,70"),
        visits("P_9,abc,70"),
        visits("P_9,2200,abc"),
    ],
)
def test_known_visits_and_numbers_are_asked_for(text: str, tmp_path: Path) -> None:
    assert lung(tmp_path).score(text) is None
    assert not lung(tmp_path).accepts(text, SAMPLE)


COUPLINGS = "id,type,scalar_coupling_constant\n1,JHC,10\n2,JHC,20\n3,JHH,5\n4,,7\n"
GUESS = "id,scalar_coupling_constant\n"


def coupling(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, COUPLING, COUPLINGS, strict=strict)


def test_errors_are_averaged_by_type_and_rows_without_a_type_left_out(tmp_path: Path) -> None:
    text = GUESS + "4,1000\n3,5.5\n2,22\n1,9\n"
    assert coupling(tmp_path).score(text) == pytest.approx((math.log(1.5) + math.log(0.5)) / 2)
    assert coupling(tmp_path, strict=True).score(text) == pytest.approx((math.log(1.5) + math.log(0.5)) / 2)


def test_a_perfect_type_is_minus_infinity_but_not_strictly(tmp_path: Path) -> None:
    text = GUESS + "1,9\n2,22\n3,5\n4,0\n"
    assert coupling(tmp_path).score(text) == -math.inf
    assert coupling(tmp_path, strict=True).score(text) == pytest.approx((math.log(1.5) + math.log(1e-9)) / 2)


def test_a_repeated_row_counts_twice_and_is_refused_strictly(tmp_path: Path) -> None:
    text = GUESS + "1,9\n2,22\n3,5.5\n4,0\n1,9\n1.0,10\n"
    assert coupling(tmp_path).score(text) == pytest.approx((math.log((1 + 2 + 1 + 0) / 4) + math.log(0.5)) / 2)
    assert coupling(tmp_path, strict=True).score(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        GUESS,
        "id\n1\n2\n3\n4\n",
        "scalar_coupling_constant\n1\n2\n3\n4\n",
        GUESS + "1,9\n2,22\n3,5\n",
        GUESS + "1,9\n2,22\n3,5\n5,0\n",
        GUESS + "1,9\n2,22\n3,5\n4,0\n5,0\n",
        GUESS + "1,9\n2,22\n3,5\n4,0\n,0\n",
        GUESS + "1,9\n2,22\n3,5\n4,\n",
        GUESS + "1,9\n2,22\n3,5\n4,inf\n",
        GUESS + "1,9\n2,22\n3,5\n4,abc\n",
        GUESS + "a,9\nb,22\nc,5\nd,1\n",
    ],
)
def test_finite_numbers_of_the_same_set_of_ids_are_asked_for(text: str, tmp_path: Path) -> None:
    assert coupling(tmp_path).score(text) is None
    assert not coupling(tmp_path).accepts(text, GUESS + "1,0\n2,0\n3,0\n4,0\n")
