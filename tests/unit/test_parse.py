"""The parser: what it keeps, what it refuses and in which words, and how it outlives broken and lying parsers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.sandbox import Ended
from grading.parse import PROGRAM, JailedParser, OpenParser
from grading.programs import read_csv
from grading.refusal import InvalidSubmission
from grading.table import Table, TableLimits, encode
from podium.errors import InfrastructureFailure
from tests.unit.inline_sandbox import InlineSandbox


def jailed(*sandboxes: InlineSandbox, program: str = PROGRAM, limits: TableLimits = TableLimits()) -> JailedParser:
    """A parser that opens these sandboxes in turn, then fresh ones."""
    given_out = iter(sandboxes)
    return JailedParser(lambda: next(given_out, InlineSandbox()), program=program, limits=limits)


def parse(content: bytes, limits: TableLimits = TableLimits()) -> Table:
    return jailed(limits=limits).parse("submission.csv", content, 64)


def refusal(content: bytes, limits: TableLimits = TableLimits()) -> str:
    with pytest.raises(InvalidSubmission) as caught:
        parse(content, limits)
    return caught.value.message


def test_types_are_those_that_pandas_infers() -> None:
    table = parse(b"id,share,name,flag\n1,0.25,a,True\n2,1e-3,b,False\n")
    assert [table[name].kind for name in table.names] == ["int64", "float64", "str", "bool"]
    assert table["share"].values.tolist() == [0.25, 0.001]
    assert table["flag"].values.tolist() == [True, False]


def test_missing_values_duplicates_order_and_further_columns_are_kept() -> None:
    table = parse(b"id,y,more\n3,,x\n1,NaN,\n3,2.5,z\n")
    assert table["id"].values.tolist() == [3, 1, 3]
    assert table["y"].missing.tolist() == [True, True, False]
    assert table["more"].missing.tolist() == [False, True, False]
    assert table.names == ("id", "y", "more")


@pytest.mark.parametrize(
    "content",
    [b"id,y\r\na,1\r\nb,2\r\n", b"\xef\xbb\xbfid,y\na,1\nb,2\n", b"id,y\n\na,1\n\nb,2", b'"id","y"\n"a",1\n"b",2\n'],
    ids=["crlf", "bom", "blank lines", "quoted"],
)
def test_harmless_differences_of_form_change_nothing(content: bytes) -> None:
    table = parse(content)
    assert table["id"].texts() == ["a", "b"]
    assert table["y"].values.tolist() == [1, 2]


def test_quoted_cells_may_hold_commas_quotes_and_line_ends() -> None:
    table = parse(b'id,text\n1,"a, ""b""\nc"\n2,d\n')
    assert table["text"].texts() == ['a, "b"\nc', "d"]


def test_numbers_beyond_64_bits_are_kept_as_text() -> None:
    assert parse(b"id,y\n99999999999999999999,1\n")["id"].texts() == ["99999999999999999999"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"id,y\n1,\xff\n", "Line 2 is not UTF-8 (byte 0xff)"),
        (b"id,y\n1,\x00\n", "NUL byte in line 2"),
        (b"id,y\n1,2,3\n", "Line 2 has 3 cells, but the header has 2"),
        (b"id,y\n1,2\n7\n", "Line 3 has 1 cells, but the header has 2"),
        (b'id,y\n1,"2\n', "is not CSV"),
        (b'id,y\n1,"2"3\n', "is not CSV"),
        (b"id,y,y\n1,2,3\n", "'y' appears twice"),
        (b"\x1f\x8b\x08", "is gzip"),
        (b"PK\x03\x04abc", "is zip"),
        (b"\xff\xfei\x00d\x00", "is UTF-16"),
        (",".join(map(str, range(1_000_000))).encode() + b"\n", "has 1000000 columns; at most 4096"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_too_many_rows_are_refused() -> None:
    assert "more than 2 rows" in refusal(b"id\n1\n2\n3\n", TableLimits(rows=2))
    assert "more than 1 rows" in refusal(b"id,y\n1,2\n3,4\n", TableLimits(cells=3))


def test_a_cell_that_is_too_long_is_refused() -> None:
    assert "field larger than field limit" in refusal(b"id\n" + b"x" * 200 + b"\n", TableLimits(cell_characters=100))


def test_a_file_that_is_too_large_never_reaches_the_sandbox() -> None:
    sandbox = InlineSandbox(deaths=1)
    with pytest.raises(InvalidSubmission, match=r"is 2\.0 MiB large; at most 1 MiB"):
        jailed(sandbox).parse("submission.csv", b"x" * (2 << 20), 1)
    assert sandbox.deaths == 1


@pytest.mark.parametrize("ended", [ended for ended in Ended if ended is not Ended.OK])
def test_a_parser_that_was_ended_makes_the_submission_invalid(ended: Ended) -> None:
    with pytest.raises(InvalidSubmission, match=r"^submission\.csv .* Write plain CSV text"):
        jailed(InlineSandbox(ended=ended)).parse("submission.csv", b"id\n1\n", 1)


def test_a_sandbox_that_dies_once_is_opened_again() -> None:
    first, second = InlineSandbox(deaths=1), InlineSandbox()
    assert jailed(first, second).parse("submission.csv", b"id\n1\n", 1).rows == 1
    assert first.closed == 1


def test_a_file_that_kills_every_sandbox_is_invalid() -> None:
    with pytest.raises(InvalidSubmission, match="ended the program that reads it"):
        jailed(InlineSandbox(deaths=1), InlineSandbox(deaths=1)).parse("submission.csv", b"id\n1\n", 1)


def test_sandboxes_that_die_under_a_good_file_too_are_no_fault_of_the_submission() -> None:
    with pytest.raises(InfrastructureFailure):
        jailed(*(InlineSandbox(deaths=1) for _ in range(3))).parse("submission.csv", b"id\n1\n", 1)


WRITE = "from pathlib import Path\nPath('table.bin').write_bytes({})"
LIARS = {
    "writes nothing": "",
    "writes garbage": WRITE.format("b'PTAB1' + bytes(range(256))"),
    "hands back the submission": WRITE.format("Path('submission').read_bytes()"),
    "writes a pickle": "import pickle\n" + WRITE.format("pickle.dumps({'id': [1]})"),
    "writes a table that is too large": WRITE.format("bytes(3 << 20)"),
}


@pytest.mark.parametrize("program", LIARS.values(), ids=LIARS.keys())
def test_a_parser_that_lies_makes_the_submission_invalid(program: str) -> None:
    parser = jailed(program=program, limits=TableLimits(bytes=1 << 20))
    with pytest.raises(InvalidSubmission, match="could not be read"):
        parser.parse("submission.csv", b"id\n1\n", 1)


def test_a_message_from_inside_is_one_short_printable_line() -> None:
    parser = jailed(program="import pathlib; pathlib.Path('refused.txt').write_text('\\x1b[2J' + 'a\\n' * 10_000)")
    with pytest.raises(InvalidSubmission) as caught:
        parser.parse("submission.csv", b"id\n1\n", 1)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600


def test_the_programs_bytes_are_those_of_the_table_module() -> None:
    content = b"id,share,name,flag\n1,0.25,a,True\n2,,,False\n"
    written = read_csv.encode(read_csv.read(content, json.loads(json.dumps(vars(TableLimits())))))
    assert encode(parse(content)) == written


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_what_pandas_writes_is_read_as_pandas_reads_it(rows: Sequence[tuple[str, float]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "number"), *rows])
    content = out.getvalue().encode()
    table = OpenParser().parse("x.csv", content)
    frame = pd.read_csv(io.BytesIO(content))
    assert table["text"].missing.tolist() == frame["text"].isna().tolist()
    assert table["number"].numbers().tolist() == [number for _, number in rows]
