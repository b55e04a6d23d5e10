"""Areas under ROC curves that weigh bands of the curve, or groups of rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from grading.metrics.ranking import roc_auc
from grading.metrics.values import Floats

POWER = -5.0
"""Of the mean over groups: near to the smallest of them."""


def weighted_roc_auc(
    truth: Floats, prediction: Floats, *, bounds: Sequence[float] = (0.0, 0.4, 1.0), weights: Sequence[float] = (2, 1)
) -> float:
    """Area under the ROC curve in which each band of the true positive rate has its weight; y in {0, 1}.

    sum(w_i A_i) / sum(w_i (b_{i+1} - b_i)), A_i the area between the rates b_i and b_{i+1}, where the curve, a polyline
    over the distinct scores, is cut exactly. 0 without positives, NaN without negatives. Source: Kaggle, ALASKA2 Image
    Steganalysis.
    """
    order = np.argsort(-prediction, kind="stable")
    last = np.append(np.flatnonzero(np.diff(prediction[order])), len(order) - 1)
    hits = np.append(0, np.cumsum(truth[order] == 1)[last])
    alarms = np.append(0, last + 1) - hits
    if not hits[-1]:
        return 0.0
    if not alarms[-1]:
        return float("nan")
    rate, false_rate = hits / hits[-1], alarms / alarms[-1]
    cuts = np.asarray(bounds[1:-1])
    places = np.searchsorted(rate, cuts, side="right")
    false_rate = np.insert(false_rate, places, np.interp(cuts, rate, false_rate))
    rate = np.insert(rate, places, cuts)
    areas = [float(np.trapezoid(np.clip(rate, low, high) - low, false_rate)) for low, high in pairwise(bounds)]
    return float(np.dot(weights, areas) / np.dot(weights, np.diff(bounds)))


def bias_auc(truth: Floats, prediction: Floats, groups: Floats) -> float:
    """(AUC + M(subgroup) + M(BPSN) + M(BNSP)) / 4 for groups of shape (n, k); y and groups in {0, 1}.

    For each group the AUC of its rows, of its negatives with the others' positives (BPSN), and of its positives with
    the others' negatives (BNSP); M is their power mean, (sum(AUC^-5) / k)^(-1/5). NaN where one of the AUCs has a
    single class. Source: Borkan et al. 2019, Nuanced Metrics for Measuring Unintended Bias; Kaggle, Jigsaw Unintended
    Bias in Toxicity Classification.
    """
    inside, positive = groups == 1, (truth == 1)[:, None]
    parts = (inside, inside ^ positive, inside == positive)
    areas = [[roc_auc(truth[rows], prediction[rows]) for rows in part.T] for part in parts]
    return float(np.mean([roc_auc(truth, prediction), *(_power_mean(np.array(part)) for part in areas)]))


def _power_mean(values: Floats) -> float:
    with np.errstate(divide="ignore"):
        return float(np.mean(values**POWER) ** (1 / POWER))
