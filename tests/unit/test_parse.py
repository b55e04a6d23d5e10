"""The parser: what it keeps, what it refuses and in which words, and how it outlives broken and lying parsers."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.sandbox import Ended
from grading.codec import TableLimits, encode
from grading.parse import JailedParser, OpenParser, Reading
from grading.programs import columns, csv_lines, read_csv, reply
from grading.refusal import InvalidSubmission
from grading.table import Table
from podium.errors import InfrastructureFailure
from tests.unit.inline_sandbox import InlineSandbox

PROBE = b"id,y\n1,2\n"


def jailed(*sandboxes: InlineSandbox, program: str = "", limits: TableLimits = TableLimits()) -> JailedParser:
    """A parser that opens these sandboxes in turn, then fresh ones."""
    given_out = iter(sandboxes)
    return JailedParser(lambda: next(given_out, None) or InlineSandbox(), program=program, limits=limits)


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
@pytest.mark.parametrize("reading", ["plain", "pandas"])
def test_harmless_differences_of_form_change_nothing(content: bytes, reading: Reading) -> None:
    table = jailed().parse("submission.csv", content, 64, reading)
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
        jailed(InlineSandbox(ended=ended)).parse("submission.csv", PROBE, 1)


def test_a_sandbox_that_dies_once_is_opened_again() -> None:
    first, second = InlineSandbox(deaths=1), InlineSandbox()
    assert jailed(first, second).parse("submission.csv", PROBE, 1).rows == 1
    assert first.closed == 1


def test_a_file_that_kills_every_sandbox_is_invalid() -> None:
    with pytest.raises(InvalidSubmission, match="ended the program that reads it"):
        jailed(InlineSandbox(deaths=1), InlineSandbox(deaths=1)).parse("submission.csv", PROBE, 1)


def test_sandboxes_that_die_under_a_good_file_too_are_no_fault_of_the_submission() -> None:
    with pytest.raises(InfrastructureFailure):
        jailed(*(InlineSandbox(deaths=1) for _ in range(3))).parse("submission.csv", PROBE, 1)


def test_a_file_is_blamed_only_for_the_death_of_a_sandbox_that_read_no_other() -> None:
    used, fresh = InlineSandbox(), InlineSandbox()
    parser = jailed(used, fresh)
    parser.parse("submission.csv", PROBE, 1)
    used.deaths = 1
    assert parser.parse("submission.csv", PROBE, 1).rows == 1
    assert (used.closed, len(fresh.questions)) == (1, 1)


def test_many_files_are_read_in_one_sandbox() -> None:
    first, second = InlineSandbox(), InlineSandbox()
    parser = jailed(first, second)
    for _ in range(3):
        parser.parse("submission.csv", PROBE, 1)
    assert (len(first.questions), len(second.questions), first.closed) == (3, 0, 0)
    parser.close()
    parser.close()
    assert first.closed == 1


def test_a_sandbox_is_opened_for_each_file_that_is_read_at_the_same_time_up_to_the_number_of_jails() -> None:
    gate = threading.Barrier(2)
    opened: list[InlineSandbox] = []

    def opening() -> InlineSandbox:
        opened.append(InlineSandbox())
        return opened[-1]

    meet = "from tests.unit import test_parse\nanswer = lambda *parts: test_parse.meeting(parts)"
    parser = JailedParser(opening, program=meet, jails=2)
    MEETINGS.append(gate)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: parser.parse("submission.csv", PROBE, 1), range(4)))
    MEETINGS.clear()
    assert [table.rows for table in found] == [1] * 4
    assert len(opened) == 2


MEETINGS: list[threading.Barrier] = []


def meeting(parts: tuple[bytes, ...]) -> list[Any]:
    """Answers when a second question is being answered too."""
    MEETINGS[0].wait(30)
    return reply.answering(csv_lines.read)(*parts)


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (b"id,y\n1,2\n", ["csv_lines"]),
        (b"id,y\r\n1,2\r\n", ["csv_lines"]),
        (b"id,y\n1,\n,0.5\n", ["csv_lines"]),
        (b"id,y\n" + b"1,0.25\n" * 90_000, ["csv_arrow"]),
        (b"id,y\n" + b"a_1,0.25\n" * 90_000, ["csv_arrow"]),
        (b'id,y\n"a",2\n', ["csv_pandas"]),
        (b"id,y\n1\n", ["csv_lines", "csv_pandas"]),
        (b"id,y\n" + b"1,0.25\n" * 90_000 + b"2\n", ["csv_arrow", "csv_pandas"]),
    ],
    ids=["small", "crlf", "gaps", "large", "large with text", "quoted", "ragged", "large and ragged"],
)
@pytest.mark.parametrize("reading", ["plain", "pandas"])
def test_a_plain_file_never_reaches_pandas(content: bytes, asked: list[str], reading: Reading) -> None:
    sandboxes = [InlineSandbox() for _ in range(3)]
    with suppress(InvalidSubmission):
        jailed(*sandboxes).parse("submission.csv", content, 64, reading)
    readers = ["".join(re.findall(r"answering\((\w+)\.read\)", sandbox.program)) for sandbox in sandboxes]
    assert readers == asked + [""] * (3 - len(asked))
    assert [len(sandbox.questions) for sandbox in sandboxes] == [1] * len(asked) + [0] * (3 - len(asked))


WRITE = "answer = lambda orders, content: [{}]"
LIARS = {
    "says nothing": WRITE.format("b''"),
    "says garbage": WRITE.format("bytes(range(256))"),
    "says a garbled table": WRITE.format("b'table   PTAB2', bytes(range(256))"),
    "hands back the submission": WRITE.format("content"),
    "declines": WRITE.format("b'declined'"),
    "says a pickle": f"import pickle\n{WRITE.format('pickle.dumps(1)')}",
}


@pytest.mark.parametrize("program", LIARS.values(), ids=LIARS.keys())
def test_a_parser_that_lies_makes_the_submission_invalid(program: str) -> None:
    with pytest.raises(InvalidSubmission, match="could not be read"):
        jailed(program=program).parse("submission.csv", PROBE, 1)


def test_a_table_that_is_too_large_is_not_even_taken() -> None:
    with pytest.raises(InvalidSubmission, match="makes a larger table than is allowed"):
        jailed(program=WRITE.format("bytes(3 << 20)"), limits=TableLimits(bytes=1 << 20)).parse("s.csv", PROBE, 1)


def test_a_message_from_inside_is_one_short_printable_line() -> None:
    parser = jailed(program=WRITE.format("b'refused \\x1b[2J' + b'a\\n' * 10_000"))
    with pytest.raises(InvalidSubmission) as caught:
        parser.parse("submission.csv", PROBE, 1)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600


def test_the_programs_bytes_are_those_of_the_codec() -> None:
    content = b"id,share,name,flag\n1,0.25,a,True\n2,,,False\n"
    written = b"".join(columns.encode(read_csv.read(content, vars(TableLimits()))))
    assert encode(parse(content)) == written


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_content_has_no_columns_for_the_benchmark(content: bytes) -> None:
    table = OpenParser().parse("x.csv", content, reading="pandas")
    assert (table.names, table.rows) == ((), 0)


def test_a_header_alone_is_a_table_of_text_without_rows_for_the_benchmark() -> None:
    table = OpenParser().parse("x.csv", b"id,y\n", reading="pandas")
    assert [(name, table[name].kind) for name in table.names] == [("id", "str"), ("y", "str")]
    assert table.rows == 0


def test_the_benchmark_pads_short_rows_numbers_repeated_names_and_drops_surplus_leading_cells() -> None:
    def read(content: bytes) -> list[tuple[str, list[str]]]:
        table = OpenParser().parse("x.csv", content, reading="pandas")
        return [(name, table[name].texts()) for name in table.names]

    assert read(b"a,b\nx,y\nz\n") == [("a", ["x", "z"]), ("b", ["y", ""])]
    assert read(b"a,a\nx,y\n") == [("a", ["x"]), ("a.1", ["y"])]
    assert read(b"a,b\n7,x,y\n8,z,w\n") == [("a", ["x", "z"]), ("b", ["y", "w"])]


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
