"""Prepared competitions of any size for `bench.validate`, and submissions to them that are each like no other."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

Cells = Callable[[int], str]


@dataclass(frozen=True)
class Kind:
    """A competition: its columns, and what stands in a row of a submission or of the answers."""

    columns: str
    answers: str
    """The file in the private half."""
    metric: str
    """As the stand-in knows it."""
    name: Cells
    """Row number -> id."""
    truth: Cells
    """Row number -> true cells."""
    guess: Cells
    """Any number -> predicted cells, different for different numbers."""


def _one_hot(row: int) -> str:
    return ("1,0,0", "0,1,0", "0,0,1")[row * 7 % 3]


def _three(number: int) -> str:
    first = 0.2 + number % 10**8 / 10**9
    return f"{first:.9f},{0.6 - first:.9f},0.400000000"


KINDS: dict[str, Kind] = {
    "spaceship-titanic": Kind(
        columns="PassengerId,Transported",
        answers="test.csv",
        metric="accuracy",
        name=lambda row: f"{row:06d}_01",
        truth=lambda row: str(row * 7 % 3 == 0),
        guess=lambda number: str(number % 2 == 0),
    ),
    "random-acts-of-pizza": Kind(
        columns="request_id,requester_received_pizza",
        answers="test.csv",
        metric="auc",
        name=lambda row: f"t3_{row:06x}",
        truth=lambda row: str(int(row * 7 % 3 == 0)),
        guess=lambda number: f"0.{number % 10**9:09d}",
    ),
    "tabular-playground-series-may-2022": Kind(
        columns="id,target",
        answers="test.csv",
        metric="auc",
        name=lambda row: str(900_000 + row),
        truth=lambda row: str(int(row * 7 % 3 == 0)),
        guess=lambda number: f"0.{number % 10**9:09d}",
    ),
    "spooky-author-identification": Kind(
        columns="id,EAP,HPL,MWS",
        answers="test.csv",
        metric="log loss",
        name=lambda row: f"id{row:05d}",
        truth=_one_hot,
        guess=_three,
    ),
}
CONFIG = """\
id: {id}
name: {id}
competition_type: simple
awards_medals: false
prizes: null
description: {id}/description.md
dataset:
  answers: {id}/prepared/private/{answers}
  sample_submission: {id}/prepared/public/sample_submission.csv
grader:
  name: {metric}
  grade_fn: {id}.grade:grade
preparer: {id}.prepare:prepare
"""
"""A competition's description for the stand-in, with the keys that the benchmark's has."""
MARKED = 24
"""Rows of a submission by which it differs from all others, also where a cell has two values only."""


def lines(kind: Kind, rows: int, cells: Cells) -> list[bytes]:
    return [f"{kind.name(row)},{cells(row)}\n".encode() for row in range(rows)]


def _always(cells: str, row: int) -> str:
    return cells


def prepare(data: Path, rows: int) -> None:
    """Both halves of every competition below `data`, in MLE-bench's layout."""
    for task_id, kind in KINDS.items():
        public, private = (data / task_id / "prepared" / half for half in ("public", "private"))
        header = f"{kind.columns}\n".encode()
        public.mkdir(parents=True)
        private.mkdir(parents=True)
        sample = lines(kind, rows, partial(_always, kind.guess(0)))
        (public / "sample_submission.csv").write_bytes(header + b"".join(sample))
        (public / "sampleSubmission.csv").symlink_to("sample_submission.csv")
        (public / "description.md").write_text("What is asked.\n" * 500)
        config = CONFIG.format(id=task_id, answers=kind.answers, metric=kind.metric)
        (data / task_id / "config.yaml").write_text(config)
        (private / kind.answers).write_bytes(header + b"".join(lines(kind, rows, kind.truth)))


@dataclass(frozen=True)
class Upload:
    """One request, and what its answer must say."""

    task: str
    content: bytes
    valid: bool
    words: str
    """Must occur in the answer."""


@cache
def _base(task: str, rows: int) -> tuple[bytes, list[int]]:
    """The common part of a competition's submissions, and where each of its rows begins."""
    kind, generator = KINDS[task], random.Random(task)
    made = lines(kind, rows, lambda row: kind.guess(generator.randrange(10**9)))
    starts = [0]
    for line in made:
        starts.append(starts[-1] + len(line))
    return b"".join(made), starts


def upload(number: int, rows: int) -> Upload:
    """The request of that number: competitions in turn; of three two are valid, one lacks rows or has a strange id."""
    task = list(KINDS)[number % len(KINDS)]
    kind, (text, starts) = KINDS[task], _base(task, rows)
    header = f"{kind.columns}\n".encode()
    marks = (number >> row if kind.metric == "accuracy" else number + row for row in range(MARKED))
    marked = [f"{kind.name(row)},{kind.guess(mark)}\n".encode() for row, mark in enumerate(marks)]
    turn = number // len(KINDS) % 6
    if turn == 1:
        kept = rows - 1 - number % (rows // 2)
        body = b"".join([header, *marked, text[starts[MARKED] : starts[kept]]])
        return Upload(task, body, False, f" {kept} rows")
    if turn == 4:
        strange = f"{10**9 + number},{kind.guess(number)}\n".encode()
        return Upload(task, b"".join([header, *marked, text[starts[MARKED] : starts[rows - 1]], strange]), False, "")
    return Upload(task, b"".join([header, *marked, text[starts[MARKED] :]]), True, "Submission is valid.")
