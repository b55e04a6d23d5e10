"""A run directory written by hand: two agents, two tasks, two seeds, every kind of ending. No Ray, no agents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.metadata import finished_runs, write_metadata
from jobs.sweepdir import SweepDir, SweepRecord
from podium.records import Accepted, AttemptRecord, Cause, Grade, ModelUsage, Tokens, TrialRecord
from podium.settings import Site
from podium.spec import SweepSpec, TrialSpec, trial_id

SWEEP = "6f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"
START = datetime(2026, 11, 21, 13, 24, 33, tzinfo=UTC)

ENDINGS = [
    # agent, task, seed, score, medal, lower is better, outcome, message, causes
    ("aide", "digits", 0, 0.98, "gold", False, Cause.OK, "", ("ok",)),
    ("aide", "digits", 1, 0.95, "bronze", False, Cause.OK, "", ("infrastructure", "ok")),
    ("aide", "wine", 0, 0.12, "", True, Cause.OK, "", ("preempted", "ok")),
    ("aide", "wine", 1, None, "", True, Cause.AGENT, "The agent gave up: | <b>\x1b[31m", ("agent",)),
    ("sample", "digits", 0, 0.1, "", False, Cause.OK, "", ("ok",)),
    ("sample", "digits", 1, 0.1, "", False, Cause.OK, "", ("ok",)),
    ("sample", "wine", 0, 1.1, "", True, Cause.OK, "", ("ok",)),
]
"""The eighth trial, sample on wine with seed 1, is not finished."""


def write_sweep(runs: Path) -> SweepDir:
    """Write it below `runs`, which must exist."""
    spec = SweepSpec(agents=("aide", "sample"), tasks=("digits", "wine"), seeds=2)
    record = SweepRecord(sweep_id=SWEEP, created_at=START, spec=spec, site=Site(), podium="0.1.0")
    sweep = SweepDir.create(runs, record)
    for ending in ENDINGS:
        _write_trial(sweep, *ending)
    for agent in spec.agents:
        group = sweep.group(agent)
        write_metadata(group, sweep.record, agent, planned=4, misfits={}, runs=finished_runs(group))
    return sweep


def _write_trial(
    sweep: SweepDir,
    agent: str,
    task: str,
    seed: int,
    score: float | None,
    medal: str,
    lower: bool,
    outcome: Cause,
    message: str,
    causes: tuple[str, ...],
) -> None:
    name = trial_id(SWEEP, agent, task, "offline", seed)
    spec = TrialSpec(sweep_id=SWEEP, trial_id=name, agent=agent, task=task, model="offline", seed=seed)
    folder = sweep.group(agent).trial(task, name)
    digest = None if score is None else "d" * 64
    attempts = []
    for number, cause in enumerate(causes):
        attempt = folder.begin_attempt()
        began = START + timedelta(seconds=100 * number)
        attempts.append(
            AttemptRecord(
                trial_id=name,
                attempt=number,
                cause=Cause(cause),
                started_at=began,
                ended_at=began + timedelta(seconds=65 + seed),
                digest=digest if cause == "ok" else None,
                steps=4 if agent == "aide" else 1,
                executions=4 if agent == "aide" else 0,
                tokens=Tokens(prompt=1000, completion=200, requests=5) if agent == "aide" else Tokens(),
                sandbox="bubblewrap" if agent == "aide" else "",
                unbounded=("disk_mb",) if agent == "aide" else (),
                model_says="offline (no LLM)" if agent == "aide" else "",
            )
        )
        attempt.close(attempts[-1])
    accepted = folder.accept(Accepted(trial_id=name, attempt=len(causes) - 1, digest=digest))
    folder.finish(
        TrialRecord(
            spec=spec,
            outcome=outcome,
            message=message,
            attempts=tuple(attempts),
            accepted=accepted,
            grade=_grade(name, task, score, medal, lower),
            usage=_usage(task) if spec.model != "none" else None,
            finished_at=START + timedelta(seconds=300),
        )
    )


def _usage(task: str) -> ModelUsage:
    fallbacks = {"openai/small": 2} if task == "digits" else {}
    return ModelUsage(requests=6, prompt=1000, cached=640, completion=250, cost=0.0125, fallbacks=fallbacks)


def _grade(name: str, task: str, score: float | None, medal: str, lower: bool) -> Grade:
    gold, silver, bronze, median = (0.01, 0.02, 0.03, 0.2) if lower else (0.97, 0.96, 0.94, 0.9)
    above = score is not None and (score < median if lower else score > median)
    return Grade(
        trial_id=name, digest=None if score is None else "d" * 64, competition_id=task, score=score,
        gold_threshold=gold, silver_threshold=silver, bronze_threshold=bronze, median_threshold=median,
        any_medal=bool(medal), gold_medal=medal == "gold", silver_medal=medal == "silver",
        bronze_medal=medal == "bronze", above_median=above, submission_exists=score is not None,
        valid_submission=score is not None, is_lower_better=lower, created_at=START,
        message="" if score is not None else "Nothing was handed in.",
    )  # fmt: skip
