"""The table's bytes: what is written comes back, and nothing else is believed."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.codec import MAGIC, MalformedTable, TableLimits, decode, encode
from grading.table import Kind, Table, TableColumn

NONE = np.zeros(2, dtype=np.bool_)
TABLE = Table(
    {
        "id": TableColumn("int64", np.array([1, -(2**63)]), NONE),
        "share": TableColumn("float64", np.array([0.1, np.nan]), np.array([False, True])),
        "flag": TableColumn("bool", np.array([True, False]), NONE),
        "text": TableColumn("str", np.array(["", "é,\n"], dtype=object), NONE),
    },
    2,
)


def raw(header: Any, *buffers: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return b"".join([MAGIC, struct.pack("<Q", len(text)), text, *buffers])


def column(kind: str = "int64", name: str = "a", length: int = 0, gaps: bool = False) -> dict[str, Any]:
    return {"name": name, "kind": kind, "gaps": gaps, "bytes": length}


def texts(rows: int, ends: Sequence[int], text: bytes) -> bytes:
    """A table of one column of text."""
    return raw({"rows": rows, "columns": [column("str", length=len(text))]}, offsets(*ends), text)


def offsets(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def test_a_table_comes_back_as_it_was() -> None:
    back = decode(encode(TABLE))
    assert back.names == TABLE.names
    assert back.rows == 2
    for name in TABLE.names:
        assert back[name].kind == TABLE[name].kind
        np.testing.assert_array_equal(back[name].values, TABLE[name].values)
        np.testing.assert_array_equal(back[name].missing, TABLE[name].missing)


def test_texts_of_whole_numbers_have_no_point() -> None:
    numbers = TableColumn("float64", np.array([3.0, 0.5, -0.0]), np.zeros(3, dtype=np.bool_))
    assert numbers.texts() == ["3", "0.5", "0"]
    assert TABLE["flag"].texts() == ["True", "False"]


def test_a_missing_number_is_nan_and_text_is_none() -> None:
    missing = TableColumn("int64", np.array([7, 0]), np.array([False, True]))
    np.testing.assert_array_equal(missing.numbers(), [7.0, np.nan])
    with pytest.raises(ValueError, match="text"):
        TABLE["text"].numbers()


ONE = {"rows": 1, "columns": [column()]}
LONE = b'{"rows": 0, "columns": [{"name": "\\ud800", "kind": "bool", "gaps": false, "bytes": 0}]}'
MALFORMED = {
    "empty": b"",
    "another magic": b"PAR1" + bytes(20),
    "no length": MAGIC + b"\1",
    "a header longer than the bytes": MAGIC + struct.pack("<Q", 1 << 60) + b"{}",
    "a header that is not JSON": raw(b"{"),
    "a header that is no object": raw([1]),
    "a header that nests without end": raw(b"[" * 100_000),
    "a header that is not UTF-8": raw(b'{"rows": "\xff"}'),
    "no columns": raw({"rows": 1}),
    "rows below 0": raw({"rows": -1, "columns": [column()]}),
    "rows as a truth value": raw({"rows": True, "columns": [column()]}, bytes(8)),
    "rows as text": raw({"rows": "1", "columns": [column()]}, bytes(8)),
    "rows without end": raw({"rows": 1 << 70, "columns": [column()]}),
    "rows that the bytes do not hold": raw({"rows": 1000, "columns": [column()]}, bytes(8)),
    "too many columns": raw({"rows": 0, "columns": [column(name=str(n)) for n in range(5000)]}),
    "too many cells": raw({"rows": 9_000_000, "columns": [column(name=str(n)) for n in range(100)]}),
    "a kind of its own": raw({"rows": 1, "columns": [column("object")]}, bytes(8)),
    "a kind that is no text": raw({"rows": 1, "columns": [{**column(), "kind": ["int64"]}]}, bytes(8)),
    "a column that is no object": raw({"rows": 1, "columns": ["a"]}),
    "a column that says too little": raw({"rows": 1, "columns": [{"name": "a", "kind": "int64"}]}, bytes(8)),
    "a name twice": raw({"rows": 0, "columns": [column(), column()]}),
    "a name with a lone surrogate": raw(LONE),
    "a name that is no text": raw({"rows": 0, "columns": [{**column(), "name": 1}]}),
    "gaps that are a number": raw({"rows": 1, "columns": [{**column(), "gaps": 1}]}, bytes(9)),
    "bytes left over": raw(ONE, bytes(9)),
    "bytes missing": raw(ONE, bytes(7)),
    "a mask missing": raw({"rows": 1, "columns": [column(gaps=True)]}, bytes(8)),
    "a flag of 2": raw({"rows": 1, "columns": [column("bool")]}, b"\2"),
    "a mask of 2": raw({"rows": 1, "columns": [column(gaps=True)]}, bytes(8), b"\2"),
    "text bytes for numbers": raw({"rows": 1, "columns": [column(length=3)]}, bytes(11)),
    "offsets that start late": texts(1, (1, 2), b"ab"),
    "offsets that end early": texts(1, (0, 1), b"ab"),
    "offsets that end late": texts(1, (0, 3), b"ab"),
    "offsets that go back": texts(2, (0, 3, 2), b"ab"),
    "offsets below 0": texts(2, (0, -1, 2), b"ab"),
    "offsets that wrap around": texts(3, (0, 1 << 62, -(1 << 63), 2), b"ab"),
    "text that is not UTF-8": texts(1, (0, 1), b"\xff"),
    "a surrogate in UTF-8": texts(1, (0, 3), b"\xed\xa0\x80"),
    "text cut within a character": texts(2, (0, 1, 2), "é".encode()),
    "text cut before the last byte of a character": texts(3, (0, 2, 2, 3), "€".encode()),
    "a character that is never ended": texts(2, (0, 1, 3), b"a\xe2\x82"),
}


def test_the_smallest_tables_are_none_of_the_malformed_ones() -> None:
    assert decode(raw(ONE, struct.pack("<q", 7)))["a"].values.tolist() == [7]
    assert decode(raw({"rows": 1, "columns": [column("bool", gaps=True)]}, b"\1\0"))["a"].missing.tolist() == [True]
    assert decode(texts(2, (0, 1, 3), "aé".encode()))["a"].texts() == ["a", "é"]
    assert decode(raw({"rows": 0, "columns": []})).names == ()


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedTable):
        decode(data)


def test_more_bytes_than_allowed_are_refused() -> None:
    with pytest.raises(MalformedTable):
        decode(encode(TABLE), TableLimits(bytes=20))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_table_with_changed_bytes_is_a_table_or_refused(data: st.DataObject) -> None:
    content = bytearray(encode(TABLE))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        table = decode(bytes(content))
    except MalformedTable:
        return
    assert all(len(table[name].values) == len(table[name].missing) == table.rows for name in table.names)
    for name in table.names:
        assert all(isinstance(text, str) for text in table[name].texts())


KINDS: dict[Kind, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(),
    "bool": st.booleans(),
    "str": st.text(st.characters(codec="utf-8"), max_size=5),
}


def columns(rows: int) -> st.SearchStrategy[TableColumn]:
    def made(kind: Kind, cells: list[tuple[Any, bool]]) -> TableColumn:
        values = np.empty(rows, dtype=object)
        values[:] = ["" if absent and kind == "str" else value for value, absent in cells]
        typed = values if kind == "str" else values.astype(kind)
        return TableColumn(kind, typed, np.array([absent for _, absent in cells], dtype=np.bool_))

    kinds = st.sampled_from(list(KINDS))
    return kinds.flatmap(
        lambda kind: st.lists(st.tuples(KINDS[kind], st.booleans()), min_size=rows, max_size=rows).map(
            lambda cells: made(kind, cells)
        )
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 4).flatmap(lambda rows: st.tuples(st.just(rows), st.lists(columns(rows), max_size=4))))
def test_any_table_comes_back_as_it_was(given_table: tuple[int, list[TableColumn]]) -> None:
    rows, made = given_table
    back = decode(encode(Table({str(place): column for place, column in enumerate(made)}, rows)))
    for place, column in enumerate(made):
        found = back[str(place)]
        np.testing.assert_array_equal(found.values, column.values)
        np.testing.assert_array_equal(found.missing, column.missing)
        assert found.texts() == column.texts()
        assert found.strings.to_pylist() == column.strings.to_pylist() if column.kind == "str" else found.numeric


def test_a_table_is_read_wherever_its_bytes_begin() -> None:
    for place in range(9):
        table = decode(memoryview(bytes(place) + encode(TABLE))[place:])
        assert table["id"].values.tolist() == [1, -(2**63)]
        assert table["text"].texts() == ["", "é,\n"]


def test_what_was_read_cannot_be_written_to() -> None:
    table = decode(bytearray(encode(TABLE)))
    assert not any(table[name].missing.flags.writeable for name in table.names)
    assert not any(table[name].values.flags.writeable for name in ("id", "share", "flag"))


def test_rows_can_be_taken_in_another_order() -> None:
    table = decode(encode(TABLE)).taken(np.array([1, 0, 1]))
    assert table["text"].texts() == ["é,\n", "", "é,\n"]
    assert table["share"].missing.tolist() == [True, False, True]
    assert decode(encode(table))["text"].texts() == ["é,\n", "", "é,\n"]


def test_text_becomes_python_objects_only_when_they_are_asked_for() -> None:
    column = decode(encode(TABLE))["text"]
    assert "values" not in vars(column)
    assert column.values.tolist() == ["", "é,\n"]
    assert column.values is column.values
