"""What a benchmark competition's `/validate` looks at: its sample submission, plain or zipped, or what remains."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from grading.benchmark import benchmark
from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.shelf import Shelf
from grading.table import Table

SAMPLE = "id,y\na,0\nb,0\n"
OTHERS = "id,y\na,0\nc,0\n"


@dataclass(frozen=True)
class SameIds:
    """A rule that asks for two columns and the reference's ids."""

    def check(self, submission: Table, reference: Table) -> None:
        pairing.require(submission, "id", "y")
        pairing.by_sorted_ids(submission["id"], reference["id"], "id")

    def score(self, submission: Table, answers: Table) -> float:
        raise NotImplementedError


def accepts(public: Path, text: str, strict: bool = False) -> bool:
    grader = benchmark(
        rule="tests.unit.test_benchmark_check:SameIds",
        answers="test.csv",
        sample="sample_submission.csv",
        ids=["id"],
        targets=["y"],
        strict=strict,
    )
    try:
        grader.check({"submission.csv": OpenParser().parse("submission.csv", text.encode())}, public, Shelf())
    except InvalidSubmission:
        return False
    return True


def archive(path: Path, **files: str) -> None:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in files.items():
            made.writestr(f"{name}.csv", text)


def test_the_sample_submission_says_which_ids_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text(SAMPLE)
    assert accepts(tmp_path, SAMPLE)
    assert not accepts(tmp_path, OTHERS)


@pytest.mark.parametrize("name", ["sample_submission.csv.zip", "en_Sample_Submission_2.csv.zip"])
def test_a_zipped_one_does_too(tmp_path: Path, name: str) -> None:
    archive(tmp_path / name, sample=SAMPLE)
    assert accepts(tmp_path, SAMPLE)
    assert not accepts(tmp_path, OTHERS)


def several(public: Path) -> None:
    for place in (1, 2):
        archive(public / f"sample_submission_{place}.zip", sample=SAMPLE)


def mixed(public: Path) -> None:
    archive(public / "sample_submission.zip", sample=SAMPLE, other=OTHERS)


def broken(public: Path) -> None:
    (public / "sample_submission.zip").write_text("no archive")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("found", [lambda public: None, several, mixed, broken])
def test_without_one_the_columns_are_judged_and_the_ids_are_not(tmp_path: Path, found: object, strict: bool) -> None:
    assert callable(found)
    found(tmp_path)
    assert accepts(tmp_path, OTHERS, strict)
    assert not accepts(tmp_path, "id\na\nb\n", strict)
