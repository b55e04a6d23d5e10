"""Metrics of scores whose order counts: areas under curves."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from grading.metrics.values import Floats, columnwise


def roc_auc(truth: Floats, prediction: Floats) -> float:
    """Area under the ROC curve, P(p+ > p-) + P(p+ = p-) / 2; y in {0, 1}; NaN where there is one class only.

    Source: Mann and Whitney's U over n1 n0 (Bamber 1975), which is the trapezoidal area that scikit-learn's
    roc_auc_score sums up; one sort, and exact but for the last division.
    """
    order = np.argsort(prediction)
    scores, positive = prediction[order], truth[order] == 1
    positives = int(positive.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)  # of each group of equal scores
    above = np.cumsum(positive)[last]
    below = last + 1 - above  # negatives with at most this score
    twice = np.diff(above, prepend=0) * (2 * below - np.diff(below, prepend=0))
    return float(twice.sum() / (2 * positives * negatives))


def mean_columnwise_roc_auc(truth: Floats, prediction: Floats) -> float:
    """Mean of the columns' areas under the ROC curve; shapes (n, k). Source: Kaggle, Jigsaw's toxic comments."""
    return columnwise(roc_auc, truth, prediction)


def gini(truth: Floats, prediction: Floats) -> float:
    """Normalised Gini coefficient of a binary target, 2 AUC - 1."""
    return 2 * roc_auc(truth, prediction) - 1


def average_precision(truth: Floats, prediction: Floats) -> float:
    """Average precision, sum((R_i - R_{i-1}) P_i); y in {0, 1}. Source: scikit-learn, average_precision_score."""
    return float(sk.average_precision_score(truth, prediction)) if _two_classes(truth) else float("nan")


def _two_classes(truth: Floats) -> bool:
    return len(np.unique(truth)) == 2
