"""Show that the offline model's `improve` beats its best draft, on validation and on the private answers.

    python -m bench.offline_improves [--task wine ...] [--drafts 3] [--improvements 3]

Prepares the starter tasks in a temporary folder. The programs are the offline model's own (no other model's are run)
and run without a jail. Ends 0 when on three tasks or more an improvement has a better validation score than the best
draft, else 2.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agents.prompt import Situation, messages
from agents.reply import read_answer
from agents.review import printed_score
from podium.brief import Brief, Hardware
from podium.settings import CHECKOUT, Site
from podium.spec import Budget
from serve.offline.answer import answer
from tasks.bounds import graded
from tasks.competition import Competition
from tasks.registry import competition, names

NEEDED = 3
"""Tasks on which an improvement must be better."""
RUN_SECONDS = 120
DEBUGS = 3
"""How often one program may be mended."""


@dataclass(frozen=True)
class Step:
    """One program that ran: its validation score and its private one (None: no valid submission)."""

    stage: str
    plan: str
    code: str
    validation: float
    private: float | None
    debugs: int


class Trial:
    """One task, prepared, with what was tried on it."""

    def __init__(self, task: Competition, folder: Path, seed: int) -> None:
        self.task, self.folder, self.seed = task, folder, seed
        self.site = Site(data=folder / "data", private=folder / "private", runs=folder, ledger=folder / "ledger")
        task.prepare(self.site)
        shutil.copytree(self.site.public_dir(task.id), folder / "input")
        self.brief: Brief = task.brief(
            self.site, budget=Budget(), hardware=Hardware(), seed=seed, execution_seconds=RUN_SECONDS
        )
        self.overview = self._python(CHECKOUT / "agents/programs/preview.py").stdout
        self.steps: list[Step] = []

    def step(self, stage: str) -> Step | None:
        """Ask for a program and run it, mended as often as is allowed; None where it never ran."""
        best = self.best(("draft", "improve"))
        parent = best.code if best and stage == "improve" else ""
        text = self._ask(stage, code=parent)
        plan, output = text.partition("\n")[0], ""
        for debugs in range(1 + DEBUGS):
            read = read_answer(text)
            if read is None:
                return None
            done = self._run(read.code)
            output = done.stdout + done.stderr
            score = printed_score(output, self.brief.metric)
            if done.returncode == 0 and score is not None:
                made = Step(stage, plan, read.code, score, self._private(), debugs)
                self.steps.append(made)
                return made
            text = self._ask("debug", code=read.code, output=output)
        return None

    def best(self, stages: tuple[str, ...]) -> Step | None:
        """The best of some stages by validation; the earliest of equals."""
        sign = -1 if self.brief.lower_is_better else 1
        return max((s for s in self.steps if s.stage in stages), key=lambda s: sign * s.validation, default=None)

    def _ask(self, stage: str, **shown: str) -> str:
        memory = [
            f"step {n}, {step.stage}, good, {self.brief.metric} {step.validation:.6g}: {step.plan}"
            for n, step in enumerate(self.steps)
        ]
        situation = Situation.model_validate(
            {"task": stage, "memory": memory, "run_seconds": RUN_SECONDS, "steps_left": 20 - len(memory), **shown}
        )
        return answer([m.model_dump() for m in messages(self.brief, self.overview, situation)], seed=self.seed)

    def _run(self, code: str) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(self.folder / "submission", ignore_errors=True)
        program = self.folder / "program.py"
        program.write_text(code, encoding="utf-8")
        return self._python(program)

    def _private(self) -> float | None:
        made = self.folder / "submission" / self.brief.outputs[0].name
        return graded(self.task, self.site, made.read_bytes()).score if made.exists() else None

    def _python(self, program: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(program)], cwd=self.folder, capture_output=True, text=True, check=False
        )


def better(one: float | None, other: float | None, lower: bool) -> bool:
    """Whether the first score is better; False where one is missing."""
    return one is not None and other is not None and (one < other if lower else one > other)


@click.command()
@click.option("--task", "-t", "tasks", multiple=True, help="A starter task; all when none is named.")
@click.option("--drafts", default=3, show_default=True)
@click.option("--improvements", default=3, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(tasks: tuple[str, ...], drafts: int, improvements: int, seed: int) -> None:
    """Draft, improve and compare on each task."""
    table = Table(
        "task", "metric", "best draft", "best improvement", "private, draft", "private, improvement", "better"
    )
    wins = 0
    for name in tasks or tuple(names()):
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(competition(name), Path(folder), seed)
            for stage in ["draft"] * drafts + ["improve"] * improvements:
                made = trial.step(stage)
                click.echo(
                    f"{name}: {made.validation:.5f} {made.private} {made.plan[:90]}" if made else f"{name}: failed"
                )
            draft, improved = trial.best(("draft",)), trial.best(("improve",))
            if draft is None or improved is None:
                continue
            lower = trial.brief.lower_is_better
            won = better(improved.validation, draft.validation, lower)
            wins += won
            both = f"{'yes' if won else 'no'}, {'yes' if better(improved.private, draft.private, lower) else 'no'}"
            table.add_row(
                name,
                trial.brief.metric,
                f"{draft.validation:.5f}",
                f"{improved.validation:.5f}",
                str(draft.private),
                str(improved.private),
                both,
            )
    Console().print(table)
    click.echo(f"An improvement is better than the best draft by validation on {wins} tasks.")
    sys.exit(0 if wins >= NEEDED else 2)


if __name__ == "__main__":
    main()
