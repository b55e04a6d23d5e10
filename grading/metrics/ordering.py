"""Metrics of orders: how far one order of the same items is from another."""

from __future__ import annotations

import numpy as np

from grading.metrics.lists import Integers, Lists


def kendall_tau(truth: Lists, prediction: Lists) -> float:
    """Kendall's tau pooled over lists, 1 - 4 S / sum(n (n - 1)): S discordant pairs, n a list's length.

    Each item of a true list occurs in the predicted one, and some list has two items. Source: the competition's page
    (AI4Code); M. Kendall, "A new measure of rank correlation", 1938.
    """
    lengths = truth.lengths
    swaps = _inversions(truth.rows, truth.places_in(prediction))
    return float(1 - 4 * swaps / (lengths * (lengths - 1)).sum())


def _inversions(groups: Integers, ranks: Integers) -> int:
    """Pairs i < j of one group with ranks[i] > ranks[j]; groups ascend.

    Bit by bit from the highest: two ranks that agree so far are in the wrong order if the first has a 1 here and the
    second a 0; then those with a 0 and those with a 1 go on apart.
    """
    found = 0
    for bit in range(int(ranks.max(initial=0)).bit_length() - 1, -1, -1):
        ones = ranks >> bit & 1
        before = np.cumsum(ones)
        starts = np.searchsorted(groups, groups)
        ahead = before - before[starts] + ones[starts]  # ones of the same group up to here
        found += int(ahead[ones == 0].sum())
        groups = 2 * groups + ones
        order = np.argsort(groups, kind="stable")
        groups, ranks = groups[order], ranks[order]
    return found
