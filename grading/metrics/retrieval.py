"""Metrics of ranked answers: what is relevant should come first."""

from __future__ import annotations

import numpy as np

from grading.metrics.lists import Lists


def map_at_k(truth: Lists, prediction: Lists, *, k: int) -> float:
    """Mean average precision at k: the mean over rows of sum(P(i) rel(i)) / min(|T|, k) over the ranks i <= k.

    T is the set of relevant items, P(i) the precision at rank i, rel(i) 1 where the item at rank i is relevant and
    has not come earlier. A row in which nothing is relevant gives 0. Source: Kaggle's page for MAP@K.
    """
    asked, said = truth.distinct(), prediction.first(k)
    found = said.within(asked)
    hits, ranks = said.kept(found), said.positions[found] + 1
    new = hits.firsts
    hits, ranks = hits.kept(new), ranks[new]
    precision = (hits.positions + 1) / ranks
    sums = np.bincount(hits.rows, weights=precision, minlength=truth.count)
    return float(np.mean(sums / np.maximum(np.minimum(asked.lengths, k), 1)))
