"""The baseline's program on made tables: each metric and each form of a submission, as one file run alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.baseline import Knobs, baseline_program
from podium.brief import Brief, Column, ColumnKind, OutputFile

ROWS = 160


def made_features(random: np.random.Generator) -> pd.DataFrame:
    """Numbers with gaps, categories, dates, texts, truth values, a constant and a column of nothing."""
    words = np.array(["good", "bad", "ugly", "fine", "poor"])
    table = pd.DataFrame(
        {
            "row": np.arange(ROWS),
            "a": random.normal(size=ROWS),
            "b b": random.normal(size=ROWS).round(2),
            "colour": random.choice(["red", "green", "blüe"], ROWS),
            "city": random.choice([f"c{i}" for i in range(40)], ROWS),
            "when": pd.date_range("2020-01-01", periods=ROWS).astype(str),
            "text": [" ".join(random.choice(words, 6)) + f" {i}" for i in range(ROWS)],
            "flag": random.random(ROWS) < 0.5,
            "same": 1,
            "nothing": np.nan,
        }
    )
    for name in ("b b", "colour", "when", "text"):
        table.loc[random.random(ROWS) < 0.1, name] = None
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


def run_baseline(
    folder: Path, features: pd.DataFrame, target: pd.DataFrame, columns: tuple[Column, ...], metric: str, lower: bool
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The submission, the sample and what the program printed."""
    train = features.iloc[:120].join(target.iloc[:120])
    test = features.iloc[120:]
    sample = pd.DataFrame({column.name: (test["row"] if column.kind == "id" else 0) for column in columns})
    sample = sample.sample(frac=1, random_state=2)
    (folder / "input").mkdir()
    (folder / "submission").mkdir()
    for name, table in (("train", train), ("test", test), ("sample_submission", sample)):
        table.to_csv(folder / "input" / f"{name}.csv", index=False)
    brief = Brief(
        id="made", text="", metric=metric, lower_is_better=lower, outputs=(OutputFile(columns=columns, rows=40),)
    )
    program = baseline_program(brief, Knobs(folds=2))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return pd.read_csv(folder / "submission" / "submission.csv"), sample, done.stdout


@pytest.fixture
def features() -> pd.DataFrame:
    return made_features(np.random.default_rng(0))


def id_and(*columns: tuple[str, ColumnKind, tuple[str, ...]]) -> tuple[Column, ...]:
    made = [Column(name=name, kind=kind, labels=labels) for name, kind, labels in columns]
    return (Column(name="row", kind="id"), *made)


@pytest.mark.parametrize(
    ("metric", "lower"), [("rmse", True), ("mae", True), ("rmsle", True), ("r2", False), ("something_else", True)]
)
def test_numbers_are_predicted_for_every_row(tmp_path: Path, features: pd.DataFrame, metric: str, lower: bool) -> None:
    target = pd.DataFrame({"y": np.exp(features["a"]) + (features["colour"] == "red")})
    answer, sample, said = run_baseline(tmp_path, features, target, id_and(("y", "number", ())), metric, lower)
    assert answer["row"].tolist() == sample["row"].tolist()
    truth = target["y"].set_axis(features["row"]).loc[answer["row"]].to_numpy()
    assert np.isfinite(answer["y"]).all()
    assert np.abs(answer["y"] - truth).mean() < np.abs(target["y"].median() - truth).mean()
    assert f"Validation {metric}: " in said


@pytest.mark.parametrize(
    ("metric", "kind", "lower"),
    [
        ("roc_auc", "probability", False),
        ("log_loss", "probability", True),
        ("accuracy", "label", False),
        ("f1", "label", False),
    ],
)
def test_two_classes_are_predicted(
    tmp_path: Path, features: pd.DataFrame, metric: str, kind: ColumnKind, lower: bool
) -> None:
    target = pd.DataFrame({"y": (features["a"] + 0.1 * features["flag"] > 0).astype(int)})
    answer, sample, _ = run_baseline(tmp_path, features, target, id_and(("y", kind, ("0", "1"))), metric, lower)
    assert answer["row"].tolist() == sample["row"].tolist()
    assert answer["y"].between(0, 1).all()
    truth = target["y"].set_axis(features["row"]).loc[answer["row"]].to_numpy()
    assert ((answer["y"] > 0.5) == truth).mean() > 0.75


@pytest.mark.parametrize("prefix", ["", "class_"])
def test_a_column_for_each_class_gets_its_probability(tmp_path: Path, features: pd.DataFrame, prefix: str) -> None:
    target = pd.DataFrame(
        {"kind": pd.cut(features["a"], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]).astype(str)}
    )
    labels = ["mid", "low", "high"]
    columns = id_and(*((f"{prefix}{label}", "probability", ()) for label in labels))
    answer, _, _ = run_baseline(tmp_path, features, target, columns, "log_loss", True)
    assert answer.columns.tolist() == ["row", *(prefix + label for label in labels)]
    assert np.allclose(answer.iloc[:, 1:].sum(axis=1), 1)
    truth = target["kind"].set_axis(features["row"]).loc[answer["row"]]
    guess = answer.iloc[:, 1:].set_axis(labels, axis=1).idxmax(axis=1)
    assert (guess.to_numpy() == truth.to_numpy()).mean() > 0.6


def test_text_labels_come_out_as_they_stand_in_the_training_table(tmp_path: Path, features: pd.DataFrame) -> None:
    target = pd.DataFrame({"verdict": np.where(features["a"] > 0, "yes, surely", "no")})
    columns = id_and(("verdict", "label", ("no", "yes, surely")))
    answer, _, _ = run_baseline(tmp_path, features, target, columns, "accuracy", False)
    assert set(answer["verdict"]) == {"no", "yes, surely"}


def test_unseen_groups_are_held_out_in_validation(tmp_path: Path, features: pd.DataFrame) -> None:
    random = np.random.default_rng(1)
    patient = np.repeat(np.arange(20), ROWS // 20)
    levels, heights = random.normal(scale=5, size=20), random.normal(size=20)
    features = features.assign(patient=patient, height=heights[patient])
    target = pd.DataFrame({"y": levels[patient] + 0.01 * features["a"]})
    _, _, said = run_baseline(tmp_path, features, target, id_and(("y", "number", ())), "rmse", True)
    score = float(said.split("Validation rmse: ")[1])
    assert score > 0.7 * target["y"][:120].std(), "a random split would have known each patient by the height"


def test_several_targets_are_predicted_one_by_one(tmp_path: Path, features: pd.DataFrame) -> None:
    target = pd.DataFrame({"y": features["a"] * 2, "z": -features["a"]})
    columns = id_and(("y", "number", ()), ("z", "number", ()))
    answer, _, _ = run_baseline(tmp_path, features, target, columns, "rmse", True)
    assert np.corrcoef(answer["y"], answer["z"])[0, 1] < -0.8
