"""Metrics of labelled boxes and points that are found in images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.metrics.ranking import average_precision
from grading.metrics.values import Floats

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes or points of many images, in the order in which they were written; n of them."""

    image: Places
    """Shape (n,): the number of the image."""
    label: NDArray[Any]
    """Shape (n,)."""
    score: Floats
    """Shape (n,): confidence; of no meaning for true boxes."""
    sides: Floats
    """Shape (n, 4): x_min, y_min, x_max, y_max; or x, y, width, height; or shape (n, 2): x, y."""

    def groups(self) -> Groups:
        """The boxes of each label and image, in the order in which they were written."""
        return grouped(self.label, self.image)


Groups = dict[tuple[Any, int], Places]


def grouped(label: NDArray[Any], image: Places) -> Groups:
    """The places of each label and image, ascending; from arrays of shape (n,)."""
    if not len(image):
        return {}
    _, codes = np.unique(label, return_inverse=True)
    order = np.lexsort((image, codes))
    new = (np.diff(codes[order]) != 0) | (np.diff(image[order]) != 0)
    parts = np.split(order, np.flatnonzero(new) + 1)
    return {(label[part[0]], int(image[part[0]])): part for part in parts}


NONE: Places = np.empty(0, dtype=np.int64)
"""No boxes."""


def descending(scores: Floats) -> Places:
    """The order of descending scores, stable; NaN last."""
    return np.argsort(-scores, kind="stable")


def envelope_precision(hits: Flags, positives: int) -> float:
    """Average precision as in PASCAL VOC 2010: area under the precision-recall curve, precision taken as the largest
    at this recall or beyond; `hits` in descending order of confidence."""
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    return float(np.maximum.accumulate(precision[::-1])[::-1][hits].sum() / positives)


def iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of boxes (x_min, y_min, x_max, y_max), shapes (n, 4) and (m, 4) to (n, m).

    0 where the union has no positive area.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    with np.errstate(invalid="ignore", over="ignore"):
        common = np.prod(np.maximum(high - low, 0.0), axis=2)
        total = np.prod(first[:, 2:] - first[:, :2], axis=1)[:, None] + np.prod(second[:, 2:] - second[:, :2], axis=1)
        ratio: Floats = np.divide(common, total - common, out=np.zeros_like(common), where=~(total - common <= 0))
    return ratio


def detection_map(truth: Boxes, prediction: Boxes, images: int, *, threshold: float = 0.5) -> float:
    """Mean over the true labels of the average precision of their boxes. Source: MLE-bench, SIIM COVID-19.

    In each image the boxes of a label take, by descending confidence, the free true box of largest IoU above the
    threshold. Each gives a pair (hit, confidence), each true box left over a pair (1, 0), each image without either a
    pair (0, 0); AP is the step-wise one of all pairs. NaN where a label has no pair (0, ...); 0 without any label.
    """
    precisions = []
    for label, (scores, hits) in _ranked(truth, prediction, lambda overlap: _taken(overlap, threshold)).items():
        involved = np.union1d(truth.image[truth.label == label], prediction.image[prediction.label == label])
        missed = int((truth.label == label).sum() - hits.sum())
        pairs = np.concatenate([hits, np.ones(missed), np.zeros(images - len(involved))])
        ranks = np.concatenate([scores, np.zeros(len(pairs) - len(scores))])
        precisions.append(average_precision(pairs, ranks))
    return float(np.mean(precisions)) if precisions else 0.0


def voc_map(truth: Boxes, prediction: Boxes, *, threshold: float = 0.5) -> float:
    """Mean over the true labels of the PASCAL VOC 2010 average precision of their boxes.

    In each image each box, by descending confidence, points at the true box of its label with the largest IoU, and is a
    hit where that is above the threshold and no box before it was. Source: Everingham et al., The PASCAL VOC 2010
    Development Kit; Kaggle, SIIM-FISABIO-RSNA COVID-19 Detection.
    """
    precisions = []
    for label, (scores, hits) in _ranked(truth, prediction, lambda overlap: _pointed(overlap, threshold)).items():
        precisions.append(envelope_precision(hits[descending(scores)], int((truth.label == label).sum())))
    return float(np.mean(precisions)) if precisions else 0.0


def centre_f1(truth: Boxes, prediction: Boxes) -> float:
    """F1 of points in boxes of all images together, 2 TP / (n + m); 0 where there is neither point nor box.

    Each true box (x, y, width, height), in the order written, takes the first free point of its label and image
    that lies inside it: a true positive. Source: Kaggle, Kuzushiji Recognition.
    """
    mine, hits = prediction.groups(), 0
    for key, boxes in truth.groups().items():
        x, y = prediction.sides[mine.get(key, NONE)].T
        free = np.ones(len(x), dtype=np.bool_)
        for left, top, width, height in truth.sides[boxes].tolist() if len(x) else ():
            inside = free & (left < x) & (x < left + width) & (top < y) & (y < top + height)
            first = int(np.argmax(inside))
            hits += int(inside[first])
            free[first] &= not inside[first]
    count = len(truth.image) + len(prediction.image)
    return 2 * hits / count if count else 0.0


def _ranked(truth: Boxes, prediction: Boxes, hits: Callable[[Floats], Flags]) -> dict[Any, tuple[Floats, Flags]]:
    """The confidences and hits of the boxes of each true label.

    `hits` is told the IoU of an image's boxes, in descending order of confidence, with the true ones.
    """
    asked, nothing = truth.groups(), (np.empty(0), np.empty(0, dtype=np.bool_))
    found: dict[Any, list[tuple[Floats, Flags]]] = {label: [nothing] for label in np.unique(truth.label)}
    for (label, image), boxes in prediction.groups().items():
        if label in found:
            ranked = boxes[descending(prediction.score[boxes])]
            overlap = iou(prediction.sides[ranked], truth.sides[asked.get((label, image), NONE)])
            found[label].append((prediction.score[ranked], hits(overlap)))
    return {
        label: (np.concatenate([scores for scores, _ in parts]), np.concatenate([flags for _, flags in parts]))
        for label, parts in found.items()
    }


def _taken(overlap: Floats, threshold: float) -> Flags:
    """Each row, in order, takes the free column of largest overlap above the threshold; whether it got one."""
    hits = np.zeros(len(overlap), dtype=np.bool_)
    left = np.where(overlap > threshold, overlap, 0.0)
    for _ in range(overlap.shape[1]):
        row = int(np.argmax(left.any(axis=1)))
        if not left[row].any():
            break
        hits[row] = True
        left[:, np.argmax(left[row])] = 0.0
        left[row] = 0.0
    return hits


def _pointed(overlap: Floats, threshold: float) -> Flags:
    """Each row points at its column of largest overlap; whether it is the first to do so above the threshold."""
    hits = np.zeros(len(overlap), dtype=np.bool_)
    if overlap.size:
        able = np.flatnonzero(overlap.max(axis=1) > threshold)
        hits[able[np.unique(overlap[able].argmax(axis=1), return_index=True)[1]]] = True
    return hits
