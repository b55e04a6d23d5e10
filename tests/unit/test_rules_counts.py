"""Matthews' correlation and the probabilistic F1: what the two competitions accept."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

CONTACT = "nfl-player-contact-detection"
CANCER = "rsna-breast-cancer-detection"
TRUTH = {"a": 1, "b": 0, "c": 1, "d": 0}


def table(id: str, target: str, cells: list[object]) -> str:
    return f"{id},{target}\n" + "".join(f"{name},{cell}\n" for name, cell in zip(TRUTH, cells, strict=True))


def contacts(*cells: object) -> str:
    return table("contact_id", "contact", list(cells))


def cancers(*cells: object) -> str:
    return table("prediction_id", "cancer", list(cells))


def nfl(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, CONTACT, contacts(*TRUTH.values()), strict=strict)


def rsna(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, CANCER, cancers(*TRUTH.values()), strict=strict)


@pytest.mark.parametrize(
    ("cells", "score"),
    [
        ((1, 0, 1, 0), 1.0),
        ((1.0, 0.0, 1.0, 0.0), 1.0),
        (("True", "False", "True", "False"), 1.0),
        ((0, 1, 0, 1), -1.0),
        ((1, 1, 1, 1), 0.0),
        ((1, 0, 0, 0), 1 / math.sqrt(3)),
        ((2, 0, 1, 0), (3 * 4 - 6) / math.sqrt((16 - 6) * (16 - 8))),
        ((-1, 0, 1, 0), (3 * 4 - 6) / math.sqrt((16 - 6) * (16 - 8))),
    ],
)
def test_whole_numbers_are_labels(cells: tuple[object, ...], score: float, tmp_path: Path) -> None:
    assert nfl(tmp_path).score(contacts(*cells)) == pytest.approx(score)
    lines = contacts(*cells).splitlines()
    assert nfl(tmp_path).score("\n".join([lines[0], *lines[:0:-1]]) + "\n") == pytest.approx(score)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "contact_id,contact\n",
        "contact_id\na\nb\nc\nd\n",
        "contact\n1\n0\n1\n0\n",
        contacts(1, 0, 1, "abc"),
        contacts(1, 0, 1, ""),
        contacts(1, 0, 1, 0.5),
        contacts(1, 0, 1, "inf"),
        contacts(1, 0, 1, "1e300"),
        contacts("True", "False", "True", ""),
        contacts(1, 0, 1, 0).replace("d,0\n", ""),
        contacts(1, 0, 1, 0) + "d,0\n",
        contacts(1, 0, 1, 0).replace("d,", "e,"),
        contacts(1, 0, 1, 0).replace("d,", ","),
    ],
)
def test_labels_of_the_contacts_are_asked_for(text: str, tmp_path: Path) -> None:
    assert nfl(tmp_path).score(text) is None
    assert not nfl(tmp_path).accepts(text, contacts(0, 0, 0, 0))


def test_strictly_labels_are_0_or_1(tmp_path: Path) -> None:
    assert nfl(tmp_path, strict=True).score(contacts(1, 0, 0, 0)) == pytest.approx(1 / math.sqrt(3))
    assert nfl(tmp_path, strict=True).score(contacts(2, 0, 1, 0)) is None


@pytest.mark.parametrize(
    ("cells", "score"),
    [
        ((1, 0, 1, 0), 1.0),
        ((0.5, 0.25, 1, 0), 2 * 1.5 / (1.75 + 2)),
        ((1.5, -3, 1, 0), 1.0),
        (("inf", "-inf", 1, 0), 1.0),
        (("True", "False", "True", "False"), 1.0),
        ((0, 0, 0, 0), 0.0),
        ((0, -1, -1, -1), 0.0),
        ((0, 1, 0, 1), 0.0),
        ((1, "", 1, 0), 0.0),
        (("", 0, 1, 0), 0.0),
        (("", -1, -1, -1), 0.0),
        (("", "", "", ""), 0.0),
    ],
)
def test_predictions_are_clipped_and_a_gap_makes_the_score_0(
    cells: tuple[object, ...], score: float, tmp_path: Path
) -> None:
    assert rsna(tmp_path).score(cancers(*cells)) == pytest.approx(score)
    assert rsna(tmp_path).accepts(cancers(*cells), cancers(0, 0, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prediction_id,cancer\n",
        "prediction_id\na\nb\nc\nd\n",
        "cancer\n1\n0\n1\n0\n",
        cancers(-1, -0.5, -1, -2),
        cancers(1, 0, 1, "abc"),
        cancers(1, 0, 1, 0).replace("d,0\n", ""),
        cancers(1, 0, 1, 0).replace("d,", "a,"),
        cancers(1, 0, 1, 0).replace("d,", "e,"),
        cancers(1, 0, 1, 0).replace("d,", ","),
    ],
)
def test_predictions_of_the_ids_are_asked_for(text: str, tmp_path: Path) -> None:
    assert rsna(tmp_path).score(text) is None
    assert not rsna(tmp_path).accepts(text, cancers(0, 0, 0, 0))


def test_answers_without_a_positive_row_have_no_score(tmp_path: Path) -> None:
    assert Judge(tmp_path, CANCER, cancers(0, 0, 0, 0)).score(cancers(1, 0, 1, 0)) is None


@pytest.mark.parametrize("cells", [(1.5, 0, 1, 0), (1, -0.1, 1, 0), (1, "", 1, 0)])
def test_strictly_predictions_are_probabilities(cells: tuple[object, ...], tmp_path: Path) -> None:
    assert rsna(tmp_path, strict=True).score(cancers(*cells)) is None
    assert rsna(tmp_path, strict=True).score(cancers(1, 0, 1, 0)) == 1.0
