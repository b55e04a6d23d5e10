"""Metrics of rows that carry several labels: sets of labels, and scores for each label."""

from __future__ import annotations

import numpy as np

from grading.metrics.lists import Lists
from grading.metrics.values import Floats


def f1_micro_multilabel(truth: Lists, prediction: Lists) -> float:
    """Micro-averaged F1 of label sets, 2 TP / (2 TP + FP + FN) over all rows and labels; 0 where undefined.

    A label that a list repeats counts once. Source: scikit-learn, f1_score(average="micro") of indicator matrices.
    """
    asked, said = truth.distinct(), prediction.distinct()
    hits = said.within(asked).sum()
    return float(2 * hits / max(len(asked.items) + len(said.items), 1))


def f1_samples_multilabel(truth: Lists, prediction: Lists) -> float:
    """Mean over rows of the F1 of their label sets, 2 |T and P| / (|T| + |P|); 1 where both are empty.

    Source: Kaggle's "Mean F1-Score"; scikit-learn, f1_score(average="samples", zero_division=1).
    """
    asked, said = truth.distinct(), prediction.distinct()
    hits = said.kept(said.within(asked)).lengths
    sizes = asked.lengths + said.lengths
    return float(np.mean(np.divide(2 * hits, sizes, out=np.ones(truth.count), where=sizes > 0)))


def lwlrap(truth: Floats, scores: Floats) -> float:
    """Label-weighted label-ranking average precision, shapes (n, k), y in {0, 1}; rows without a label are left out.

    The mean over all true labels of (true labels with at least this label's score) / (labels with at least its
    score), both within the row and with the label itself. Source: the competition's page (Freesound Audio Tagging
    2019); scikit-learn, label_ranking_average_precision_score weighted by a row's number of labels.
    """
    rows, labels = np.nonzero(truth > 0)
    ahead = scores[rows] >= scores[rows, labels][:, None]
    return float(np.mean((ahead & (truth[rows] > 0)).sum(axis=1) / ahead.sum(axis=1)))
