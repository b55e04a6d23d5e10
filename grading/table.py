"""`Table`: typed columns with an explicit mask of what is missing. Its form as bytes is in `grading.codec`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Kind = Literal["int64", "float64", "bool", "str"]


class TableColumn:
    """One column of n rows. Nobody may change its arrays; most of them cannot be written to."""

    def __init__(self, kind: Kind, values: NDArray[Any] | pa.LargeStringArray, missing: NDArray[np.bool_]) -> None:
        """`values`, shape (n,): int64, float64 or bool; text as objects of type `str`, or as Arrow's strings, which
        are null where a cell is missing. `missing`: shape (n,)."""
        self.kind: Kind = kind
        self.missing = missing
        self._given = values

    def __len__(self) -> int:
        return len(self.missing)

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers (or truth values, which count as 0 and 1)."""
        return self.kind != "str"

    @cached_property
    def values(self) -> NDArray[Any]:
        """Shape (n,); dtype int64, float64, bool, or object with `str` in it. Where missing: 0, NaN, False, ''.

        Of a column of text they are made at the first time, a Python object for each cell; `strings` is cheaper.
        """
        if isinstance(self._given, np.ndarray):
            return self._given
        filled = pc.fill_null(self._given, "") if self._given.null_count else self._given
        values: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
        return values

    @cached_property
    def strings(self) -> pa.LargeStringArray:
        """The cells of a column of text, null where missing."""
        if isinstance(self._given, np.ndarray):
            return pa.array(self._given, pa.large_string(), mask=self.missing)
        return self._given

    def numbers(self) -> NDArray[np.float64]:
        """The values as float64, NaN where missing. Raises ValueError for a column of text."""
        if not self.numeric:
            raise ValueError("a column of text holds no numbers")
        numbers = self.values.astype(np.float64, copy=False)
        return np.where(self.missing, np.nan, numbers) if self.missing.any() else numbers

    def texts(self) -> list[str]:
        """The values as text, whole numbers without a point (`3.0` is `3`), so that equal labels compare equal."""
        if self.kind == "float64":
            return [_number_text(value) for value in self.values.tolist()]
        if self.kind == "bool":
            return ["True" if value else "False" for value in self.values.tolist()]
        cells = pc.fill_null(self.strings, "") if self.kind == "str" else pa.array(self.values).cast(pa.string())
        texts: list[str] = cells.to_pylist()
        return texts

    def taken(self, rows: NDArray[np.int64]) -> TableColumn:
        """The cells of these rows, in this order."""
        given = self._given[rows] if isinstance(self._given, np.ndarray) else self._given.take(pa.array(rows))
        return TableColumn(self.kind, given, self.missing[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of one length, in the file's order."""

    columns: Mapping[str, TableColumn]
    rows: int

    def __getitem__(self, name: str) -> TableColumn:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def taken(self, rows: NDArray[np.int64]) -> Table:
        """The rows of these numbers, in this order."""
        return Table({name: column.taken(rows) for name, column in self.columns.items()}, len(rows))


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
