"""Entries for digits: images of 8 x 8 pixels, which may be moved and straightened."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter, rotate, shift, sobel
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from bench.entries.entry import Entry, Predictions, Solve, after, bare, blend, classify
from bench.entries.plain import classifiers

entry = partial(classify, "digit")
Images = NDArray[np.float64]
"""(n, 8, 8), 0 to 1."""
MOVES = ((0, 0), (0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))


def images(frame: pd.DataFrame) -> Images:
    """The pixels as images."""
    return np.asarray(bare(frame).to_numpy(dtype=float).reshape(-1, 8, 8) / 16)


def pixels(frame: pd.DataFrame) -> NDArray[np.float64]:
    """(n, 64), 0 to 1."""
    return images(frame).reshape(-1, 64)


def straight(frame: pd.DataFrame) -> NDArray[np.float64]:
    """(n, 64): the images sheared until their ink stands upright."""
    return np.stack([_upright(image) for image in images(frame)]).reshape(-1, 64)


def edges(frame: pd.DataFrame) -> NDArray[np.float64]:
    """(n, 192): straightened pixels, and the smoothed sizes of their gradients in eight directions on a 4 x 4 grid."""
    flat = straight(frame)
    found = []
    for image in flat.reshape(-1, 8, 8):
        down, right = sobel(image, axis=0), sobel(image, axis=1)
        size, angle = np.hypot(down, right), np.floor((np.arctan2(down, right) + np.pi) / (2 * np.pi) * 8) % 8
        maps = [gaussian_filter(np.where(angle == part, size, 0.0), 0.7)[::2, ::2].ravel() for part in range(8)]
        found.append(np.concatenate(maps))
    return np.hstack([flat, 0.4 * np.array(found)])


def moved(estimator: Any, view: Any = pixels, turns: bool = False) -> Solve:
    """Fit on every image, and on it moved by half a pixel (and turned by 8 degrees, if `turns`)."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        flat = view(train.drop(columns="digit")).reshape(-1, 8, 8)
        copies = [[shift(image, move, order=1) for image in flat] for move in MOVES]
        if turns:
            copies += [[rotate(image, angle, reshape=False, order=1) for image in flat] for angle in (-8, 8)]
        x, y = np.concatenate(copies).reshape(-1, 64), np.tile(train["digit"].to_numpy(), len(copies))
        return np.asarray(clone(estimator).fit(x, y).predict_proba(view(test)))

    return solve


def taught(part: Solve, estimator: Any, view: Any = pixels, sure: float = 0.9) -> Solve:
    """Fit once more, on the training images and those test images of which the first solution is sure."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        shares = np.asarray(part(train, test))
        known = shares.max(axis=1) >= sure
        x = np.concatenate([view(train.drop(columns="digit")), view(test)[known]])
        y = np.concatenate([train["digit"].to_numpy(), shares.argmax(axis=1)[known]])
        return np.asarray(clone(estimator).fit(x, y).predict_proba(view(test)))

    return solve


def _upright(image: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.mgrid[0:8, 0:8]
    ink = image.sum()
    row, column = (rows * image).sum() / ink, (columns * image).sum() / ink
    slant = ((rows - row) * (columns - column) * image).sum() / (((rows - row) ** 2 * image).sum() + 1e-9)
    matrix = np.array([[1.0, 0.0], [slant, 1.0]])
    middle = np.array([3.5, 3.5])
    offset = np.array([row, column]) - matrix @ middle
    return np.asarray(affine_transform(image, matrix, offset=offset, order=1))


def choose(shares: Predictions) -> Predictions:
    """The likeliest digit of each row."""
    return np.asarray(shares.argmax(axis=1))


def support(strength: float, width: float) -> Any:
    """A support vector machine with probabilities."""
    return CalibratedClassifierCV(SVC(C=strength, gamma=width), cv=3, ensemble=False)


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    found = [Entry(name, after(entry(model), choose)) for name, model in classifiers(100)]
    tuned = _tuned()
    kinds = [
        "support vectors on moved and turned images, C=10",
        "support vectors on edges, C=10",
        "nearest 3 of moved and turned images",
        "trees on moved and turned images, seed 0",
        "quadratic discriminant on 20 components",
    ]
    for count in (2, 3, 4, 5):
        tuned[f"blend: {count} kinds"] = blend([tuned[name] for name in kinds[:count]])
    tuned["blend: 5 kinds, support vectors most"] = blend([tuned[name] for name in kinds], [4, 2, 1, 1, 1])
    tuned["self-taught support vectors"] = taught(tuned[kinds[0]], support(10.0, 0.3))
    tuned["self-taught by the blend"] = taught(tuned["blend: 4 kinds"], support(10.0, 0.3))
    return found + [Entry(name, after(solve, choose)) for name, solve in tuned.items()]


def _tuned() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength, width in ((1.0, 0.2), (10.0, 0.3), (10.0, 0.6)):
        found[f"support vectors on pixels, C={strength:g}, gamma={width:g}"] = entry(support(strength, width), pixels)
    for strength in (3.0, 10.0):
        machine = support(strength, 0.3)
        found[f"support vectors on straightened images, C={strength:g}"] = entry(machine, straight)
        found[f"support vectors on edges, C={strength:g}"] = entry(support(strength, 0.1), edges)
        found[f"support vectors on moved images, C={strength:g}"] = moved(machine)
        found[f"support vectors on moved and turned images, C={strength:g}"] = moved(machine, turns=True)
    for k in (1, 3):
        near = KNeighborsClassifier(k, weights="distance")
        found[f"nearest {k} of pixels"] = entry(near, pixels)
        found[f"nearest {k} of edges"] = entry(near, edges)
        found[f"nearest {k} of moved and turned images"] = moved(near, turns=True)
    for count in (20, 30):
        quadratic = make_pipeline(
            PCA(count, random_state=0), QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.05)
        )
        found[f"quadratic discriminant on {count} components"] = entry(quadratic, pixels)
    for seed in (0, 1):
        trees = ExtraTreesClassifier(200, random_state=seed)
        found[f"trees on edges, seed {seed}"] = entry(trees, edges)
        found[f"trees on moved and turned images, seed {seed}"] = moved(trees, turns=True)
    return found
