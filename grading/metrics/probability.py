"""Metrics of probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from grading.metrics.values import Floats

CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm (Kaggle's rule for log loss)."""


def brier(truth: Floats, prediction: Floats) -> float:
    """Brier score, mean((y - p)^2); y in {0, 1}. Source: scikit-learn, brier_score_loss."""
    return float(np.mean((truth - prediction) ** 2))


def log_loss(truth: Floats, prediction: Floats, *, clip: float = CLIP, normalised: bool = True) -> float:
    """Logarithmic loss, -mean(log p of the true class), natural logarithm.

    Binary: shapes (n,), y in {0, 1}, p the probability of 1. Multi-class: shapes (n, k), y one-hot, each row of p
    divided by its sum (an even guess where that is 0), or taken as it is where not `normalised`. Then p is clipped to
    [clip, 1 - clip]. Source: Kaggle's evaluation page for log loss; scikit-learn, log_loss, has clip = 2^-52.
    """
    if prediction.ndim == 1:
        of_truth = np.where(truth == 1, prediction, 1 - prediction)
        return float(-np.mean(np.log(np.clip(of_truth, clip, 1 - clip))))
    rows, columns = np.nonzero(truth)
    chosen = prediction[rows, columns]
    if normalised:
        sums = prediction.sum(axis=1)[rows]
        chosen = np.divide(chosen, sums, out=np.full_like(chosen, 1 / prediction.shape[1]), where=sums > 0)
    losses = -truth[rows, columns] * np.log(np.clip(chosen, clip, 1 - clip))
    return float(losses.sum() / len(truth))


def kl_divergence(truth: Floats, prediction: Floats) -> float:
    """Kullback-Leibler divergence D(p || q), the mean over rows of sum(p log(p / q)); shapes (n, k).

    p holds each row's true shares; where p is 0 or q is missing the part is 0, where q alone is 0 it is infinite.
    Source: Kullback and Leibler 1951; the parts are SciPy's rel_entr.
    """
    return float(np.mean(np.nansum(rel_entr(truth, prediction), axis=1)))


def weighted_log_loss(truth: Floats, prediction: Floats, weights: Floats, groups: NDArray[np.int64]) -> float:
    """Mean over groups of sum(w l) / sum(w), l = -(y log p + (1 - y) log(1 - p)); shapes (n,), y in {0, 1}.

    `groups`: a number from 0 on for each row, the same within a group. p is clipped to [1e-15, 1 - 1e-15]. Source:
    Kaggle's evaluation page of the RSNA 2022 cervical spine competition (weighted multi-label log loss).
    """
    clipped = np.clip(prediction, CLIP, 1 - CLIP)
    losses = -(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped))
    return float(np.mean(np.bincount(groups, weights * losses) / np.bincount(groups, weights)))
