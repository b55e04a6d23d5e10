"""A driver without Ray, for tests that need a process to kill: `python -m tests.unit.driver_process RUNS SECONDS`.

Its attempts take SECONDS each; the sweep below RUNS is resumed where there is one. It exits as a sweep does.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from jobs.asked import Asked
from jobs.drive import Prepared, drive, finish
from jobs.options import Request
from jobs.plan import AgentFacts, TaskFacts, plan
from jobs.sweepdir import SweepDir, SweepRecord
from podium.brief import Submission
from podium.records import Accepted, AttemptRecord, Cause, Grade, now
from podium.rundir import AttemptDir
from podium.settings import Site
from podium.spec import SweepSpec, TrialSpec
from tests.unit.simulation import SWEEP, grade_of
from tests.unit.synthetic import START


class QuietPorts:
    """Attempts that hand in one file after a while; grades without a medal."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def start(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
        began = now()
        await asyncio.sleep(self._seconds)
        (attempt.submission / "submission.csv").write_text("id,target\n1,0\n")
        return AttemptRecord(
            trial_id=trial.trial_id, attempt=attempt.number, cause=Cause.OK, started_at=began, ended_at=now()
        )

    async def grade(self, trial: TrialSpec, attempt: AttemptDir, accepted: Accepted, submission: Submission) -> Grade:
        return grade_of(trial, accepted.digest)

    async def usage(self, trial: TrialSpec) -> None:
        return None

    async def ledger(self, run_group: str) -> list[str]:
        return [f'{{"run_group": "{run_group}"}}']


def prepared(runs: Path, agents: tuple[str, ...] = ("baseline", "sample"), seeds: int = 1) -> Prepared:
    """A sweep of agents that ask no model on one task, the one below `runs` where there is one."""
    spec = SweepSpec(agents=agents, tasks=("wine",), seeds=seeds)
    facts = {name: AgentFacts(name=name, needs_model=False) for name in agents}
    planned = plan(spec, SWEEP, facts, {"wine": TaskFacts(id="wine")})
    before = SweepDir.find(runs, SWEEP) if any(runs.glob("*/sweep.json")) else None
    record = before.record if before else SweepRecord(sweep_id=SWEEP, created_at=START, spec=spec, site=Site())
    return Prepared(record.model_copy(update={"spec": spec}), planned, runs, before)


def run(runs: Path, seconds: float, console: Console) -> int:
    """One driver's life; gives the exit code. Raises UserError where another driver lives."""
    made, request = prepared(runs), Request(asked=Asked(values={}))
    with made.opened() as sweep:
        result, report = asyncio.run(drive(made, QuietPorts(seconds), request, console, sweep))
        return finish(result, report, sweep, request, console)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), float(sys.argv[2]), Console(width=200)))
