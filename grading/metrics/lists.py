"""`Lists`: one list of items a row, laid end to end, so that metrics of sets and orders are arithmetic on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lists:
    """`count` lists, some of which may be empty."""

    rows: Integers
    """Which list an item belongs to; ascending, shape (items,)."""
    items: Integers
    """The items as numbers from 0, in their lists' order; equal items have equal numbers. Shape (items,)."""
    count: int

    @property
    def lengths(self) -> Integers:
        """Items in each list, shape (count,)."""
        return np.bincount(self.rows, minlength=self.count)

    @property
    def positions(self) -> Integers:
        """Each item's place in its own list, from 0."""
        return np.arange(len(self.rows)) - np.searchsorted(self.rows, self.rows)

    def kept(self, these: NDArray[Any]) -> Lists:
        """The items under a mask, or of ascending numbers."""
        return Lists(self.rows[these], self.items[these], self.count)

    def first(self, k: int) -> Lists:
        """The first k items of each list."""
        return self.kept(self.positions < k)

    @property
    def firsts(self) -> Integers:
        """Ascending numbers of the items that have not come earlier in their list."""
        _, places = np.unique(_keys(self, _width(self)), return_index=True)
        return np.sort(places)

    def distinct(self) -> Lists:
        """Each item once a list, where it occurs first."""
        return self.kept(self.firsts)

    def within(self, other: Lists) -> NDArray[np.bool_]:
        """Whether each item occurs in the same row's list of `other`."""
        width = _width(self, other)
        mine, known = _keys(self, width), np.sort(_keys(other, width))
        found = np.searchsorted(known, mine)
        same: NDArray[np.bool_] = (
            np.append(known, -1)[found] == mine
        )  # NumPy's isin hashes, which takes ten times as long
        return same

    def places_in(self, other: Lists) -> Integers:
        """Each item's first position in the same row's list of `other`, -1 where it does not occur."""
        width = _width(self, other)
        known, places = np.unique(_keys(other, width), return_index=True)
        mine = _keys(self, width)
        found = np.searchsorted(known, mine)
        positions = np.append(other.positions[places], -1)[found]
        return np.where(np.append(known, -1)[found] == mine, positions, -1)


@dataclass(frozen=True, eq=False)
class Tokens:
    """`count` lists of texts, laid end to end."""

    rows: Integers
    texts: pa.LargeStringArray
    count: int


def numbered(*tokens: Tokens) -> tuple[Lists, ...]:
    """The same lists with numbers for texts: the same number for the same text in all of them."""
    codes = pc.dictionary_encode(pa.chunked_array([each.texts for each in tokens])).combine_chunks()
    items = np.asarray(codes.indices, dtype=np.int64)
    ends = np.cumsum([len(each.texts) for each in tokens])
    parts = np.split(items, ends[:-1])
    return tuple(Lists(each.rows, part, each.count) for each, part in zip(tokens, parts, strict=True))


def _width(*lists: Lists) -> int:
    return max(int(each.items.max(initial=0)) for each in lists) + 1


def _keys(lists: Lists, width: int) -> Integers:
    """One number for a row and an item."""
    keys: Integers = lists.rows * width + lists.items
    return keys
