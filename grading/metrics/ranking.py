"""Metrics of scores whose order counts: areas under curves."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from grading.metrics.values import Floats


def roc_auc(truth: Floats, prediction: Floats) -> float:
    """Area under the ROC curve; y in {0, 1}. Source: scikit-learn, roc_auc_score."""
    return float(sk.roc_auc_score(truth, prediction)) if _two_classes(truth) else float("nan")


def gini(truth: Floats, prediction: Floats) -> float:
    """Normalised Gini coefficient of a binary target, 2 AUC - 1."""
    return 2 * roc_auc(truth, prediction) - 1


def average_precision(truth: Floats, prediction: Floats) -> float:
    """Average precision, sum((R_i - R_{i-1}) P_i); y in {0, 1}. Source: scikit-learn, average_precision_score."""
    return float(sk.average_precision_score(truth, prediction)) if _two_classes(truth) else float("nan")


def _two_classes(truth: Floats) -> bool:
    return len(np.unique(truth)) == 2
