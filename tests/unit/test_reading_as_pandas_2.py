"""Where pandas 3 reads a file in another way than pandas 2, which the benchmark pins, the pinned way counts."""

from __future__ import annotations

import pytest

from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.table import Table


def read(content: bytes) -> Table:
    return OpenParser().parse("submission.csv", content, reading="pandas")


def test_a_missing_cell_stays_missing_beside_a_whole_number_beyond_64_bits_and_text() -> None:
    column = read(b"id,y\n1,99999999999999999999999\n2,\n3,word\n")["y"]
    assert column.missing.tolist() == [False, True, False]
    assert column.texts()[0] == "99999999999999999999999"


def test_a_decimal_that_overflows_makes_its_column_text() -> None:
    assert read(b"id,y\n1,1e400\n2,0.5\n")["y"].kind == "str"
    assert read(b"id,y\n1,inf\n2,0.5\n")["y"].kind == "float64"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("content", [b",".join([b"a"] * 100_000) + b"\n1\n", b"a\n" + b"1," * 16_000 + b"\n"])
def test_a_header_or_row_of_countless_cells_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(InvalidSubmission, match="columns; at most"):
        read(content)
