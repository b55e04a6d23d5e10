"""Metrics of boxes and points agree with restatements of their definitions, and with the COCO evaluator."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from grading.metrics.boxes import Boxes, centre_f1, detection_map, envelope_precision, iou, voc_map
from grading.metrics.coco import coco_map

GOLDEN = Path(__file__).parent / "golden" / "coco.jsonl"
"""Made by COCOeval of pycocotools 2.0.11 with the IoU threshold 0.4. True boxes are [image, label, x, y, width,
height], predicted ones have their score after the label."""

Listed = list[tuple[int, str, float, list[float]]]
"""Image, label, score, sides."""


def boxes(listed: list[Any]) -> Boxes:
    image, label, score, sides = zip(*listed, strict=True) if listed else ((), (), (), np.empty((0, 4)))
    labels = np.empty(len(listed), dtype=object)
    labels[:] = label
    return Boxes(np.array(image, dtype=np.int64), labels, np.array(score, dtype=float), np.array(sides, dtype=float))


def overlap(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / total if total > 0 else 0.0


def drawn(random: np.random.Generator, images: int) -> tuple[Listed, Listed]:
    """True and predicted boxes; many predictions lie near true ones, many confidences are equal."""

    def one(sides: list[float] | None = None) -> tuple[int, str, float, list[float]]:
        low = random.integers(0, 30, 2)
        sides = sides or [*low.tolist(), *(low + random.integers(1, 30, 2)).tolist()]
        return int(random.integers(images)), str(random.choice(["a", "b", "c"])), round(random.random(), 1), sides

    truth = [one() for _ in range(random.integers(1, 10))]
    near = [(t[0], t[1], one()[2], [s + int(random.integers(-2, 3)) for s in t[3]]) for t in truth for _ in range(2)]
    return truth, [*near, *(one() for _ in range(5))]


def naive_detection(truth: Listed, prediction: Listed, images: int) -> float:
    precisions = []
    for label in {t[1] for t in truth}:
        pairs: list[tuple[int, float]] = []
        for image in range(images):
            free = [t[3] for t in truth if t[:2] == (image, label)]
            mine = sorted((p for p in prediction if p[:2] == (image, label)), key=lambda p: p[2], reverse=True)
            if not free and not mine:
                pairs.append((0, 0.0))
            for _, _, score, sides in mine:
                best = max(free, key=lambda other: overlap(sides, other), default=None)
                hit = best is not None and overlap(sides, best) > 0.5
                if best is not None and hit:
                    free.remove(best)
                pairs.append((int(hit), score))
            pairs += [(1, 0.0)] * len(free)
        if all(hit for hit, _ in pairs):
            return math.nan
        precisions.append(average_precision_score(*zip(*pairs, strict=True)))
    return float(np.mean(precisions))


def naive_voc(truth: Listed, prediction: Listed) -> float:
    values = []
    for label in {t[1] for t in truth}:
        mine = sorted((p for p in prediction if p[1] == label), key=lambda p: (-p[2], p[0]))
        asked = [t for t in truth if t[1] == label]
        used: set[int] = set()
        hits = []
        for image, _, _, sides in mine:
            ious = [overlap(sides, t[3]) if t[0] == image else -1.0 for t in asked]
            best = int(np.argmax(ious))
            hits.append(ious[best] > 0.5 and best not in used)
            used |= {best} if hits[-1] else set()
        precision = [sum(hits[: k + 1]) / (k + 1) for k in range(len(hits))]
        values.append(sum(max(precision[k:]) for k in range(len(hits)) if hits[k]) / len(asked))
    return float(np.mean(values))


@pytest.mark.parametrize("seed", range(30))
def test_average_precision_of_detections_is_that_of_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, prediction = drawn(random, 3)
    naive = naive_detection(truth, prediction, 3)
    assert detection_map(boxes(truth), boxes(prediction), 3) == pytest.approx(naive, nan_ok=True)
    assert voc_map(boxes(truth), boxes(prediction)) == pytest.approx(naive_voc(truth, prediction))


def test_boxes_that_nobody_predicts_are_missed_or_found_last() -> None:
    truth = boxes([(0, "a", 1.0, [0.0, 0.0, 9.0, 9.0])])
    assert voc_map(truth, boxes([])) == 0.0
    assert detection_map(truth, boxes([]), images=2) == 0.5


def test_an_iou_without_a_positive_union_is_zero() -> None:
    sides = np.array([[0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 1.0, 1.0], [np.nan, 0.0, 1.0, 1.0]])
    found = iou(sides, sides)
    assert found[0, 0] == 0.0
    assert not (found > 0.5)[2].any()


def test_the_envelope_is_the_best_precision_at_this_recall_or_beyond() -> None:
    hits = np.array([False, True, True, False, True])
    assert envelope_precision(hits, 4) == pytest.approx((2 / 3 + 2 / 3 + 3 / 5) / 4)


@pytest.mark.parametrize("case", [json.loads(line) for line in GOLDEN.read_text().splitlines()])
def test_coco_map_is_that_of_the_coco_evaluator(case: dict[str, Any]) -> None:
    truth = boxes([(image, label, 1.0, sides) for image, label, *sides in case["truth"]])
    prediction = boxes([(image, label, score, sides) for image, label, score, *sides in case["prediction"]])
    found = coco_map(truth, prediction, threshold=0.4, first_number=case["first_number"])
    assert found == pytest.approx(case["score"], abs=1e-12)


def test_a_box_looks_at_a_hundred_guesses_only() -> None:
    truth = boxes([(0, 0, 1.0, [0.0, 0.0, 9.0, 9.0])])
    wrong = [(0, 0, 0.9, [50.0, 50.0, 9.0, 9.0])] * 100
    assert coco_map(truth, boxes([*wrong[:99], (0, 0, 0.5, [0.0, 0.0, 9.0, 9.0])]), threshold=0.4) > 0
    assert coco_map(truth, boxes([*wrong, (0, 0, 0.5, [0.0, 0.0, 9.0, 9.0])]), threshold=0.4) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_points_take_boxes_in_the_order_in_which_both_were_written(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = [(int(random.integers(2)), "a", 1.0, random.integers(1, 9, 4).tolist()) for _ in range(6)]
    points = [(int(random.integers(2)), "a", 1.0, random.integers(1, 12, 2).tolist()) for _ in range(9)]
    free, hits = list(points), 0
    for image, _, _, (x, y, width, height) in truth:
        inside = [p for p in free if p[0] == image and x < p[3][0] < x + width and y < p[3][1] < y + height]
        if inside:
            free.remove(inside[0])
            hits += 1
    assert centre_f1(boxes(truth), boxes(points)) == pytest.approx(2 * hits / 15)


def test_pages_without_anything_score_nothing() -> None:
    assert centre_f1(boxes([]), boxes([])) == 0.0
