"""Weighed areas under ROC curves: what the two competitions accept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grading.metrics.curves import weighted_roc_auc
from tests.unit.courtroom import Judge

ALASKA = "alaska2-image-steganalysis"
JIGSAW = "jigsaw-unintended-bias-in-toxicity-classification"
GROUPS = "male,female,homosexual_gay_or_lesbian,christian,jewish,muslim,black,white,psychiatric_or_mental_illness"

LABELS = {"a": 1, "b": 0, "c": 1, "d": 0}
SAMPLE = "Id,Label\na,0\nb,0\nc,0\nd,0\n"


@pytest.fixture
def alaska(tmp_path: Path) -> Judge:
    return Judge(tmp_path, ALASKA, "Id,Label\n" + "".join(f"{id},{label}\n" for id, label in LABELS.items()))


def labels(*cells: object) -> str:
    return "Id,Label\n" + "".join(f"{id},{cell}\n" for id, cell in zip(LABELS, cells, strict=True))


@pytest.mark.parametrize("scores", [(0.9, 0.2, 0.7, 0.1), (0.3, 0.3, 0.3, 0.3), (-5, 1e9, 3, 0), (1, 0, 0, 1)])
def test_scores_may_be_any_numbers(scores: tuple[float, ...], alaska: Judge) -> None:
    expected = weighted_roc_auc(np.array(list(LABELS.values()), dtype=float), np.array(scores, dtype=float))
    assert alaska.score(labels(*scores)) == pytest.approx(expected)
    lines = labels(*scores).splitlines()
    assert alaska.score("\n".join([lines[0] + ",note", *(line + ",x" for line in lines[:0:-1])]) + "\n") == expected


@pytest.mark.parametrize("cells", [("True", "False", "True", "False"), (99999999999999999999, 0, 1, 0)])
def test_truth_values_and_huge_numbers_are_numbers(cells: tuple[object, ...], alaska: Judge) -> None:
    assert alaska.score(labels(*cells)) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Id,Label\n",
        "Id\na\nb\nc\nd\n",
        "Label\n1\n1\n1\n1\n",
        labels(1, 0, 1, 0).replace("d,0\n", ""),
        labels(1, 0, 1, 0) + "d,0\n",
        labels(1, 0, 1, 0).replace("d,", "a,"),
        labels(1, 0, 1, 0).replace("d,", "e,"),
        labels(1, 0, 1, 0).replace("d,", ","),
        labels(1, 0, 1, "abc"),
        labels(1, 0, 1, ""),
        labels("", "", "", ""),
        labels(1, 0, 1, "inf"),
        labels(True, False, True, ""),
    ],
)
def test_finite_labels_of_the_ids_are_asked_for(text: str, alaska: Judge) -> None:
    assert alaska.score(text) is None
    assert not alaska.accepts(text, SAMPLE)


def test_labels_are_positive_only_if_1(tmp_path: Path) -> None:
    judge = Judge(tmp_path, ALASKA, "Id,Label\na,2\nb,0\nc,1\nd,0\n")
    assert judge.score(labels(0.9, 0.1, 0.95, 0.2)) == 1.0
    assert Judge(tmp_path, ALASKA, "Id,Label\na,2\nb,0\nc,0\nd,0\n").score(labels(1, 2, 3, 4)) == 0.0


PERSONS = [(toxic, member) for toxic in (0.9, 0.1, 0.5, 0.4) for member in (0.8, 0.0, 0.5, 0.4)]
"""Truth and share of every group."""
TOXICITY = f"id,toxicity,{GROUPS}\n" + "".join(
    f"{k},{toxic},{','.join([str(member)] * 9)}\n" for k, (toxic, member) in enumerate(PERSONS)
)
GOLD = [str(toxic) for toxic, _ in PERSONS]


def said(cells: list[str], name: str = "prediction") -> str:
    return f"id,{name}\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(cells))


@pytest.fixture
def jigsaw(tmp_path: Path) -> Judge:
    return Judge(tmp_path, JIGSAW, TOXICITY)


@pytest.fixture
def strict(tmp_path: Path) -> Judge:
    return Judge(tmp_path, JIGSAW, TOXICITY, strict=True)


def test_scores_count_from_one_half_on_but_are_ranked_strictly(jigsaw: Judge, strict: Judge) -> None:
    assert jigsaw.score(said(GOLD)) == 1.0
    low = [str(float(cell) / 10) for cell in GOLD]
    assert jigsaw.score(said(low)) == pytest.approx(0.5)
    assert strict.score(said(low)) == 1.0
    assert jigsaw.score(said([str(round(float(cell) + 0.5, 2)) for cell in GOLD])) == pytest.approx(0.5)


def test_a_gap_counts_as_0_but_not_strictly(jigsaw: Judge, strict: Judge) -> None:
    gaps = said(["" if cell == "0.1" else cell for cell in GOLD])
    assert jigsaw.score(gaps) == 1.0
    assert strict.score(gaps) is None
    assert jigsaw.score(said([""] * 16)) == pytest.approx(0.5)


def test_the_truths_name_is_a_name_of_the_scores_too(jigsaw: Judge, strict: Judge) -> None:
    assert jigsaw.score(said(GOLD, "toxicity")) == 1.0
    assert strict.score(said(GOLD, "toxicity")) is None
    both = "id,prediction,toxicity\n" + "".join(f"{k},{cell},{cell}\n" for k, cell in enumerate(GOLD))
    assert jigsaw.score(both) is None
    assert not jigsaw.accepts(both, said(GOLD))


def test_truth_values_and_infinities_are_numbers(jigsaw: Judge) -> None:
    assert jigsaw.score(said([str(float(cell) >= 0.5) for cell in GOLD])) == 1.0
    assert jigsaw.score(said(["inf" if float(cell) >= 0.5 else "-inf" for cell in GOLD])) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,prediction\n",
        "prediction\n" + "0.5\n" * 16,
        said(GOLD, "score"),
        said(GOLD[:15]),
        said([*GOLD, "0.4"]),
        said(GOLD[:1]),
        said(GOLD).replace("\n15,", "\n14,"),
        said(GOLD).replace("\n15,", "\n16,"),
        said(GOLD).replace("\n15,", "\n,"),
        said(GOLD).replace("\n15,", "\nx15,"),
        said([*GOLD[:15], "abc"]),
    ],
)
def test_scores_of_the_ids_are_asked_for(text: str, jigsaw: Judge) -> None:
    assert jigsaw.score(text) is None
    assert not jigsaw.accepts(text, said(GOLD))


def test_a_group_with_one_class_has_no_score(tmp_path: Path) -> None:
    answers = TOXICITY.replace("0,0.9,0.8", "0,0.9,0.0").replace("2,0.9,0.5", "2,0.9,0.0")
    answers = answers.replace("8,0.5,0.8", "8,0.5,0.0").replace("10,0.5,0.5", "10,0.5,0.0")
    assert Judge(tmp_path, JIGSAW, answers).score(said(GOLD)) is None
