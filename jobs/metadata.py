"""`metadata.json` of a run group: the users' form, brought up to date as trials finish."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field

from jobs import disclosure
from jobs.disclosure import Network, Rules
from jobs.sweepdir import SweepRecord
from podium.files import write_atomic
from podium.records import Cause, Record
from podium.rundir import RunGroupDir

Runs = dict[str, dict[str, bool]]


class Metadata(Record):
    """`metadata.json` of a run group: MLE-bench's three keys, and what ties the group to its sweep."""

    run_group: str
    created_at: datetime
    runs: Runs
    """Folder -> `{"success": ...}`; a trial that is not finished is not there."""
    sweep_id: str
    agent: str
    planned: int = Field(ge=0)
    """How many trials the plan has for this group."""
    misfits: dict[str, str] = {}
    """Task -> why the plan left it out."""
    rules: Rules = "benchmark"
    """How MLE-bench's competitions were judged."""
    network: Network = "none"
    """What network an agent's code had."""


def finished_runs(group: RunGroupDir) -> Runs:
    """Folder -> `{"success": ...}` of the finished trials in `group`."""
    records = ((trial.path.name, trial.record()) for trial in group.trials())
    return {folder: {"success": record.outcome is Cause.OK} for folder, record in records if record is not None}


def write_metadata(
    group: RunGroupDir, sweep: SweepRecord, agent: str, planned: int, misfits: dict[str, str], runs: Runs
) -> None:
    """Replace a run group's `metadata.json`."""
    metadata = Metadata(
        run_group=group.name,
        created_at=sweep.created_at,
        runs=runs,
        sweep_id=sweep.sweep_id,
        agent=agent,
        planned=planned,
        misfits=misfits,
        rules=disclosure.rules(sweep.spec),
        network=disclosure.network(sweep.spec),
    )
    write_atomic(group.metadata_file, metadata.model_dump_json(indent=4))


def read_metadata(group: RunGroupDir) -> Metadata:
    return Metadata.model_validate_json(group.metadata_file.read_bytes())


def groups_below(runs: Path) -> dict[str, RunGroupDir]:
    """Every run group below `runs` by its folder's name, newest first."""
    found = (RunGroupDir(path.parent) for path in sorted(runs.glob("*_run-group_*/metadata.json"), reverse=True))
    return {group.name: group for group in found}
