"""Proof of a competition's bounds, by really grading: the answers take the top, the sample nothing, broken files fall.

For those who may open the answers: `podium tasks check ID`.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from grading.grade import grade
from grading.metrics.registry import metric
from grading.order import GradeOrder
from grading.parse import OpenParser
from grading.shelf import Shelf
from grading.table import Table
from podium.brief import Submission
from podium.records import Grade, now
from podium.settings import Site
from podium.spec import Spec
from tasks.benchmark import BenchmarkCompetition
from tasks.competition import ANSWERS, SAMPLE, SUBMISSION, Competition
from tasks.row import ID
from tasks.task import Task

LEAST_ENTRIES = 20


class Finding(Spec):
    """One thing that was looked at."""

    what: str
    holds: bool
    seen: str = ""
    """What was found, in a few words; no answer."""


def check(task: Competition | BenchmarkCompetition, site: Site) -> Iterator[Finding]:
    """Findings one by one. Raises UserError where the data are not prepared."""
    task.check_prepared(site)
    if isinstance(task, BenchmarkCompetition):
        yield from _benchmark(task, site)
        return
    task.check_private(site)
    yield Finding(what="both halves hold the recorded bytes", holds=True)
    yield _closed(site.private_dir(task.id))
    yield _leaderboard(task)
    yield from _apart(task, site)
    yield from _graded(task, site)


def graded(task: Task, site: Site, submission: bytes) -> Grade:
    """The grade of one file as a submission; read in this process, so for files of our own making only."""
    files = {SUBMISSION: submission}
    order = GradeOrder(
        trial_id="check",
        sweep_id="check",
        run_group="check",
        task=task.grading(site),
        digest=Submission(files).digest,
        files=files,
    )
    return grade(order, OpenParser(), site, Shelf(), now())


def _benchmark(task: BenchmarkCompetition, site: Site) -> Iterator[Finding]:
    """The invariants of MLE-bench's own tests: its best submission takes gold, the sample wins nothing."""
    row, private = task.row, site.answers_dir(task.id)
    best, sample = private / (row.gold_submission or row.answers), site.public_dir(task.id) / row.sample
    sample = sample if sample.is_file() else private / row.sample
    absent = [path.name for path in (private / row.answers, best, sample) if not path.is_file()]
    yield Finding(what="the answers and the sample submission are there", holds=not absent, seen=", ".join(absent))
    if absent:
        return
    yield _closed(private)
    top, bottom = graded(task, site, best.read_bytes()), graded(task, site, sample.read_bytes())
    yield Finding(what="the answers handed in take gold", holds=top.gold_medal, seen=f"{top.score}")
    yield Finding(
        what="the sample submission is valid and wins no medal",
        holds=bottom.valid_submission and not bottom.any_medal,
        seen=f"{bottom.score}",
    )
    yield Finding(
        what="the sample submission scores what the benchmark records for Kaggle's data",
        holds=bottom.score == row.sample_score,
        seen=f"{bottom.score}, recorded {row.sample_score}",
    )


def _closed(private: Path) -> Finding:
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (private, *private.iterdir())]
    return Finding(
        what="the private half is closed to others",
        holds=not any(mode & 0o077 for mode in modes),
        seen=" ".join(f"{mode:04o}" for mode in modes),
    )


def _leaderboard(competition: Competition) -> Finding:
    scores = [score for score, _ in competition.leaderboard()]
    lower = competition.row.lower_is_better
    return Finding(
        what=f"the leaderboard has {LEAST_ENTRIES} entries or more, best first",
        holds=len(scores) >= LEAST_ENTRIES
        and scores == sorted(scores, reverse=not lower)
        and scores[0] != scores[-1]
        and metric(competition.row.metric).lower_is_better == lower,
        seen=f"{len(scores)} entries, {scores[0]:g} to {scores[-1]:g}",
    )


def _apart(competition: Competition, site: Site) -> Iterator[Finding]:
    public = site.public_dir(competition.id)
    train, test = _table(public / "train.csv"), _table(public / "test.csv")
    answers = _table(site.private_dir(competition.id) / ANSWERS)
    shared = set(train[ID].texts()) & set(test[ID].texts())
    yield Finding(what="no row is in train and test", holds=not shared, seen=f"{len(shared)} shared ids")
    same = set(answers[ID].texts()) == set(test[ID].texts()) and answers.rows == test.rows
    yield Finding(what="the answers are those of the test rows", holds=same, seen=f"{answers.rows} rows")
    told = sorted(_asked(competition) & set(test.names))
    yield Finding(what="the test rows have no column that is asked for", holds=not told, seen=", ".join(told))
    columns = [name for name in test.names if name != ID]
    twins = len(_distinct(train, columns) & _distinct(test, columns))
    yield Finding(what="no test row has a twin in train", holds=not twins, seen=f"{twins} twins")


def _graded(competition: Competition, site: Site) -> Iterator[Finding]:
    answers = (site.private_dir(competition.id) / ANSWERS).read_bytes()
    sample = (site.public_dir(competition.id) / SAMPLE).read_bytes()
    top = graded(competition, site, answers)
    first = competition.leaderboard()[0][0]
    beats = top.score is not None and (top.score <= first if competition.row.lower_is_better else top.score >= first)
    yield Finding(what="the answers handed in take the top", holds=top.gold_medal and beats, seen=f"{top.score}")
    bottom = graded(competition, site, sample)
    yield Finding(
        what="the sample submission is valid and wins no medal",
        holds=bottom.valid_submission and not bottom.any_medal,
        seen=f"{bottom.score}",
    )
    for name, damage in BROKEN.items():
        result = graded(competition, site, damage(sample))
        yield Finding(what=f"refused: {name}", holds=not result.valid_submission, seen=result.message)


def _without_last(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:-1])


def _last_twice(content: bytes) -> bytes:
    return content + content.splitlines(keepends=True)[-1]


def _ragged(content: bytes) -> bytes:
    return content.rstrip(b"\n") + b",1,2,3\n"


def _emptied(content: bytes) -> bytes:
    lines = content.splitlines()
    lines[-1] = lines[-1].split(b",")[0] + b"," * lines[-1].count(b",")
    return b"\n".join(lines) + b"\n"


def _infinite(content: bytes) -> bytes:
    lines = content.splitlines()
    lines[-1] = lines[-1].rpartition(b",")[0] + b",inf"
    return b"\n".join(lines) + b"\n"


def _renamed(content: bytes) -> bytes:
    return content.replace(b"id,", b"number,", 1)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "an empty file": lambda _: b"",
    "bytes that are no text": lambda _: b"\xff\xfe\x00\x01\x80",
    "a row too few": _without_last,
    "a row twice": _last_twice,
    "a ragged row": _ragged,
    "an empty field": _emptied,
    "an infinite value": _infinite,
    "another name for the id": _renamed,
}
"""What is done to the sample submission, each of which makes it no submission."""


def _table(path: Path) -> Table:
    return OpenParser().parse(path.name, path.read_bytes())


def _distinct(table: Table, columns: list[str]) -> set[tuple[str, ...]]:
    return set(zip(*(table[name].texts() for name in columns), strict=True))


def _asked(competition: Competition) -> set[str]:
    return {competition.row.target.column, *(column.name for column in competition.row.submission_columns[1:])}
