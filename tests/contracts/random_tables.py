"""Tables with random column names and everything that real ones have, with the briefs that ask for their answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from podium.brief import Brief, Column, OutputFile

METRICS: dict[str, tuple[str, bool, int]] = {
    "roc_auc": ("probability", False, 2),
    "log_loss": ("probability", True, 3),
    "average_precision": ("probability", False, 2),
    "accuracy": ("label", False, 4),
    "balanced_accuracy": ("label", False, 3),
    "f1_macro": ("label", False, 3),
    "quadratic_kappa": ("label", False, 5),
    "rmse": ("number", True, 0),
    "mae": ("number", True, 0),
    "rmsle": ("number", True, 0),
    "r2": ("number", False, 0),
}
"""Metric -> kind of its output, whether lower is better, number of classes."""


@dataclass(frozen=True)
class TableTask:
    """A prepared table: its folder (`input/` inside), the brief, and the test rows with their answers."""

    folder: Path
    brief: Brief
    test: pd.DataFrame
    targets: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.brief.outputs[0].columns[0].name

    @property
    def values(self) -> list[str]:
        return [column.name for column in self.brief.outputs[0].columns[1:]]


def prepare(folder: Path, metric: str, *, seed: int = 0, rows: int = 240, targets: int = 1) -> TableTask:
    """Write train.csv, test.csv and sample_submission.csv (its rows shuffled) into `folder/input`."""
    random = np.random.default_rng([seed, len(metric)])
    frame, signal = _features(random, rows + 120)
    kind, lower, classes = METRICS[metric]
    names = tuple(_name(random, f"goal{number}") for number in range(targets))
    for name in names:
        frame[name] = pd.Series(_answers(signal + random.normal(size=len(frame)) * 0.3, metric, classes))
    columns = [column for name in names for column in _columns(frame[name], name, kind, metric)]
    (folder / "input").mkdir(parents=True)
    train, test = frame[:rows], frame[rows:]
    train.to_csv(folder / "input/train.csv", index=False)
    test.drop(columns=list(names)).to_csv(folder / "input/test.csv", index=False)
    row = str(frame.columns[0])
    sample = pd.DataFrame({row: test[row].sample(frac=1, random_state=seed)})
    for column in columns:
        sample[column.name] = column.labels[0] if column.labels else 0.5
    sample.to_csv(folder / "input/sample_submission.csv", index=False)
    output = OutputFile(columns=(Column(name=row, kind="id"), *columns), rows=len(test))
    brief = Brief(id="table", text="Predict.", metric=metric, lower_is_better=lower, outputs=(output,), seed=seed)
    return TableTask(folder, brief, test, names)


def _name(random: np.random.Generator, end: str) -> str:
    return "".join(random.choice(list("bcdfghjkmnpqrstvwxz"), 5)) + "_" + end


def _features(random: np.random.Generator, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers, gaps, categories (few, many, with gaps, unseen), truth values, dates, text, a constant; and a signal."""
    numbers = random.normal(size=(rows, 4))
    colour = random.choice(["red", "green", "blue, dark", "Ünï"], rows)
    gaps = numbers[:, 1].copy()
    gaps[random.random(rows) < 0.15] = np.nan
    half = pd.Series(random.choice(["x", "y"], rows)).where(random.random(rows) > 0.2)
    late = [f"late{n}" if n >= rows - 60 else f"c{n % 30}" for n in range(rows)]
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    words = ["good", "bad", "item", "very", "price", "slow", "fast"]
    made = {
        "row": [f"{n:05d}" for n in random.permutation(rows)],
        "a": numbers[:, 0],
        "b": gaps,
        "c": numbers[:, 2] * 1e6,
        "d": random.integers(0, 4, rows),
        "e": colour,
        "f": half,
        "g": late,
        "h": random.random(rows) < 0.3,
        "i": days.strftime("%Y-%m-%d"),
        "j": [" ".join(random.choice(words, 6)) for _ in range(rows)],
        "k": "always",
    }
    frame = pd.DataFrame({_name(random, name): values for name, values in made.items()})
    return frame, numbers[:, 0] + 0.7 * numbers[:, 1] ** 2 + (colour == "red") * 1.5


def _answers(signal: np.ndarray, metric: str, classes: int) -> list[object]:
    if not classes:
        return list(np.exp(signal / 2) if metric == "rmsle" else signal * 10)
    cut = pd.qcut(signal, classes, labels=False)
    return [int(kind) if metric in ("quadratic_kappa", "roc_auc") else f"kind {kind}" for kind in cut]


def _columns(answers: pd.Series, name: str, kind: str, metric: str) -> list[Column]:
    labels = tuple(str(label) for label in sorted(set(answers))) if kind != "number" else ()
    if kind == "label":
        return [Column(name=name, kind="label", labels=labels)]
    if kind == "probability" and len(labels) > 2:
        return [Column(name=f"p_{label}", kind="probability") for label in labels]
    return [Column(name=name, kind="probability" if kind == "probability" else "number")]
