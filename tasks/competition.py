"""A competition: tables with a hidden half, a metric, and a leaderboard on which medals are ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from grading.order import GradingTask
from podium.brief import Brief, DataFile, Hardware, OutputFile
from podium.errors import UserError
from podium.files import write_atomic
from podium.plugins import load
from podium.settings import Site, checked, read_toml
from podium.spec import Budget
from tasks import leaderboard
from tasks.halves import digest, digests, sole_writer, write_half
from tasks.row import ID, CompetitionRow
from tasks.task import Kind

ANSWERS: Final = "test.csv"
"""The answers' file in the private half; it has a submission's form."""
SAMPLE: Final = "sample_submission.csv"
SUBMISSION: Final = "submission.csv"
GRADER: Final = "grading.competition:competition"


class Competition:
    """One folder of `competitions/`: `competition.toml`, `description.md`, `leaderboard.csv`, `digests.json`."""

    kind: Kind = "competition"

    def __init__(self, folder: Path) -> None:
        """Reads the row; raises UserError where it does not fit."""
        self.folder = folder
        source = folder / "competition.toml"
        self.row = checked(CompetitionRow, {"id": folder.name, **read_toml(source)}, str(source))

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def description(self) -> str:
        """What agents and people are told, Markdown."""
        return (self.folder / "description.md").read_text(encoding="utf-8")

    def leaderboard(self) -> list[tuple[float, str]]:
        """The reference entries, best first: score and name."""
        return leaderboard.read(self.folder / leaderboard.FILE)

    def brief(self, site: Site, *, budget: Budget, hardware: Hardware, seed: int, execution_seconds: float) -> Brief:
        """All that an agent is told. Raises UserError where the data are not prepared."""
        self.check_prepared(site)
        public = site.public_dir(self.id)
        files = tuple(DataFile(name=path.name, bytes=path.stat().st_size) for path in sorted(public.iterdir()))
        return Brief(
            id=self.id,
            kind=self.kind,
            text=self.description,
            files=files,
            metric=self.row.metric,
            lower_is_better=self.row.lower_is_better,
            outputs=self.outputs(rows=(public / SAMPLE).read_bytes().count(b"\n") - 1),
            budget=budget,
            hardware=hardware,
            execution_seconds=execution_seconds,
            seed=seed,
        )

    def grading(self, site: Site, *, strict: bool = False) -> GradingTask:
        """How submissions are judged, always strictly; needs no data."""
        return GradingTask(
            id=self.id,
            grader=GRADER,
            options=self.options(),
            outputs=self.outputs(),
            thresholds=leaderboard.needed(self.folder / leaderboard.FILE),
        )

    def options(self) -> dict[str, JsonValue]:
        """What the grader is made with."""
        targets: list[JsonValue] = [column.name for column in self.row.submission_columns[1:]]
        return {"metric": self.row.metric, "id": ID, "targets": targets, "answers": ANSWERS}

    def outputs(self, rows: int | None = None) -> tuple[OutputFile, ...]:
        """What a submission holds; `rows` where their number is known."""
        columns = self.row.submission_columns
        return (OutputFile(name=SUBMISSION, columns=columns, rows=rows, sample=SAMPLE, max_mb=16),)

    def check_prepared(self, site: Site) -> None:
        """Raise UserError unless the public half is there as recorded. The private half is not opened here."""
        found = digests(site.public_dir(self.id))
        wanted = self.recorded("public")
        if not found:
            raise UserError(f"The data of {self.id} are not prepared.", self._remedy())
        if found != wanted:
            names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            place = site.public_dir(self.id)
            raise UserError(f"In {place} are not the recorded files: {', '.join(names)} differ.", self._remedy())

    def check_private(self, site: Site) -> None:
        """Raise UserError unless the answers are there as recorded: for those who may open them."""
        if digests(site.private_dir(self.id)) != self.recorded("private"):
            raise UserError(f"The answers of {self.id} are not those recorded.", self._remedy())

    def prepare(self, site: Site) -> None:
        """Make both halves, the private one first. Raises UserError where the bytes are not those recorded."""
        public, private = site.public_dir(self.id), site.private_dir(self.id)
        wanted = {half: self.recorded(half) for half in ("public", "private")}
        with sole_writer(public.parent):
            if digests(public) == wanted["public"] and digests(private) == wanted["private"]:
                return
            files = self.build()
            made = {half: {name: digest(content) for name, content in files[half].items()} for half in files}
            if made != wanted:
                raise UserError(
                    f"The files made for {self.id} are not those recorded: other versions of the libraries.",
                    "Install the locked ones: make install.",
                )
            write_half(private, files["private"], private=True)
            write_half(public, files["public"], private=False)

    def build(self) -> dict[str, dict[str, bytes]]:
        """The files of both halves, by half and name."""
        files = load(self.row.preparer)(self.row)
        return {
            "public": {**files.public, "description.md": self.description.encode()},
            "private": dict(files.private),
        }

    def recorded(self, half: str) -> dict[str, str]:
        """SHA-256 by file name, as recorded for `public` or `private`; empty where nothing is."""
        path = self.folder / "digests.json"
        if not path.exists():
            return {}
        found: dict[str, str] = json.loads(path.read_text())[half]
        return found

    def record(self) -> None:
        """Write `digests.json` anew: for those who add or change a competition."""
        files = self.build()
        made = {half: {name: digest(content) for name, content in sorted(files[half].items())} for half in files}
        write_atomic(self.folder / "digests.json", json.dumps(made, indent=2) + "\n")

    def _remedy(self) -> str:
        return f"Type: podium prepare -c {self.id}"
