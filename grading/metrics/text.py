"""Metrics of texts: edit distances, and overlap of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from grading.metrics.lists import Lists


def levenshtein(truth: Sequence[str], prediction: Sequence[str]) -> float:
    """Mean Levenshtein distance: insertions, deletions and substitutions of code points that make one text the other.

    Source: V. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966.
    """
    return float(np.mean(cpdist(truth, prediction, scorer=Levenshtein.distance, dtype=np.int64)))


def token_error_rate(truth: Lists, prediction: Lists) -> float:
    """Sum of the Levenshtein distances between lists, over the sum of the true lists' lengths; may exceed 1.

    Source: the competition's page (Multi-modal Gesture Recognition, ChaLearn 2013); as the word error rate.
    """
    distances = cpdist(_split(truth), _split(prediction), scorer=Levenshtein.distance, dtype=np.int64)
    return float(distances.sum() / len(truth.items))


def jaccard(truth: Lists, prediction: Lists, *, both_empty: float) -> float:
    """Mean over rows of the Jaccard index of their sets of words, |T and P| / |T or P|; `both_empty` where undefined.

    Source: P. Jaccard, "The distribution of the flora in the alpine zone", 1912.
    """
    asked, said = truth.distinct(), prediction.distinct()
    shared = said.kept(said.within(asked)).lengths
    union = asked.lengths + said.lengths - shared
    return float(np.mean(np.divide(shared, union, out=np.full(truth.count, both_empty), where=union > 0)))


def _split(lists: Lists) -> list[list[int]]:
    return [part.tolist() for part in np.split(lists.items, np.cumsum(lists.lengths)[:-1])]
