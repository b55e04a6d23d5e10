"""A stand-in for MLE-bench's grading server, whose package is on no index: python -m bench.validate_stand_in DATA PORT

It does for each request what is known of that server (Flask, threaded): save the upload to one fixed path, read the
competition's configuration and description, read the submission and the answers with pandas, check the form and score.
It is no copy: one process answers for all competitions, where theirs has one each, and all graders are one function.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml  # type: ignore[import-untyped]
from flask import Flask, Response, jsonify, request
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score


class Invalid(Exception):
    """What a grader says of a submission of the wrong form."""


def app(data: Path) -> Flask:
    """The server for the competitions in `data`."""
    flask = Flask("stand-in")
    upload = data / "submission_to_validate.csv"

    @flask.get("/health")
    def health() -> Response:
        return jsonify({"status": "running"})

    @flask.post("/validate/<task>")
    def validate(task: str) -> Response:
        request.files["file"].save(upload)
        return jsonify({"result": verdict(upload, data, task)})

    return flask


def verdict(upload: Path, data: Path, task: str) -> str:
    """Grade the file, and say whether that worked."""
    config = yaml.safe_load((data / task / "config.yaml").read_text())
    answers = data / config["dataset"]["answers"]
    (data / task / "prepared" / "public" / "description.md").read_text()
    if not any(answers.parent.iterdir()):
        raise ValueError("not prepared")
    try:
        score(pd.read_csv(upload), pd.read_csv(answers), config["grader"]["name"])
    except Exception as error:
        return f"Submission invalid! The attempt to grade the submission has resulted in an error:\n{error}"
    return "Submission is valid."


def score(submission: pd.DataFrame, answers: pd.DataFrame, metric: str) -> float:
    """Raises Invalid, or what pandas and scikit-learn raise."""
    place, *targets = list(answers.columns)
    missing = [name for name in (place, *targets) if name not in submission.columns]
    if missing:
        raise Invalid(f"Submission must have the columns {missing}")
    if len(submission) != len(answers):
        raise Invalid(f"Submission has {len(submission)} rows, not {len(answers)}")
    submission, answers = submission.sort_values(place), answers.sort_values(place)
    if (submission[place].to_numpy() != answers[place].to_numpy()).any():
        raise Invalid(f"Submission and answers have other values of {place}")
    guess, truth = submission[targets].to_numpy(), answers[targets].to_numpy()
    if metric == "accuracy":
        return float(accuracy_score(truth[:, 0], guess[:, 0]))
    if guess.min() < 0 or guess.max() > 1:
        raise Invalid("Predictions must be between 0 and 1")
    if metric == "auc":
        return float(roc_auc_score(truth[:, 0], guess[:, 0]))
    if not np.isclose(guess.sum(axis=1), 1).all():
        raise Invalid("Predictions must add up to 1")
    return float(log_loss(truth.argmax(axis=1), guess))


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app(Path(sys.argv[1])).run(host="127.0.0.1", port=int(sys.argv[2]), threaded=True)
