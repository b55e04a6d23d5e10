"""The quick readers of CSV: what they do not decline they read exactly as pandas does, bit by bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas._libs import parsers

from grading.codec import TableLimits
from grading.programs import csv_arrow, csv_lines, csv_pandas
from grading.programs.columns import MISSING, Refused, Sheet

Reader = Callable[[bytes, dict[str, int]], Sheet | None]

QUICK: list[Reader] = [csv_lines.read, csv_arrow.read]
LIMITS = vars(TableLimits())
BOTH = [{**LIMITS, "pandas": 0}, {**LIMITS, "pandas": 1}]
NUMBERS = (
    *(
        " 1",
        "1 ",
        "+1",
        "-1",
        "--1",
        "1.",
        ".5",
        "-.5",
        "+0",
        "007",
        "-007",
        "0000000000000000000000001",
        "-0",
        "0",
        "0.0",
    ),
    *(
        "-0.0",
        "1e5",
        "1E5",
        "1e+5",
        "1e-5",
        "1e",
        "e5",
        "e",
        ".",
        "-",
        "+",
        "1e5e5",
        "1.2.3",
        "1e400",
        "1e-400",
        "5e-324",
    ),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e9999999999"),
    *("18446744073709551615", "18446744073709551616", "9007199254740993", "2.2250738585072011e-308", "1_000", "0x1F"),
    *(
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890.5",
        "0X1f",
        "0b1",
        "0o7",
        "1d",
        "1f",
        "1j",
    ),
    *(
        "inf",
        "-inf",
        "Infinity",
        "INF",
        "NAN",
        "nan(1)",
        "+nan",
        "\uff11",
        "1\x0b",
        "\x1c1",
        "1\x00",
        "$1",
        "1%",
        "1,5",
    ),
)
OTHERS = (
    *(
        "",
        " ",
        "\t",
        "nan",
        "NaN",
        "-nan",
        "NA",
        "N/A",
        "n/a",
        "NULL",
        "null",
        "None",
        "none",
        "<NA>",
        "#N/A",
        "#N/A N/A",
    ),
    *(
        "1.#IND",
        "-1.#IND",
        "1.#QNAN",
        "#NA",
        "True",
        "TRUE",
        "true",
        "tRue",
        "False",
        "FALSE",
        "false",
        "yes",
        "t",
        "f",
    ),
    *(
        "2020-01-01",
        "12:30",
        "2020-01-01 12:30:00",
        "2020-01-01T12:30:00Z",
        "a",
        "id_1",
        "0013_01",
        "a b",
        "x",
        "X",
        "é",
    ),
    *("\u65e5\u672c", "\x1f", "\x1a", "\x0c", '"', '"a"', '"1"', "'1'", 'a"b', "\ufeff", "\ud7ff"),
)
CELLS = NUMBERS + OTHERS
CELL = st.one_of(
    st.sampled_from(CELLS),
    st.integers(-(2**64), 2**64).map(str),
    st.floats().map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[+-]?[0-9]{0,3}(\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?", fullmatch=True),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
RARELY = st.integers(0, 19).map(lambda number: not number)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\n \n", "\n\t\n", "\r\n\r\n", "\r\r\n", ",\n", "\n,"])


KINDS = [
    ["1", "2", "30", "-4", "007"],
    ["0.5", "1.0", "1e-7", "3", "-2.25"],
    ["True", "False"],
    ["true", "FALSE", "True"],
    ["a_1", "b_2", "c d"],
    ["1", ""],
    ["0.5", "", "NaN", "7"],
    ["x", "", "NA"],
    ["", "nan"],
    ["True", ""],
]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A CSV file of few rows whose columns hold similar cells, with faults here and there."""
    width = draw(st.integers(1, 3))
    name = st.one_of(st.sampled_from(["id", "y", "a b", "é", "1"]), CELL)
    names = draw(st.lists(name, min_size=width, max_size=width))
    kind = st.one_of(st.lists(CELL, min_size=1, max_size=3), st.sampled_from(KINDS))
    kinds = draw(st.lists(kind, min_size=width, max_size=width))
    rows = [names, *([draw(st.sampled_from(cells)) for cells in kinds] for _ in range(draw(st.integers(0, 6))))]
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    text = "".join(",".join(row) + (draw(ENDS) if draw(RARELY) else end) for row in rows)
    data = (text.removesuffix(end) if draw(st.booleans()) else text).encode("utf-8", "surrogatepass")
    if draw(RARELY):
        data = draw(st.sampled_from([b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\n", b"PAR1", b"PK\x03\x04"])) + data
    if draw(RARELY):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(min_size=1, max_size=2)) + data[place:]
    return data


def told(sheet: Sheet) -> list[tuple[Any, ...]]:
    """A sheet as values that compare: every number by its bits."""
    return [
        (name, kind, sheet.rows, missing is None or bits(missing), bits(cells), bits(text))
        for name, kind, cells, missing, text in sheet.columns
    ]


def bits(buffer: Any) -> bytes:
    return memoryview(buffer).cast("B").tobytes() if memoryview(buffer).nbytes else b""


def as_pandas(data: bytes, limits: dict[str, int]) -> list[tuple[Any, ...]] | str:
    try:
        return told(csv_pandas.read(data, limits))
    except Refused as refusal:
        return str(refusal)


@pytest.mark.parametrize("reader", QUICK, ids=["lines", "arrow"])
@pytest.mark.parametrize("limits", BOTH, ids=["plain", "pandas"])
@settings(max_examples=150, deadline=None)
@given(data=files())
def test_a_quick_reader_declines_or_reads_as_pandas_does(reader: Reader, limits: dict[str, int], data: bytes) -> None:
    sheet = reader(data, limits)
    if sheet is not None:
        assert told(sheet) == as_pandas(data, limits)


REPRESENTATIVE = ("1", "0.5", "", "True", "0013_01", "18446744073709551616")


@pytest.mark.parametrize("reader", QUICK, ids=["lines", "arrow"])
@pytest.mark.parametrize("limits", BOTH, ids=["plain", "pandas"])
def test_any_two_cells_make_the_column_that_pandas_makes_of_them(reader: Reader, limits: dict[str, int]) -> None:
    wrong, sure = [], 0
    for first, second in itertools.chain.from_iterable(
        ((one, other), (other, one)) for one in CELLS for other in REPRESENTATIVE
    ):
        data = f"c,d\n{first},a_b\n{second},c_d\n".encode("utf-8", "surrogatepass")
        sheet = reader(data, limits)
        sure += sheet is not None
        if sheet is not None and told(sheet) != as_pandas(data, limits):
            wrong.append(data)
    assert wrong == []
    assert sure > 100


LATE = {
    "a number": b"1.5",
    "a text": b"abc",
    "a whole number too large": b"9223372036854775808",
    "nothing": b"",
    "a truth value": b"True",
    "a date": b"2020-01-01",
    "a blank": b" 7",
    "a plus": b"+7",
    "a hexadecimal number": b"0x7",
    "an infinity": b"inf",
}


@pytest.mark.parametrize("last", LATE.values(), ids=LATE.keys())
@pytest.mark.parametrize("before", [b"7", b"0.25", b"a_7"], ids=["whole", "decimal", "text"])
@pytest.mark.parametrize("limits", BOTH, ids=["plain", "pandas"])
def test_what_comes_late_in_a_long_file_counts(limits: dict[str, int], before: bytes, last: bytes) -> None:
    data = b"id,y\n" + b"".join(b"%d,%s\n" % (row, before) for row in range(20_000)) + b"20000,%s\n" % last
    sheet = csv_arrow.read(data, limits)
    assert sheet is None or told(sheet) == as_pandas(data, limits)
    assert sheet is not None or before != b"a_7"


def test_a_quick_reader_declines_what_passes_a_limit() -> None:
    data = b"id,y\n" + b"1,2\n" * 100
    for reader in QUICK:
        assert reader(data, LIMITS) is not None
        for limit in ({"rows": 99}, {"columns": 1}, {"cells": 199}):
            assert reader(data, {**LIMITS, **limit}) is None
        assert reader(b"id,y\n1," + b"7" * 20 + b"\n", {**LIMITS, "cell_characters": 10}) is None


def test_the_spellings_of_missing_cells_are_those_of_pandas() -> None:
    assert MISSING == parsers.STR_NA_VALUES
