"""From a request to a report, without Ray: resolve, plan, lock, run, report. The Ray shell hands in the ports."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console

from jobs import report
from jobs.asked import resolve
from jobs.catalogue import make_plan
from jobs.metadata import finished_runs, write_metadata
from jobs.options import Request
from jobs.plan import Plan
from jobs.policy import Policy
from jobs.ports import AskGrade, AskUsage, Phase, Start
from jobs.progress import Progress, Silence, progress
from jobs.render import plan_tables, print_report
from jobs.rows import Report
from jobs.runner import Result, Runner
from jobs.sweepdir import SweepDir, SweepRecord
from podium import __version__
from podium.errors import SpecChanged, UserError
from podium.files import write_atomic
from podium.records import Cause, now
from podium.rundir import TrialDir
from podium.settings import SECRET_NAMES, Secrets, Site
from podium.spec import TrialSpec
from tasks import registry

DONE, FAILURES, INTERRUPTED = 0, 2, 130
"""Exit codes."""
SWEEP_LINE = "Sweep "
"""How the line begins that names the sweep and, behind a colon, its folder."""


class Ports(Protocol):
    """What the cluster does for a sweep."""

    @property
    def start(self) -> Start: ...

    @property
    def grade(self) -> AskGrade: ...

    @property
    def usage(self) -> AskUsage: ...

    async def ledger(self, run_group: str) -> list[str]:
        """The grader's own rows of a run group, as JSON lines."""
        ...


@dataclass(frozen=True)
class Prepared:
    """A sweep that is ready to be run or shown."""

    record: SweepRecord
    plan: Plan
    runs: Path
    before: SweepDir | None
    """The sweep on disk that is resumed."""

    @contextmanager
    def opened(self) -> Iterator[SweepDir]:
        """Its folders, made where they are missing, for this driver alone. A refused driver changes nothing."""
        self.runs.mkdir(parents=True, exist_ok=True)
        sweep = self.before or SweepDir.create(self.runs, self.record)
        with sole_driver(sweep):
            yield sweep.grow(self.record.spec)


class WallClock:
    """Time as it is."""

    def now(self) -> datetime:
        return now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def prepare(request: Request, site: Site, secrets: Secrets, digest: str = "") -> Prepared:
    """Resolve and plan; nothing is written. Raises UserError, UnknownName, SpecChanged."""
    runs = request.runs or site.runs
    before = SweepDir.find(runs, request.resume) if request.resume else None
    if before is not None:
        _refuse_other_site(before.record.site, site)
    spec = resolve(request.asked, registry.selection, before.record.spec if before else None)
    if before is None:
        record = SweepRecord(
            sweep_id=str(uuid.uuid4()),
            created_at=now(),
            spec=spec,
            site=site,
            secrets={name: "***" for name in SECRET_NAMES if secrets.get(name)},
            digest=digest,
            podium=__version__,
        )
    else:
        record = before.record.model_copy(update={"spec": spec})
    runs = before.runs if before else runs
    return Prepared(record, make_plan(spec, record.sweep_id, site, runs), runs, before)


def _refuse_other_site(before: Site, now: Site) -> None:
    """A resume is graded on the same answers, by the ledger that knows what was graded. Raises SpecChanged."""
    for key in ("data", "private", "ledger"):
        if getattr(before, key) != getattr(now, key):
            raise SpecChanged(f"the site's {key}", str(getattr(before, key)), str(getattr(now, key)))


def show_plan(plan: Plan, console: Console, *, as_json: bool) -> None:
    """Print the plan: tables, or JSON on stdout."""
    if as_json:
        print(plan.model_dump_json(indent=2))
        return
    for table in plan_tables(plan):
        console.print(table.rich())


async def drive(
    prepared: Prepared, ports: Ports, request: Request, console: Console, sweep: SweepDir
) -> tuple[Result, Report]:
    """Run every trial that is not done and write metadata, ledger and reports. SIGTERM and SIGINT stop it."""
    plan, spec = prepared.plan, sweep.record.spec

    keeper = Bookkeeper(sweep, plan)
    with progress(len(plan.trials), keeper.place, console, quiet=request.quiet or request.as_json) as shown:
        keeper.shown = shown
        runner = Runner(
            plan.trials,
            place=keeper.place,
            start=ports.start,
            grade=ports.grade,
            usage=ports.usage,
            clock=WallClock(),
            jitter=random.random,
            watch=keeper,
            policy=Policy(parallel=spec.parallel, retries=spec.retries),
        )
        with _stopped_by_signals(runner):
            refreshing = asyncio.create_task(_refresh(shown))
            try:
                result = await runner.run()
            finally:
                refreshing.cancel()
    if not result.stopped:
        for group in sweep.groups():
            rows = await ports.ledger(group.name)
            write_atomic(group.ledger_file, "".join(row + "\n" for row in rows))
    return result, report.write(sweep)


def finish(result: Result, made: Report, sweep: SweepDir, request: Request, console: Console) -> int:
    """Print the report, where it lies and what is left; gives the exit code."""
    if request.as_json:
        print(made.model_dump_json(indent=2))
    else:
        print_report(made, console, trials=request.verbose or len(made.trials) <= 40)
        console.print(f"Report: {sweep.main / 'report.md'}", markup=False, highlight=False, soft_wrap=True)
    for trial_id, reason in result.unfinished.items():
        console.print(f"Not finished: {trial_id}: {reason}", markup=False, highlight=False, soft_wrap=True)
    if result.stopped or result.unfinished:
        resume = f"To go on: podium sweep --resume {sweep.main.name}"
        console.print(resume, markup=False, highlight=False, soft_wrap=True)
    if result.stopped:
        return INTERRUPTED
    failed = sum(row.failed for row in made.agents) + made.unfinished + len(made.misfits)
    return FAILURES if failed or result.unfinished else DONE


@contextmanager
def sole_driver(sweep: SweepDir) -> Iterator[None]:
    """Hold the sweep's lock; a dead driver's is free. Raises UserError where another driver lives.

    A lock by `fcntl.lockf`, which shared file systems pass on to the other hosts.
    """
    file = sweep.groups()[0].path / ".driver.lock"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace") or "another process"
            raise UserError(f"{sweep.main.name} is being driven by {holder}.", "Wait for it, or stop it.") from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        os.close(descriptor)


class Bookkeeper:
    """Keeps each run group's `metadata.json` up to date, so that also a killed driver leaves one; tells the display."""

    def __init__(self, sweep: SweepDir, plan: Plan) -> None:
        self._sweep, self._plan = sweep, plan
        self._runs = {agent: finished_runs(sweep.group(agent)) for agent in sweep.record.groups}
        self.shown: Progress = Silence()
        for agent in self._runs:
            self._write(agent)

    def place(self, trial: TrialSpec) -> TrialDir:
        """Where a trial's folder is."""
        return self._sweep.group(trial.agent).trial(trial.task, trial.trial_id)

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None:
        folder = self.place(trial)
        record = folder.record() if phase is Phase.DONE else None
        if record is not None and folder.path.name not in self._runs[trial.agent]:
            self._runs[trial.agent][folder.path.name] = {"success": record.outcome is Cause.OK}
            self._write(trial.agent)
        self.shown.changed(trial, phase, note)

    def _write(self, agent: str) -> None:
        planned = sum(trial.agent == agent for trial in self._plan.trials)
        misfits = {pair.task: pair.reason for pair in self._plan.misfits if pair.agent == agent}
        write_metadata(self._sweep.group(agent), self._sweep.record, agent, planned, misfits, self._runs[agent])


async def _refresh(shown: Progress) -> None:
    while True:
        await asyncio.sleep(1.0)
        shown.refresh()


@contextmanager
def _stopped_by_signals(runner: Runner) -> Iterator[None]:
    """SIGTERM and SIGINT stop the runner. To be entered after `ray.init()`, which sets handlers of its own."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
