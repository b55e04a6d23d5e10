"""What it costs to grade, beside a stand-in for MLE-bench's way: python -m bench.grading [--rows 100000] [--quick]

Ours is the grader's own path: the submission is read in the jail, each file in a fork of its own; the answers are read
once and kept. The stand-in (`bench.grading_stand_in`) reads both files with pandas for every grade, as the benchmark
does, whose package is on no index. Both are warm processes that grade the same files in turn, and their scores must
agree. CPU is user and system time of a process and all that it started, jail included, from /proc/<pid>/stat.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from bench import machine

PACKAGES = ("pandas", "numpy", "scikit-learn", "pyarrow")
SIZES = (1_000, 10_000, 100_000, 1_000_000)
TASKS = {
    "tabular-playground-series-may-2022": "AUC, integer ids",
    "random-acts-of-pizza": "AUC, string ids",
    "spooky-author-identification": "log loss, three classes, string ids",
    "spaceship-titanic": "accuracy, string ids",
}
WORKERS = {"podium": "bench.grading_ours", "stand-in": "bench.grading_stand_in"}
SECONDS = 1.0
"""About so much CPU time is measured at once: /proc counts in hundredths of a second."""


class Cell(BaseModel):
    """One competition at one size: CPU milliseconds for a grade, in each round."""

    task: str
    rows: int
    megabytes: float
    cpu_ms: dict[str, list[float]]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        theirs, mine = (statistics.median(self.cpu_ms[name]) for name in ("stand-in", "podium"))
        return theirs / mine


class Worker:
    """A warm process that grades a file as often as it is told."""

    def __init__(self, module: str, data: Path, sandbox: str) -> None:
        command = [sys.executable, "-W", "ignore", "-m", module, str(data), sandbox]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def grade(self, task: str, times: int) -> tuple[float, float]:
        """The score, and the CPU seconds of all these grades together."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        before = machine.cpu_seconds(self.process.pid)
        self.process.stdin.write(json.dumps({"task": task, "times": times}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker has ended")
        return float(json.loads(line)["score"]), machine.cpu_seconds(self.process.pid) - before

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *raised: object) -> None:
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()


def prepare(data: Path, rows: int) -> None:
    """Write answers and a submission for each competition: ids in no order, the same in both, as in the sample."""
    random = np.random.default_rng(rows)
    names = random.permutation(rows) + 900_000
    truth = random.random(rows) < 0.4
    guess = np.clip(random.normal(0.4 + 0.2 * truth, 0.2, rows), 0.0, 1.0)
    shares = np.round(random.dirichlet((1, 1, 1), rows), 9)
    shares[:, 2] = 1 - shares[:, 0] - shares[:, 1]
    _write(
        data, "tabular-playground-series-may-2022", "id,target", names.astype(str), truth.astype(int), guess.round(6)
    )
    _write(
        data,
        "random-acts-of-pizza",
        "request_id,requester_received_pizza",
        _spelled("t3_{:06x}", names),
        truth.astype(int),
        guess,
    )
    one_hot = np.eye(3, dtype=int)[random.integers(0, 3, rows)]
    _write(
        data, "spooky-author-identification", "id,EAP,HPL,MWS", _spelled("id{:06d}", names), one_hot, shares.round(9)
    )
    _write(
        data, "spaceship-titanic", "PassengerId,Transported", _spelled("{:06d}_01", names), truth, truth ^ (guess > 0.7)
    )


def _spelled(form: str, numbers: NDArray[Any]) -> NDArray[Any]:
    return np.array([form.format(number) for number in numbers.tolist()])


def _write(data: Path, task: str, header: str, names: NDArray[Any], truth: NDArray[Any], guess: NDArray[Any]) -> None:
    for folder, file, cells in (("private", "test.csv", truth), ("public", "submission.csv", guess)):
        path = data / task / "prepared" / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = zip(names.tolist(), cells.reshape(len(names), -1).tolist(), strict=True)
        lines = [",".join([name, *map(str, row)]) for name, row in rows]
        path.write_text("\n".join([header, *lines, ""]))


def measure(data: Path, task: str, rows: int, rounds: int, workers: dict[str, Worker]) -> Cell:
    """Let the workers grade in turn. Raises SystemExit where their scores differ."""
    times, scores = {}, {}
    for name, worker in workers.items():
        for _ in range(2):  # the first reads answers, opens jails and imports
            scores[name], used = worker.grade(task, 3)
        times[name] = max(1, round(SECONDS / max(used / 3, 0.001)))
    if abs(scores["podium"] - scores["stand-in"]) > 1e-5:
        raise SystemExit(f"{task}, {rows} rows: the scores differ: {scores}")
    cell = Cell(task=task, rows=rows, megabytes=_size(data, task), cpu_ms={name: [] for name in workers})
    for _ in range(rounds):
        for name, worker in workers.items():
            cell.cpu_ms[name].append(worker.grade(task, times[name])[1] / times[name] * 1e3)
    return cell


def _size(data: Path, task: str) -> float:
    return (data / task / "prepared" / "public" / "submission.csv").stat().st_size / 1e6


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Markdown."""
    yield "| metric | rows | MB | podium: CPU ms min / median | stand-in: CPU ms min / median | ratio |"
    yield "|---|---:|---:|---:|---:|---:|"
    for cell in cells:
        texts = [f"{min(spent):.1f} / {statistics.median(spent):.1f}" for spent in cell.cpu_ms.values()]
        yield f"| {TASKS[cell.task]} | {cell.rows:,} | {cell.megabytes:.2f} | {' | '.join(texts)} | {cell.ratio:.1f} |"


@click.command()
@click.option("--rows", multiple=True, type=int, default=SIZES, show_default=True)
@click.option("--task", "tasks", multiple=True, type=click.Choice(list(TASKS)), help="Only these competitions.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--quick", is_flag=True, help="One round: to see that it runs.")
@click.option("--sandbox", default="bubblewrap", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(rows: tuple[int, ...], tasks: tuple[str, ...], rounds: int, quick: bool, sandbox: str, as_json: bool) -> None:
    """Measure both ways and print the table."""
    about, cells = machine.described(*PACKAGES), []
    for size in rows:
        with tempfile.TemporaryDirectory(prefix="podium-bench-") as folder, ExitStack() as stack:
            prepare(Path(folder), size)
            workers = {
                name: stack.enter_context(Worker(module, Path(folder), sandbox)) for name, module in WORKERS.items()
            }
            for task in tasks or TASKS:
                cells.append(measure(Path(folder), task, size, 1 if quick else rounds, workers))
                click.echo(f"{size:>9,} rows  {TASKS[task]:<36} {cells[-1].ratio:5.1f} times less CPU", err=True)
    if as_json:
        click.echo(json.dumps({"machine": about, "cells": [cell.model_dump() for cell in cells]}, indent=2))
        return
    click.echo(about + "\n")
    for line in table(cells):
        click.echo(line)


if __name__ == "__main__":
    main()
