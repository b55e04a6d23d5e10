"""Boxes in space: what the competition accepts, and which boxes it looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

LYFT = "3d-object-detection-for-autonomous-vehicles"
CAR = "0.9 2742.15 673.16 -18.65 1.834 4.609 1.648 2.6198 car"
BUS = "0.8 2728.96 657.83 -18.55 1.728 4.2 1.6 -0.54 bus"
SAMPLE = "Id,PredictionString\nt1,\nt2,\n"


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path, LYFT, f"Id,PredictionString\nt1,{CAR} {BUS}\nt2,{BUS}\n")


@pytest.fixture
def strict(tmp_path: Path) -> Judge:
    return Judge(tmp_path, LYFT, f"Id,PredictionString\nt1,{CAR} {BUS}\nt2,{BUS}\n", strict=True)


def submission(first: str, second: str = BUS) -> str:
    return f"Id,PredictionString\nt2,{second}\nt1,{first}\n"


def test_classes_are_averaged_in_a_sample_and_samples_in_all(judge: Judge, strict: Judge) -> None:
    for each in (judge, strict):
        assert each.score(submission(f"{CAR} {BUS}")) == pytest.approx(1.0)
        assert each.score(submission(CAR)) == pytest.approx(0.75)
        assert each.score(submission("", BUS)) == pytest.approx(0.5)
        assert each.score(submission("", " ")) == 0.0


def test_a_wrong_box_of_higher_confidence_halves_the_precision(judge: Judge) -> None:
    wrong = CAR.replace("2742.15", "2700.15").replace("0.9 ", "0.95 ")
    assert judge.score(submission(f"{CAR} {wrong} {BUS}")) == pytest.approx((0.75 + 1) / 2)


def test_a_second_box_on_the_same_car_is_wrong(judge: Judge) -> None:
    assert judge.score(submission(f"{CAR} {CAR} {BUS}")) == pytest.approx(1.0)
    nearly = CAR.replace("0.9 ", "0.95 ").replace("1.648", "1.2")  # takes the car up to an IoU of 0.728
    expected = (5 * 1.0 + 5 * 0.5 + 10 * 1.0) / 20
    assert judge.score(submission(f"{CAR} {nearly} {BUS}")) == pytest.approx((expected + 1) / 2)


@pytest.mark.parametrize("cell", [f"{CAR} ", f" {CAR}", CAR.replace(" car", ""), f"{CAR}  {BUS}", "car", "1"])
def test_nine_tokens_a_box_are_asked_for(cell: str, judge: Judge) -> None:
    assert judge.score(submission(cell)) is None
    assert not judge.accepts(submission(cell), SAMPLE)


@pytest.mark.parametrize("place", range(8))
def test_a_word_for_a_number_has_no_score_whatever_the_class(place: int, judge: Judge) -> None:
    tokens = CAR.replace("car", "ghost").split(" ")
    tokens[place] = "x"
    assert judge.score(submission(" ".join(tokens))) is None
    assert not judge.accepts(submission(" ".join(tokens)), SAMPLE)


@pytest.mark.parametrize(
    ("place", "value"), [(4, "0"), (5, "-1"), (6, "nan"), (4, "inf"), (1, "nan"), (7, "nan"), (1, "1e12")]
)
def test_a_box_is_solid_if_its_sample_has_its_class(place: int, value: str, judge: Judge) -> None:
    tokens = CAR.split(" ")
    tokens[place] = value
    assert judge.score(submission(" ".join(tokens))) is None
    assert judge.accepts(submission(" ".join(tokens)), SAMPLE)  # only the answers tell which classes a sample has
    assert judge.score(submission(CAR, " ".join(tokens) + " " + BUS)) == pytest.approx(0.75)


def test_a_confidence_may_be_none_but_not_strictly(judge: Judge, strict: Judge) -> None:
    text = submission(CAR.replace("0.9 ", "nan "))
    assert judge.score(text) == pytest.approx(0.75)
    assert strict.score(text) is None


def test_every_box_missing_is_a_score_of_0(judge: Judge) -> None:
    assert judge.score(SAMPLE) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Id\nt1\nt2\n",
        "PredictionString\n \n \n",
        "Id,PredictionString\nt1,\n",
        "Id,PredictionString\nt1,\nt1,\n",
        "Id,PredictionString\nt1,\n,\n",
        "Id,PredictionString\nt1,\nt3,\n",
        "Id,PredictionString\n1,\n2,\n",
        "Id,PredictionString\nt1,1\nt2,2\n",
    ],
)
def test_columns_and_ids_are_asked_for(text: str, judge: Judge) -> None:
    assert judge.score(text) is None
    assert not judge.accepts(text, SAMPLE)


def test_ids_of_digits_have_no_score_even_where_the_answers_have_them(tmp_path: Path) -> None:
    judge = Judge(tmp_path, LYFT, f"Id,PredictionString\n1,{CAR}\n")
    assert judge.score(f"Id,PredictionString\n1,{CAR}\n") is None
