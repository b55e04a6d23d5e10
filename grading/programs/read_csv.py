"""CSV to typed columns by the first reader that is sure of a file: all of them read it as pandas does."""

from __future__ import annotations

from types import ModuleType

from grading.programs import csv_arrow, csv_lines, csv_pandas
from grading.programs.columns import Sheet

READERS: tuple[ModuleType, ...] = (csv_lines, csv_arrow, csv_pandas)
"""From the one whose processes are the cheapest to the one that never declines. Each has `knows` and `read`."""


def read(data: bytes, limits: dict[str, int]) -> Sheet:
    """The typed columns. Raises Refused."""
    sheets = (reader.read(data, limits) for reader in asked(data))
    sheet: Sheet = next(sheet for sheet in sheets if sheet is not None)
    return sheet


def asked(data: bytes) -> list[ModuleType]:
    """The readers that are asked in turn: the first that knows such files, and if that declines the last."""
    first = next(reader for reader in READERS if reader.knows(data))
    return [first] if first is READERS[-1] else [first, READERS[-1]]
