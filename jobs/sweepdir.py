"""Where a sweep lies: its run groups, and the folder of its own that a sweep of several agents has.

runs/2026-11-21T13-24-33-UTC_sweep/              several agents only
├── sweep.json                                   the same file as in each run group
└── report.{md,json,csv}                         all its run groups in one report
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from podium.errors import UnknownName, UserError
from podium.files import write_atomic
from podium.records import Record
from podium.rundir import RunGroupDir, stamp
from podium.settings import Site
from podium.spec import Budget, SweepSpec

SWEEP_FILE = "sweep.json"


class SweepRecord(Record):
    """`sweep.json`: what was asked, resolved, and which folders it became."""

    sweep_id: str
    created_at: datetime
    spec: SweepSpec
    given_budget: tuple[str, ...] = ()
    """Keys of `spec.budget` that were asked for; the others are left to the agents."""
    site: Site
    groups: dict[str, str] = {}
    """Agent -> name of its run group's folder."""
    folder: str = ""
    """Name of the sweep's own folder, where it has several agents."""
    secrets: dict[str, str] = {}
    """Names of the secrets that were set, each with stars."""
    digest: str = ""
    """Of the code that made it."""
    podium: str = ""
    """Podium's version."""


class SweepDir:
    """The folders of one sweep below a runs directory."""

    def __init__(self, runs: Path, record: SweepRecord) -> None:
        self.runs, self.record = runs, record

    @classmethod
    def create(cls, runs: Path, record: SweepRecord) -> SweepDir:
        """Make the folders that `record.spec` needs and write `sweep.json` into each."""
        return cls(runs, record).grow(record.spec)

    @classmethod
    def find(cls, runs: Path, name: str) -> SweepDir:
        """The sweep of a folder (path, or name below `runs`) or of a sweep id (or the start of one)."""
        for folder in (Path(name), runs / name):
            if (folder / SWEEP_FILE).is_file():
                return cls(folder.resolve().parent, read_sweep(folder))
        found = {record.sweep_id: record for record in sweeps(runs)}
        near = [record for sweep_id, record in found.items() if len(name) >= 6 and sweep_id.startswith(name)]
        if len(near) != 1:
            raise UnknownName("run group or sweep", name, [path.parent.name for path in runs.glob(f"*/{SWEEP_FILE}")])
        return cls(runs, near[0])

    def grow(self, spec: SweepSpec) -> SweepDir:
        """The same sweep with `spec`: missing run groups are made, every `sweep.json` is brought up to date."""
        groups = dict(self.record.groups)
        for agent in spec.agents:
            if agent not in groups:
                groups[agent] = RunGroupDir.new(self.runs, agent, self.record.created_at).name
        folder = self.record.folder or (self._make_folder() if len(groups) > 1 else "")
        given = tuple(sorted(spec.budget.model_fields_set))
        update = {"spec": spec, "given_budget": given, "groups": groups, "folder": folder}
        record = self.record.model_copy(update=update)
        grown = SweepDir(self.runs, record)
        for path in grown.folders():
            write_atomic(path / SWEEP_FILE, record.model_dump_json(indent=2))
        return grown

    def group(self, agent: str) -> RunGroupDir:
        return RunGroupDir(self.runs / self.record.groups[agent])

    def groups(self) -> list[RunGroupDir]:
        return [self.group(agent) for agent in self.record.groups]

    @property
    def main(self) -> Path:
        """Where the report of the whole lies: the sweep's own folder, else its one run group."""
        return self.folders()[0]

    def folders(self) -> list[Path]:
        own = [self.runs / self.record.folder] if self.record.folder else []
        return [*own, *(group.path for group in self.groups())]

    def _make_folder(self) -> str:
        for number in range(1, 1000):
            suffix = "" if number == 1 else f"-{number}"
            path = self.runs / f"{stamp(self.record.created_at)}{suffix}_sweep"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            return path.name
        raise UserError(f"There is no free name for a sweep in {self.runs}.", "Move old sweeps away.")


def read_sweep(folder: Path) -> SweepRecord:
    """The `sweep.json` of a run group or a sweep."""
    record = SweepRecord.model_validate_json((folder / SWEEP_FILE).read_bytes())
    budget = Budget.model_validate(record.spec.budget.model_dump(include=set(record.given_budget)))
    return record.model_copy(update={"spec": record.spec.model_copy(update={"budget": budget})})


def sweeps(runs: Path) -> Iterator[SweepRecord]:
    """Every `sweep.json` below `runs`, newest first; the same sweep may come several times."""
    for path in sorted(runs.glob(f"*/{SWEEP_FILE}"), reverse=True):
        yield read_sweep(path.parent)
