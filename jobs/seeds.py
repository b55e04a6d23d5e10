"""MLE-bench's aggregation over seeds: medal rates of each seed, their mean, standard error and 95 % interval.

podium aggregate (--experiment-id E | --grading-reports FILE ...) [--split split75] [--num-seeds N] [--pad-missing]
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from pydantic import BaseModel, ConfigDict

from jobs.benchmark_report import read_reports
from jobs.commands import RUNS, known_site
from podium.errors import UnknownName, UserError
from tasks import registry

EXPERIMENTS = "run_group_experiments.csv"
"""Below the runs directory: which run groups make up an experiment (`experiment_id,run_group`)."""
ALL = -1


class Outcome(BaseModel):
    """What the aggregation needs of a competition report."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    competition_id: str
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool

    @classmethod
    def nothing(cls, competition_id: str) -> Outcome:
        """Of a competition for which nothing was handed in."""
        return cls(competition_id=competition_id, **dict.fromkeys(cls.model_fields.keys() - {"competition_id"}, False))

    @property
    def any_medal(self) -> bool:
        return self.gold_medal or self.silver_medal or self.bronze_medal


@dataclass(frozen=True)
class SeedMetrics:
    """One seed over all competitions of a split; per cent."""

    total_competitions: int
    submission_exists_percentage: float
    valid_submissions_percentage: float
    above_median_percentage: float
    gold_medal_percentage: float
    silver_medal_percentage: float
    bronze_medal_percentage: float
    any_medal_percentage: float


def seeds(
    reports: Iterable[Sequence[Outcome]], competitions: Sequence[str], number: int = ALL, *, pad: bool = False
) -> list[list[Outcome]]:
    """The outcomes of each seed: the i-th report of a competition is its seed i.

    `reports`: of one file each, in the files' order; inside a file they are taken by competition. There are as many
    seeds as the competition with the fewest reports has; with `pad` as the one with the most, and what is missing
    counts as nothing handed in. Competitions that are not asked for are passed over. Raises UserError.
    """
    found: dict[str, list[Outcome]] = defaultdict(list)
    for report in reports:
        for outcome in sorted(report, key=lambda outcome: outcome.competition_id):
            found[outcome.competition_id].append(outcome)
    counts = [len(found[competition]) for competition in competitions]
    missing = [competition for competition, count in zip(competitions, counts, strict=True) if not count]
    if missing and not pad:
        raise UserError(
            f"Missing reports for competitions: {', '.join(missing)}; cannot build complete seeds.",
            "Grade them, choose the list that was run with --split, or count them as nothing with --pad-missing.",
        )
    complete = max(counts) if pad else min(counts)
    if not complete:
        raise UserError("No reports available to form any seed.", "Name other reports, or another --split.")
    if number > complete:
        raise UserError(
            f"Requested {number} seeds, but only {complete} complete seeds available.",
            "Ask for fewer, or fill up what is missing with --pad-missing.",
        )
    asked = complete if number == ALL else number
    return [[_at(found[name], seed) or Outcome.nothing(name) for name in competitions] for seed in range(asked)]


def _at(outcomes: Sequence[Outcome], seed: int) -> Outcome | None:
    return outcomes[seed] if seed < len(outcomes) else None


def metrics(outcomes: Sequence[Outcome]) -> SeedMetrics:
    """The rates of one seed, one outcome a competition."""

    def rate(hits: Iterable[bool]) -> float:
        return sum(hits) / len(outcomes) * 100

    return SeedMetrics(
        total_competitions=len(outcomes),
        submission_exists_percentage=rate(outcome.submission_exists for outcome in outcomes),
        valid_submissions_percentage=rate(outcome.valid_submission for outcome in outcomes),
        above_median_percentage=rate(outcome.above_median for outcome in outcomes),
        gold_medal_percentage=rate(outcome.gold_medal for outcome in outcomes),
        silver_medal_percentage=rate(outcome.silver_medal for outcome in outcomes),
        bronze_medal_percentage=rate(outcome.bronze_medal for outcome in outcomes),
        any_medal_percentage=rate(outcome.any_medal for outcome in outcomes),
    )


def summary(rates: Sequence[SeedMetrics]) -> dict[str, Any]:
    """The mean over seeds (1 or more) with its standard error (ddof=1; 0 for one seed) and mean +- 1.96 of it."""
    return {
        "num_seeds_averaged": len(rates),
        "num_competitions_per_seed": rates[0].total_competitions,
        "metrics": {field.name: _spread([asdict(rate)[field.name] for rate in rates]) for field in fields(SeedMetrics)},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {"mean": mean, "ci_lower": mean - 1.96 * error, "ci_upper": mean + 1.96 * error, "standard_error": error}


def reports_of(experiment: str, runs: Path, say: Callable[[str], None]) -> list[Path]:
    """The grading reports of an experiment's run groups; says which group has none, and leaves it out.

    Raises UserError, UnknownName.
    """
    table = runs / EXPERIMENTS
    try:
        text = table.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"There is no {table}.", "Write it (experiment_id,run_group), or use --grading-reports."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{table} cannot be read: {error}.", "Write one line a run group, as UTF-8.") from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row]
    pairs = [(row[0], row[1]) for row in rows if len(row) > 1 and row[0] != "experiment_id"]
    groups = [group for name, group in pairs if name == experiment]
    if not groups:
        raise UnknownName("experiment", experiment, {name for name, _ in pairs})
    found = {group: _report_of(runs / group) for group in groups}
    for group in (group for group, report in found.items() if report is None):
        say(f"There is no grading report in {runs / group}: left out. To have it: podium report {group}")
    reports = [report for report in (found[group] for group in groups) if report is not None]
    if not reports:
        raise UserError(f"No run group of {experiment} has a grading report.", "Make them: podium report NAME")
    return reports


def _report_of(group: Path) -> Path | None:
    """A run group's own report, else the latest that was made of it."""
    own = group / "grading_report.json"
    made = sorted(group.glob("*grading_report*.json"))
    return own if own in made else max(made, default=None)


@click.command()
@click.option("--experiment-id", metavar="ID", help=f"The run groups that {EXPERIMENTS} lists for it.")
@click.option("--grading-reports", "first", multiple=True, metavar="FILE...", help="Grading reports, one or more.")
@click.argument("more", nargs=-1, metavar="")
@click.option("--split", default="split75", show_default=True, help="Of experiments/splits, or a file.")
@click.option("--num-seeds", type=int, default=ALL, help="Only the first N seeds; -1: all.")
@click.option("--pad-missing", is_flag=True, help="Count missing reports as nothing handed in.")
@RUNS
@click.option("--json", "as_json", is_flag=True, help="The result on stdout only; no line a seed on stderr.")
def aggregate(
    experiment_id: str | None, first: tuple[str, ...], more: tuple[str, ...], split: str, num_seeds: int,
    pad_missing: bool, runs: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Average grading reports over seeds, as MLE-bench does: mean, standard error (n-1) and 95 % interval, as JSON."""
    given = [Path(name) for name in sorted([*first, *more])]  # as texts: `a-b/x` is before `a/x`, unlike for paths
    if bool(given) == bool(experiment_id):
        raise UserError("Which reports?", "Give either --grading-reports FILE ... or --experiment-id ID.")
    if num_seeds < 1 and num_seeds != ALL:
        raise UserError(f"--num-seeds {num_seeds} is no number of seeds.", "Give 1 or more; -1 takes all.")
    competitions = registry.split(split)
    paths = given or sorted(
        reports_of(str(experiment_id), runs or known_site().runs, partial(click.echo, err=True)), key=str
    )
    found = seeds([read_reports(path, Outcome) for path in paths], competitions, num_seeds, pad=pad_missing)
    rates = [metrics(outcomes) for outcomes in found]
    if not as_json:
        for number, rate in enumerate(rates, 1):
            click.echo(f"Seed {number}: {rate}", err=True)
    click.echo(json.dumps(summary(rates), indent=2))
