"""A stand-in for MLE-bench's grading: python -m bench.grading_stand_in DATA, with orders on standard input.

For every grade it does what is known of the benchmark's: read the submission and the answers with pandas, whose floats
round-trip, check columns, lengths and values, sort both by id, compare the ids place by place, ask scikit-learn, round.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score


def main() -> None:
    """Grade as often as each line of standard input says, and answer with the score."""
    data = Path(sys.argv[1])
    for line in sys.stdin:
        asked = json.loads(line)
        prepared = data / asked["task"] / "prepared"
        for _ in range(asked["times"]):
            score = grade(prepared / "public" / "submission.csv", prepared / "private" / "test.csv")
        print(json.dumps({"score": score}), flush=True)


def grade(submission_file: Path, answers_file: Path) -> float:
    """The rounded score of one file. Raises ValueError, or what pandas and scikit-learn raise."""
    submission = pd.read_csv(submission_file, float_precision="round_trip")
    answers = pd.read_csv(answers_file, float_precision="round_trip")
    key, *targets = list(answers.columns)
    for name in (key, *targets):
        if name not in submission.columns:
            raise ValueError(f"no column {name}")
    if len(submission) != len(answers):
        raise ValueError("another number of rows")
    submission, answers = submission.sort_values(by=key), answers.sort_values(by=key)
    if (submission[key].to_numpy() != answers[key].to_numpy()).any():
        raise ValueError("other ids")
    return round(score(answers[targets], submission[targets]), 5)


def score(truth: pd.DataFrame, guess: pd.DataFrame) -> float:
    """Accuracy of truth values, log loss of several classes, else the area under the ROC curve."""
    if truth.dtypes.iloc[0].kind == "b":
        return float(accuracy_score(truth.to_numpy()[:, 0], guess.to_numpy()[:, 0]))
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in guess.dtypes):
        raise ValueError("not numbers")
    if guess.min().min() < 0 or guess.max().max() > 1:
        raise ValueError("not probabilities")
    if len(truth.columns) == 1:
        return float(roc_auc_score(truth.to_numpy()[:, 0], guess.to_numpy()[:, 0]))
    if not np.isclose(guess.sum(axis=1), 1, rtol=1e-5, atol=1e-6).all():
        raise ValueError("rows that do not sum to 1")
    return float(log_loss(truth.to_numpy(), guess.to_numpy()))


if __name__ == "__main__":
    main()
