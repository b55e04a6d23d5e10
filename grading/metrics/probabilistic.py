"""Metrics of counts in which every prediction counts by its probability."""

from __future__ import annotations

import numpy as np

from grading.metrics.values import Floats


def probabilistic_f1(truth: Floats, prediction: Floats) -> float:
    """Probabilistic F1, 2PR / (P + R) with P = sum(p over y = 1) / sum(p) and R = sum(p over y = 1) / sum(y).

    y in {0, 1}; p is clipped to [0, 1]. 0 where P or R is 0 or undefined, so also with a missing prediction. Source:
    Yacouby and Axman, Probabilistic Extension of Precision, Recall, and F1 Score, 2020; Kaggle, RSNA Screening
    Mammography.
    """
    clipped = np.clip(prediction, 0.0, 1.0)
    found, said, positives = clipped[truth == 1].sum(), clipped.sum(), (truth == 1).sum()
    if not found > 0 or not said > 0:
        return 0.0
    return float(2 * found / (said + positives))
