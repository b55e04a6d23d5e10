"""Boxes in space overlap as polygons do, and their average precision is that of its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grading.metrics.boxes3d import Boxes3d, iou_3d, map_3d, square_corners

Point = tuple[float, float]
Box = tuple[float, float, float, float, float, float, float]
"""x, y, z, width, length, height, yaw."""
Found = tuple[int, str, float, Box]
"""Sample, label, confidence, box."""


def boxes(found: list[Found]) -> Boxes3d:
    numbers = np.array([each[3] for each in found], dtype=float).reshape(-1, 7)
    labels = np.empty(len(found), dtype=object)
    labels[:] = [each[1] for each in found]
    sample, score = np.array([each[0] for each in found], dtype=np.int64), np.array([each[2] for each in found])
    return Boxes3d(sample, labels, score, numbers[:, :3], numbers[:, 3:6], numbers[:, 6])


def corners(box: Box) -> list[Point]:
    x, y, _, width, length, _, yaw = box
    c, s = math.cos(yaw), math.sin(yaw)
    around = ((1, -1), (1, 1), (-1, 1), (-1, -1))
    return [(x + c * length / 2 * i - s * width / 2 * j, y + s * length / 2 * i + c * width / 2 * j) for i, j in around]


def clipped(polygon: list[Point], a: Point, b: Point) -> list[Point]:
    """The part to the left of the line from a to b (Sutherland and Hodgman)."""
    sides = [(b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) for p in polygon]
    kept: list[Point] = []
    for k, (p, side) in enumerate(zip(polygon, sides, strict=True)):
        q, other = polygon[(k + 1) % len(polygon)], sides[(k + 1) % len(polygon)]
        kept += [p] if side >= 0 else []
        if side * other < 0:
            t = side / (side - other)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept


def naive_iou(first: Box, second: Box) -> float:
    polygon = corners(first)
    edge = corners(second)
    for k in range(4):
        polygon = clipped(polygon, edge[k], edge[(k + 1) % 4])
    turns = [p[0] * q[1] - p[1] * q[0] for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True)]
    top = min(box[2] + box[5] / 2 for box in (first, second))
    bottom = max(box[2] - box[5] / 2 for box in (first, second))
    common = abs(sum(turns)) / 2 * max(top - bottom, 0.0)
    return common / (math.prod(first[3:6]) + math.prod(second[3:6]) - common)


def near(random: np.random.Generator, box: Box) -> Box:
    """Sometimes the same box, sometimes moved, resized or turned."""
    x, y, z, width, length, height, yaw = (v + float(random.choice([0.0, 0.0, random.normal(0, 0.15)])) for v in box)
    return x, y, z, abs(width) + 0.01, abs(length) + 0.01, abs(height) + 0.01, yaw


def anywhere(random: np.random.Generator) -> Box:
    x, y, z = random.normal(0, 1, 3).tolist()
    width, length, height = random.uniform(0.5, 3, 3).tolist()
    return x, y, z, width, length, height, float(random.choice([0.0, math.pi / 2, random.uniform(-9, 9)]))


def naive_map(truth: list[Found], guesses: list[Found], samples: int) -> float:
    means = []
    for sample in range(samples):
        values = []
        for label in {t[1] for t in truth if t[0] == sample}:
            asked = [t[3] for t in truth if t[:2] == (sample, label)]
            mine = sorted((g for g in guesses if g[:2] == (sample, label)), key=lambda g: g[2], reverse=True)
            ious = [[naive_iou(g[3], t) for t in asked] for g in mine]
            for threshold in range(50, 100, 5):
                used: set[int] = set()
                hits = []
                for row in ious:
                    best = int(np.argmax(row))
                    hits.append(row[best] > threshold / 100 and best not in used)
                    used |= {best} if hits[-1] else set()
                precision = [sum(hits[: k + 1]) / (k + 1) for k in range(len(hits))]
                values.append(sum(max(precision[k:]) for k in range(len(hits)) if hits[k]) / len(asked))
        means.append(np.mean(values))
    return float(np.mean(means))


@pytest.mark.parametrize("seed", range(3))
def test_the_overlap_of_turned_boxes_is_that_of_their_polygons(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = [anywhere(random) for _ in range(500)]
    second = [near(random, box) if k % 2 else anywhere(random) for k, box in enumerate(first)]
    found = iou_3d(boxes([(0, "a", 1.0, box) for box in first]), boxes([(0, "a", 1.0, box) for box in second]))
    assert found == pytest.approx([naive_iou(a, b) for a, b in zip(first, second, strict=True)], abs=1e-9)


def test_a_box_overlaps_itself_wholly_however_it_is_turned() -> None:
    same = boxes([(0, "a", 1.0, (2742.15, 673.16, -18.65, 1.8, 4.6, 1.6, yaw)) for yaw in np.linspace(-4, 4, 99)])
    assert iou_3d(same, same) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_mean_average_precision_is_that_of_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = [(sample, label, 1.0, anywhere(random)) for sample in range(3) for label in "aab"]
    guesses = [(t[0], t[1], round(random.random(), 1), near(random, t[3])) for t in truth for _ in range(3)]
    guesses += [(t[0], "c", 0.9, t[3]) for t in truth]
    assert map_3d(boxes(truth), boxes(guesses), 3) == pytest.approx(naive_map(truth, guesses, 3), abs=1e-9)


def test_an_overlap_of_one_half_is_not_above_one_half() -> None:
    truth: list[Found] = [(0, "a", 1.0, (0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 0.0))]
    assert map_3d(boxes(truth), boxes([(0, "a", 1.0, (0.0, 0.0, 0.0, 2.0, 2.0, 1.0, 0.0))]), 1) == 0.0
    assert map_3d(boxes(truth), boxes([(0, "a", 1.0, (0.0, 0.0, 0.0, 2.0, 2.0, 1.01, 0.0))]), 1) == pytest.approx(0.1)


def test_corners_far_away_are_no_right_angles() -> None:
    at = [(0, "a", 1.0, (x, 0.0, 0.0, 1.834, 4.609, 1.648, 2.6198)) for x in (2742.15, 2e9, math.inf, math.nan)]
    assert square_corners(boxes(at)).tolist() == [True, False, False, False]
