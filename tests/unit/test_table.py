"""The table's bytes: what is written comes back, and nothing else is believed."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.table import MAGIC, MalformedTable, Table, TableColumn, TableLimits, decode, encode

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


def column(kind: str = "int64", name: str = "a", length: int = 0) -> dict[str, Any]:
    return {"name": name, "kind": kind, "bytes": length}


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
    "rows as a truth value": raw({"rows": True, "columns": [column()]}, bytes(9)),
    "rows as text": raw({"rows": "1", "columns": [column()]}, bytes(9)),
    "rows without end": raw({"rows": 1 << 70, "columns": [column()]}),
    "rows that the bytes do not hold": raw({"rows": 1000, "columns": [column()]}, bytes(9)),
    "too many columns": raw({"rows": 0, "columns": [column(name=str(n)) for n in range(5000)]}),
    "too many cells": raw({"rows": 9_000_000, "columns": [column(name=str(n)) for n in range(100)]}),
    "a kind of its own": raw({"rows": 1, "columns": [column("object")]}, bytes(9)),
    "a column that is no object": raw({"rows": 1, "columns": ["a"]}),
    "a name twice": raw({"rows": 0, "columns": [column(), column()]}),
    "a name with a lone surrogate": raw(b'{"rows": 0, "columns": [{"name": "\\ud800", "kind": "bool", "bytes": 0}]}'),
    "a name that is no text": raw({"rows": 0, "columns": [{"name": 1, "kind": "bool", "bytes": 0}]}),
    "bytes left over": raw(ONE, bytes(10)),
    "bytes missing": raw(ONE, bytes(8)),
    "a flag of 2": raw({"rows": 1, "columns": [column("bool")]}, b"\0\2"),
    "a mask of 2": raw(ONE, b"\2" + bytes(8)),
    "text bytes for numbers": raw({"rows": 1, "columns": [column(length=3)]}, bytes(12)),
    "offsets that start late": raw({"rows": 1, "columns": [column("str", length=2)]}, b"\0", offsets(1, 2), b"ab"),
    "offsets that end early": raw({"rows": 1, "columns": [column("str", length=2)]}, b"\0", offsets(0, 1), b"ab"),
    "offsets that go back": raw({"rows": 2, "columns": [column("str", length=2)]}, bytes(2), offsets(0, 3, 2), b"ab"),
    "offsets that wrap around": raw(
        {"rows": 3, "columns": [column("str", length=2)]}, bytes(3), offsets(0, 1 << 62, -(1 << 63), 2), b"ab"
    ),
    "text that is not UTF-8": raw({"rows": 1, "columns": [column("str", length=1)]}, b"\0", offsets(0, 1), b"\xff"),
    "text cut within a character": raw(
        {"rows": 2, "columns": [column("str", length=2)]}, bytes(2), offsets(0, 1, 2), "é".encode()
    ),
}


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
