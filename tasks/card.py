"""What there is to know of a task: a line for `podium tasks list`, a card for `podium tasks show`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Final

import grading.metrics
from grading.medals import Thresholds
from podium.errors import UserError
from podium.settings import Site
from podium.spec import Spec
from tasks.benchmark import BenchmarkCompetition
from tasks.benchmark_row import BenchmarkRow, Difference, Flag
from tasks.competition import SAMPLE, Competition
from tasks.task import Kind

STARTER: Final = "starter"
"""The split of our own competitions."""


class Line(Spec):
    """A task among others."""

    id: str
    kind: Kind
    name: str
    split: str
    metric: str
    lower_is_better: bool
    size_gb: float | None = None
    """Of the raw data; None: not known, or small."""
    prepared: bool
    flags: tuple[Flag, ...] = ()
    """What is known to be wrong with it."""


class Card(Line):
    """A task alone."""

    formula: str
    """The metric's own words: formula and source."""
    obstacle: str = ""
    """Why it is not prepared, and what helps."""
    category: str = ""
    public: tuple[str, ...]
    """Files of the public half: for a competition of MLE-bench its tables."""
    private: tuple[str, ...]
    sample: str
    """The sample submission in the public half."""
    sample_private: bool = False
    """The public half has it packed only."""
    ids: tuple[str, ...]
    targets: tuple[str, ...]
    """Empty: every other column of the sample submission."""
    thresholds: Thresholds
    thresholds_from: str
    """Where they come from: the catalogue, our reference entries, or a user's own leaderboard by its path."""
    sample_score: float | None = None
    """What the sample submission scores, where that is known."""
    differences: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()
    systemcard: bool = False
    description: str = ""
    """What agents are told, Markdown; for a competition of MLE-bench empty where its data are not prepared."""


def line(task: Competition | BenchmarkCompetition, site: Site) -> Line:
    """One task among others."""
    return Line(**_facts(task), prepared=not _obstacle(task, site))


def card(task: Competition | BenchmarkCompetition, site: Site) -> Card:
    """One task alone. Raises UserError where a user's own leaderboard is none."""
    obstacle = _obstacle(task, site)
    told = {"prepared": not obstacle, "obstacle": obstacle, "formula": formula(task.row.metric)}
    needed = task.grading(site).thresholds
    if isinstance(task, Competition):
        return Card(**_facts(task), **told, **_ours(task), thresholds=needed, description=task.description)
    row, own = task.row, task.own_leaderboard(site)
    return Card(
        **_facts(task),
        **told,
        **row.model_dump(include=Card.model_fields.keys() - Line.model_fields.keys() - told.keys()),
        thresholds=needed,
        thresholds_from=str(own) if own else "the catalogue",
        description="" if obstacle else task.description(site),
    )


def formula(metric: str) -> str:
    """What the function of that name in `grading.metrics` says of itself, read without importing scikit-learn."""
    for file in sorted(Path(grading.metrics.__path__[0]).glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == metric:
                return ast.get_docstring(node) or ""
    return ""


def _facts(task: Competition | BenchmarkCompetition) -> dict[str, Any]:
    row = task.row
    shared = {"id": row.id, "kind": task.kind, "name": row.name, "metric": row.metric}
    own: dict[str, Any] = {"split": STARTER}
    if isinstance(row, BenchmarkRow):
        own = {"split": row.split, "size_gb": row.size_gb, "flags": row.flags}
    return {**shared, **own, "lower_is_better": row.lower_is_better}


def _ours(task: Competition) -> dict[str, Any]:
    first, *others = task.row.submission_columns
    return {
        "public": tuple(task.recorded("public")),
        "private": tuple(task.recorded("private")),
        "sample": SAMPLE,
        "ids": (first.name,),
        "targets": tuple(column.name for column in others),
        "thresholds_from": f"{len(task.leaderboard())} reference entries",
    }


def _obstacle(task: Competition | BenchmarkCompetition, site: Site) -> str:
    """Why a task is not prepared, and what helps; empty: it is."""
    try:
        task.check_prepared(site)
    except UserError as error:
        return str(error)
    return ""
