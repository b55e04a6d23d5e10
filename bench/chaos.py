"""Kill a sweep's driver, agent actors, executors and grader at random, resume until done, and count with the ledger.

    python -m bench.chaos --deaths 30 --task wine --task diabetes

Needs a running cluster (`podium up`) on this machine and prepared tasks. Ends 0 when, by the grader's own ledger, each
trial was finished with a submission and graded exactly once; otherwise 2, with what was wrong.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import ray
from ray.util.state import list_actors
from rich.console import Console
from rich.table import Table

from bench.proof import faults, losses
from grading.actor import NAME as GRADER
from grading.actor import find_grader
from jobs.connection import enter_environment
from jobs.sweepdir import SweepDir
from podium.settings import CHECKOUT
from podium.state import NAMESPACE, ClusterState, default_state_file, ray_environment, read_state

KINDS = ("driver", "driver between grade and record", "agent actor", "executor", "grader")
CLASSES = {"agent actor": "AgentActor", "executor": "ExecutorActor"}
PATIENCE_SECONDS = 120.0
"""How long a victim of one kind is waited for before another kind is chosen."""
PAUSE_SECONDS = 6.0
"""The longest pause between two kills."""


@dataclass
class Death:
    """One kill."""

    kind: str
    pid: int
    after: float
    """Seconds since the beginning."""
    finished: int
    """Trials that were finished then."""


@dataclass
class Storm:
    """A sweep under kills."""

    state: ClusterState
    flags: list[str]
    rng: random.Random
    config: Path
    sweep_id: str = ""
    seeds: int = 1
    began: float = field(default_factory=time.monotonic)
    deaths: list[Death] = field(default_factory=list)
    resumes: int = 0

    def start(self) -> subprocess.Popen[bytes]:
        """A driver, the first or one that resumes."""
        words = [*self.flags, "--config", str(self.config), "--seeds", str(self.seeds), "--quiet"]
        if self.sweep_id:
            words += ["--resume", self.sweep_id]
            self.resumes += 1
        environment = {**os.environ, **ray_environment(self.state, default_state_file())}
        log = self.config.with_name("driver.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, str(CHECKOUT / "jobs" / "sweep.py"), *words], env=environment, stdout=log, stderr=log
            )

    def sweep(self) -> SweepDir | None:
        """The sweep's folders, once the first driver has made them."""
        runs = self.state.site.runs
        if not self.sweep_id:
            mine = [path for path in runs.glob("*/sweep.json") if path.stat().st_mtime > self.config.stat().st_mtime]
            if not mine:
                return None
            self.sweep_id = SweepDir.find(runs, mine[0].parent.name).record.sweep_id
        return SweepDir.find(runs, self.sweep_id)

    def finished(self) -> int:
        sweep = self.sweep()
        return sum(trial.record_file.exists() for group in sweep.groups() for trial in group.trials()) if sweep else 0

    def kill(self, kind: str, driver: subprocess.Popen[bytes]) -> bool:
        """Kill one of that kind; False where there was none for a while, or the driver ended by itself."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and driver.poll() is None:
            pid = self.victim(kind, driver)
            if pid:
                finished = self.finished()
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.deaths.append(Death(kind, pid, time.monotonic() - self.began, finished))
                    return True
            time.sleep(0.002 if "between" in kind else 0.2)
        return False

    def victim(self, kind: str, driver: subprocess.Popen[bytes]) -> int | None:
        """The pid of one that lives now: a process of this cluster, by Ray's own list of actors."""
        if kind == "driver":
            return driver.pid
        if "between" in kind:
            return driver.pid if any(self.accepted_only()) else None
        wanted = CLASSES.get(kind)
        actors = list_actors(address=self.state.dashboard, filters=[("state", "=", "ALIVE")], detail=True, limit=1000)
        pids = [
            actor.pid
            for actor in actors
            if (actor.class_name == wanted if wanted else actor.name == GRADER) and actor.pid
        ]
        return self.rng.choice(pids) if pids else None

    def accepted_only(self) -> Iterator[Path]:
        """Trials that wait for their grade or their record."""
        sweep = self.sweep()
        for group in sweep.groups() if sweep else ():
            for trial in group.trials():
                if trial.accepted_file.exists() and not trial.record_file.exists():
                    yield trial.path


def storm(weather: Storm, deaths: int, console: Console) -> None:
    """Kill until `deaths` died; what finishes early is asked for more seeds. The last driver is left in peace."""
    driver = weather.start()
    try:
        while len(weather.deaths) < deaths:
            if driver.poll() is not None:
                if driver.returncode == 1:
                    raise click.ClickException(f"The driver refused; see {weather.config.with_name('driver.log')}.")
                if driver.returncode in (0, 2):
                    weather.seeds += 2
                driver = weather.start()
            time.sleep(weather.rng.uniform(0.0, PAUSE_SECONDS))
            counts = Counter(death.kind for death in weather.deaths)
            kind = min(KINDS, key=lambda one: (counts[one], weather.rng.random()))
            if weather.kill(kind, driver):
                death = weather.deaths[-1]
                console.print(f"{len(weather.deaths):3d}. {death.kind} (pid {death.pid}), {death.finished} finished")
                if death.pid == driver.pid:
                    driver.wait()
        for _ in range(20):
            if driver.wait() in (0, 2):
                break
            driver = weather.start()
    finally:
        if driver.poll() is None:
            driver.kill()
            driver.wait()


def table(weather: Storm) -> Table:
    """Every death."""
    shown = Table("#", "killed", "pid", "after", "trials finished then", title="Deaths", title_justify="left")
    for number, death in enumerate(weather.deaths, 1):
        shown.add_row(str(number), death.kind, str(death.pid), f"{death.after:.1f} s", str(death.finished))
    return shown


@click.command()
@click.option("--deaths", default=30, show_default=True, help="How many kills.")
@click.option("-a", "--agent", "agents", multiple=True, default=("baseline", "sample"), show_default=True)
@click.option("-t", "--task", "tasks", multiple=True, default=("wine", "diabetes"), show_default=True)
@click.option("-n", "--seeds", default=2, show_default=True, help="Seeds to begin with.")
@click.option("--random-seed", default=0, show_default=True, help="Of the kills.")
def chaos(deaths: int, agents: tuple[str, ...], tasks: tuple[str, ...], seeds: int, random_seed: int) -> None:
    """Kill, resume, and prove from the ledger that each trial is finished and graded exactly once."""
    console = Console()
    state = read_state()
    enter_environment(state)
    ray.init(state.address, namespace=NAMESPACE, log_to_driver=False, logging_level="warning")
    flags = [word for agent in agents for word in ("-a", agent)] + [word for task in tasks for word in ("-t", task)]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "sweep.toml"
        config.write_text("retries = 10\nparallel = 3\n")
        weather = Storm(state, flags, random.Random(random_seed), config, seeds=seeds)
        storm(weather, deaths, console)
        sweep = weather.sweep()
    if sweep is None:
        raise click.ClickException("No sweep was made.")
    rows = {group.name: ray.get(find_grader().rows.remote(group.name), timeout=60) for group in sweep.groups()}
    wrong = faults(sweep, rows) + losses(sweep)
    console.print(table(weather))
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(death.kind for death in weather.deaths).items())
    console.print(f"{len(weather.deaths)} deaths ({kinds}), {weather.resumes} resumes, {weather.finished()} trials.")
    for line in wrong:
        console.print(f"WRONG: {line}")
    if not wrong:
        console.print("By the grader's own ledger each trial was finished and graded exactly once.")
    console.print(f"Run directory: {sweep.main}")
    sys.exit(2 if wrong else 0)


if __name__ == "__main__":
    chaos()
