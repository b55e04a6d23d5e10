"""What a source gives: a table's rows before they are split, and draws among them that depend on nothing but a salt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rows:
    """n rows in the source's own order; every part has the index 0..n-1."""

    features: pd.DataFrame
    """n x f, as agents see them."""
    target: pd.Series
    """n numbers or labels."""
    group: pd.Series | None = None
    """Rows of one group never lie on both sides."""
    time: pd.Series | None = None
    """What orders rows in time, ascending."""


def draw(salt: str, unit: object) -> str:
    """A hash of a unit's name, 64 hex digits: sorting by it is a shuffle that no library's version changes."""
    return hashlib.sha256(f"{salt}/{unit}".encode()).hexdigest()


def shuffled(salt: str, units: Iterable[object]) -> list[object]:
    """The units in an order that gives nothing away."""
    return sorted(units, key=lambda unit: draw(salt, unit))


def opaque(salt: str, values: Sequence[object]) -> list[int]:
    """Values as numbers 1..k, equal ones alike, numbered in an order that gives nothing away."""
    known = shuffled(salt, dict.fromkeys(values))
    numbers = {value: number for number, value in enumerate(known, start=1)}
    return [numbers[value] for value in values]


def alike(frame: pd.DataFrame) -> pd.Series:
    """A group for each row, the same for rows that are equal in every column."""
    return pd.Series(["|".join(map(str, row)) for row in frame.itertuples(index=False)])
