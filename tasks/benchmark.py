"""A competition of MLE-bench: data that `mlebench prepare` laid out, judged by the benchmark's own rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from grading.medals import Thresholds
from grading.order import GradingTask
from podium.brief import Brief, Column, Hardware, OutputFile
from podium.errors import UserError
from podium.plugins import load
from podium.settings import Site, checked, read_toml
from podium.spec import Budget
from tasks import leaderboard
from tasks.benchmark_row import BenchmarkRow
from tasks.listing import listing
from tasks.preparing import NotPrepared
from tasks.preparing.layout import looking
from tasks.preparing.plain_tables import tables
from tasks.task import Kind

GRADER: Final = "grading.benchmark:benchmark"
PREPARE: Final = "tasks.preparing:prepare"
DESCRIPTION: Final = "description.md"
SUBMISSION: Final = "submission.csv"
PACKED: Final = re.compile(r"sample.*submission.*\.(zip|7z)$", re.IGNORECASE)
"""A sample submission that the public half has packed only, for example `en_sample_submission_2.csv.zip`."""
MAX_MB: Final = 512
"""Largest submission: the largest sample submissions have some millions of rows."""


class BenchmarkCompetition:
    """One row of `tasks/mlebench`."""

    kind: Kind = "competition"

    def __init__(self, file: Path) -> None:
        """Reads the row; raises UserError where it does not fit."""
        self.row = checked(BenchmarkRow, {"id": file.stem, **read_toml(file)}, str(file))

    @property
    def id(self) -> str:
        return self.row.id

    def brief(self, site: Site, *, budget: Budget, hardware: Hardware, seed: int, execution_seconds: float) -> Brief:
        """See Task."""
        self.check_prepared(site)
        public = site.public_dir(self.id)
        return Brief(
            id=self.id,
            kind=self.kind,
            text=self.description(site),
            files=listing(public),
            metric=self.row.metric,
            lower_is_better=self.row.lower_is_better,
            outputs=self.outputs(self._public_sample(public)),
            budget=budget,
            hardware=hardware,
            execution_seconds=execution_seconds,
            seed=seed,
        )

    def description(self, site: Site) -> str:
        """What agents are told, Markdown. Raises FileNotFoundError where the data are not prepared."""
        return (site.public_dir(self.id) / DESCRIPTION).read_text(encoding="utf-8", errors="replace")

    def grading(self, site: Site, *, strict: bool = False) -> GradingTask:
        """See Task."""
        return GradingTask(
            id=self.id,
            grader=GRADER,
            options=self.options(strict=strict),
            outputs=self.outputs(),
            form="rules",
            thresholds=self.thresholds(site),
        )

    def options(self, *, strict: bool) -> dict[str, JsonValue]:
        """What the grader is made with."""
        row = self.row
        return {
            "rule": row.rule,
            "options": row.options,
            "answers": row.answers,
            "sample": row.sample,
            "ids": list(row.ids),
            "targets": list(row.targets),
            "kind": row.kind,
            "blank": row.blank,
            "strict": strict,
        }

    def outputs(self, sample: str | None = None) -> tuple[OutputFile, ...]:
        """What a submission holds; `sample` where it has another name in the public half."""
        columns = (
            *(Column(name=name, kind="id") for name in self.row.ids),
            *(Column(name=name, kind=self.row.kind) for name in self.row.targets),
        )
        shown = self.row.sample if sample is None else sample
        return (OutputFile(name=SUBMISSION, columns=columns, sample=shown, max_mb=MAX_MB),)

    def thresholds(self, site: Site) -> Thresholds:
        """What the medals ask for, and in which direction: by the user's own leaderboard, else by the real one.

        Raises UserError for a file that is no leaderboard.
        """
        own = self.own_leaderboard(site)
        return leaderboard.needed(own) if own else self.row.thresholds

    def own_leaderboard(self, site: Site) -> Path | None:
        """The leaderboard that a user put beside the data, where there is one."""
        file = site.data / self.id / leaderboard.FILE
        with looking(self.id):
            return file if file.exists() else None

    def check_prepared(self, site: Site) -> None:
        """See Task."""
        public = site.public_dir(self.id)
        sample = [] if self.row.sample_private else [public / self.row.sample]
        wanted = (site.data, public, *sample, public / DESCRIPTION)
        with looking(self.id):
            absent = next((path for path in wanted if not path.exists()), None)
        if absent is not None:
            remedy = self._remedy(site, absent)
            raise UserError(f"The data of {self.id} are not prepared: there is no {absent}.", remedy)

    def prepare(self, site: Site) -> None:
        """See Task."""
        load(PREPARE)(self.row, site)

    def _public_sample(self, public: Path) -> str:
        """The sample submission's name in the public half, where it may be packed; empty: it is not there."""
        if (public / self.row.sample).is_file():
            return self.row.sample
        packed = [path.name for path in public.iterdir() if PACKED.search(path.name)]
        return packed[0] if len(packed) == 1 else ""

    def _remedy(self, site: Site, absent: Path) -> str:
        """The command that helps."""
        if absent.name == DESCRIPTION or self.id in tables():
            command = f"Type: podium prepare -c {self.id}"
        else:
            command = NotPrepared(self.id, str(site.data)).remedy
        elsewhere = "  (or name the folder that has them, as `data` in site.toml or with --data-dir)"
        return command + (elsewhere if absent == site.data else "")
