"""The form of a submission: every fault is told with what to do, by public knowledge alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading.form import check, read
from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.shelf import Shelf
from grading.validate import check_table
from podium.brief import Column, OutputFile
from tests.unit.grading_site import COLUMNS, GOOD, SAMPLE, site, task

OUTPUT = OutputFile(columns=COLUMNS)
LABELS = OutputFile(columns=(COLUMNS[0], Column(name="y", kind="label", labels=("1", "2", "True"))))
SHARES = OutputFile(columns=(COLUMNS[0], Column(name="y", kind="probability")))
PARSER = OpenParser()


def fault(content: bytes, output: OutputFile = OUTPUT, sample: bytes | None = SAMPLE) -> str:
    """The message about a submission; empty when it is valid."""
    form = PARSER.parse("sample_submission.csv", sample) if sample is not None else None
    try:
        check_table(output, PARSER.parse("submission.csv", content), form)
    except InvalidSubmission as found:
        return found.message
    return ""


@pytest.mark.parametrize("content", [GOOD, b"y,id\n1,3\n2,2\n3,1\n", b"id,y\n1.0,1\n2.0,1\n3.0,1\n"])
def test_order_of_rows_and_columns_and_the_form_of_numbers_do_not_matter(content: bytes) -> None:
    assert fault(content) == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,z\n1,1\n2,1\n3,1\n", "lacks the column 'y'. Its header must be: id,y"),
        (b"id,y,z\n1,1,1\n2,1,1\n3,1,1\n", "has a column too many: 'z'"),
        (b",id,y\n0,1,1\n1,2,1\n2,3,1\n", "without the index"),
        (b"id,y\n1,1\n2,1\n", "has 2 rows, but 3 are asked for"),
        (b"id,y\n", "has 0 rows"),
        (b"id,y\n1,1\n2,1\n2,1\n", "has ids more than once in 'id', for example '2'"),
        (b"id,y\n1,1\n2,1\n4,1\n", "has 1 ids in 'id' that are not in sample_submission.csv, for example '4'"),
        (b"id,y\n1,1\n2,\n3,1\n", "has 1 missing values (NaN) in 'y', the first in row 2"),
        (b"id,y\n1,1\n,1\n3,1\n", "missing values (NaN) in 'id'"),
        (b"id,y\n1,inf\n2,1\n3,-inf\n", "has 2 infinite values in 'y'"),
        (b"id,y\n1,1\n2,much\n3,1\n", "has 'much' in 'y', where numbers are asked for"),
    ],
)
def test_a_fault_is_told(content: bytes, words: str) -> None:
    assert words in fault(content)


def test_labels_must_be_among_those_allowed() -> None:
    assert fault(b"id,y\n1,1\n2,2\n3,True\n", LABELS) == ""
    assert "'7'. Use: '1', '2', 'True'." in fault(b"id,y\n1,1\n2,7\n3,2\n", LABELS)


def test_probabilities_lie_between_0_and_1() -> None:
    assert fault(b"id,y\n1,0\n2,1\n3,0.5\n", SHARES) == ""
    assert "below 0 or above 1" in fault(b"id,y\n1,0\n2,1.1\n3,0.5\n", SHARES)


def test_without_a_sample_the_description_alone_is_checked() -> None:
    assert fault(b"id,y\n9,1\n8,1\n", sample=None) == ""
    assert "2 are asked for" in fault(b"id,y\n9,1\n", OutputFile(columns=COLUMNS, rows=2), sample=None)


def test_without_a_description_the_sample_shows_the_columns() -> None:
    assert fault(GOOD, OutputFile()) == ""
    assert "lacks the column 'y'" in fault(b"id\n1\n2\n3\n", OutputFile())
    assert "numbers are asked for" in fault(b"id,y\n1,a\n2,b\n3,c\n", OutputFile())


def test_a_missing_file_is_named_and_other_files_are_not_looked_at(tmp_path: Path) -> None:
    asked = task(outputs=(OUTPUT,))
    with pytest.raises(InvalidSubmission, match=r"There is no submission\.csv"):
        read(asked, {"../submission.csv": GOOD, "notes.txt": b"\xff"}, PARSER)
    tables = read(asked, {"submission.csv": GOOD, "notes.txt": b"\xff"}, PARSER)
    check(asked, tables, site(tmp_path).public_dir("small"), Shelf())
    assert list(tables) == ["submission.csv"]
