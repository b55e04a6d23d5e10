"""The proof that a sweep came out right: its run directory held against the grader's own ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from jobs.catalogue import make_plan
from jobs.sweepdir import SweepDir
from podium.records import Cause
from podium.rundir import TrialDir
from podium.spec import TrialSpec


def faults(sweep: SweepDir, ledger: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with the sweep as its own spec plans it; see `faults_of`."""
    return faults_of(
        sweep, make_plan(sweep.record.spec, sweep.record.sweep_id, sweep.record.site, sweep.runs).trials, ledger
    )


def faults_of(sweep: SweepDir, planned: Sequence[TrialSpec], ledger: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong; empty: each planned trial is finished and graded exactly once, and no attempt was deleted.

    `ledger` holds, by run group, the grader's rows as JSON lines, with at least `trial_id`, `digest` and `reason`.
    """
    rows = [json.loads(line) for lines in ledger.values() for line in lines]
    graded = Counter(row["trial_id"] for row in rows if not row.get("reason"))
    digests = {row["trial_id"]: row["digest"] for row in rows}
    wrong = [f"{name} is in the ledger {count} times" for name, count in graded.items() if count != 1]
    wrong += [f"{name} is in the ledger and was not planned" for name in graded.keys() - _ids(planned)]
    wrong += [f"{name} was planned and is not in the ledger" for name in _ids(planned) - graded.keys()]
    for trial in planned:
        wrong += _faults(sweep.group(trial.agent).trial(trial.task, trial.trial_id), trial, digests)
    return wrong


def losses(sweep: SweepDir) -> list[str]:
    """Finished trials that came to no submission: among agents that never fail, each was lost to a death."""
    records = [record for group in sweep.groups() for trial in group.trials() if (record := trial.record())]
    return [
        f"{record.spec.trial_id} ended as {record.outcome} without a submission: {record.message}"
        for record in records
        if record.outcome is not Cause.OK or record.accepted is None or record.accepted.digest is None
    ]


def _ids(trials: Sequence[TrialSpec]) -> set[str]:
    return {trial.trial_id for trial in trials}


def _faults(folder: TrialDir, trial: TrialSpec, digests: Mapping[str, str | None]) -> list[str]:
    record, name = folder.record(), trial.trial_id
    if record is None:
        return [f"{name} has no trial.json"]
    wrong = []
    numbers = [attempt.number for attempt in folder.attempts()]
    if record.spec != trial:
        wrong.append(f"{name} is recorded with another spec")
    if numbers != list(range(len(numbers))) or [item.attempt for item in record.attempts] != numbers:
        wrong.append(f"{name} has lost an attempt: {numbers}")
    if record.accepted is None or record.grade is None:
        wrong.append(f"{name} has no grade")
    elif not record.accepted.digest == record.grade.digest == digests.get(name):
        wrong.append(f"{name}: accepted, graded and ledger digests differ")
    return wrong
