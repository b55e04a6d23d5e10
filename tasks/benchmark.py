"""A competition of MLE-bench: data that `mlebench prepare` laid out, judged by the benchmark's own rules."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import JsonValue

from grading.medals import Thresholds
from grading.order import GradingTask
from podium.brief import Brief, Column, DataFile, Hardware, OutputFile
from podium.errors import UserError
from podium.settings import Site, checked, read_toml
from podium.spec import Budget
from tasks.benchmark_row import BenchmarkRow
from tasks.task import Kind

GRADER: Final = "grading.benchmark:benchmark"
SUBMISSION: Final = "submission.csv"
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
        files = (path for path in sorted(public.rglob("*")) if path.is_file())
        return Brief(
            id=self.id,
            kind=self.kind,
            text=(public / "description.md").read_text(encoding="utf-8"),
            files=tuple(DataFile(name=str(path.relative_to(public)), bytes=path.stat().st_size) for path in files),
            metric=self.row.metric,
            lower_is_better=self.row.lower_is_better,
            outputs=self.outputs(),
            budget=budget,
            hardware=hardware,
            execution_seconds=execution_seconds,
            seed=seed,
        )

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

    def outputs(self) -> tuple[OutputFile, ...]:
        """What a submission holds."""
        columns = (
            *(Column(name=name, kind="id") for name in self.row.ids),
            *(Column(name=name, kind=self.row.kind) for name in self.row.targets),
        )
        return (OutputFile(name=SUBMISSION, columns=columns, sample=self.row.sample, max_mb=MAX_MB),)

    def thresholds(self, site: Site) -> Thresholds:
        """What the medals ask for."""
        return self.row.thresholds

    def check_prepared(self, site: Site) -> None:
        """See Task."""
        if not (site.public_dir(self.id) / "description.md").is_file():
            raise UserError(f"The data of {self.id} are not prepared.", f"Type: podium prepare -c {self.id}")

    def prepare(self, site: Site) -> None:
        """See Task."""
        self.check_prepared(site)
