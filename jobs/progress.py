"""Live progress: a moving table on a terminal, one line a change elsewhere. `NO_COLOR` is respected (by rich)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from jobs.ports import Phase
from jobs.render import plain
from podium.records import TrialRecord
from podium.rundir import TrialDir
from podium.spec import TrialSpec

ACTIVE = (Phase.RUNNING, Phase.WAITING, Phase.GRADING)


@dataclass(frozen=True)
class Glimpse:
    """What an attempt's `logs/progress.json` says."""

    phase: str = ""
    step: int = 0
    metric: float | None = None

    @property
    def text(self) -> str:
        """`step 3, best 0.94812, running`."""
        best = f"best {self.metric:.5g}" if self.metric is not None else ""
        return ", ".join(part for part in (f"step {self.step}" if self.step else "", best, self.phase) if part)


def glimpse(folder: TrialDir) -> Glimpse:
    """The latest attempt's progress; an absent or odd file says nothing."""
    attempts = folder.attempts()
    if not attempts:
        return Glimpse()
    return read_glimpse(attempts[-1].logs / "progress.json")


def read_glimpse(file: Path) -> Glimpse:
    """`progress.json` as a Glimpse, whatever it holds."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads(file.read_bytes())
        metric = values.get("metric")
        return Glimpse(
            phase=plain(str(values.get("phase", "")))[:60],
            step=int(values.get("step", 0)),
            metric=float(metric) if isinstance(metric, int | float) else None,
        )
    return Glimpse()


class Progress(Protocol):
    """Shows a sweep going on. A context manager; a Watcher of the runner."""

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None: ...

    def refresh(self) -> None:
        """Look at the attempts again; called every second or so."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class Board:
    """What is known of the trials: the state behind both kinds of display."""

    def __init__(self, total: int, place: Callable[[TrialSpec], TrialDir]) -> None:
        self.total, self.done, self._place = total, 0, place
        self.active: dict[str, tuple[TrialSpec, Phase, Glimpse]] = {}
        self.last: list[str] = []

    def changed(self, trial: TrialSpec, phase: Phase, note: str) -> str:
        """Take a change in; gives its line."""
        if phase in ACTIVE:
            self.active[trial.trial_id] = (trial, phase, Glimpse())
        else:
            self.active.pop(trial.trial_id, None)
        self.done += phase is Phase.DONE
        what = self._result(trial) if phase is Phase.DONE else phase.value
        first_line = plain(note.splitlines()[0]) if note else ""
        line = f"[{self.done}/{self.total}] {name(trial)}: {what}" + (f" ({first_line})" if first_line else "")
        self.last = [*self.last[-4:], line]
        return line

    def look(self) -> list[str]:
        """Read the running attempts' progress; gives a line for each that moved on."""
        lines = []
        for key, (trial, phase, before) in list(self.active.items()):
            now = glimpse(self._place(trial)) if phase is Phase.RUNNING else before
            if (now.step, now.metric) != (before.step, before.metric) and now.text:
                lines.append(f"[{self.done}/{self.total}] {name(trial)}: {now.text}")
            self.active[key] = (trial, phase, now)
        return lines

    def _result(self, trial: TrialSpec) -> str:
        record = self._place(trial).record()
        return outcome(record) if record is not None else "done"


def outcome(record: TrialRecord) -> str:
    """A finished trial in a few words: score and medal, or what it failed of."""
    grade = record.grade
    if grade is None or grade.score is None:
        return f"no valid submission, cause {record.outcome.value}"
    medal = f", {grade.medal}" if grade.medal else ""
    return f"score {grade.score:.5g}{medal}"


def name(trial: TrialSpec) -> str:
    """`aide on wine, seed 0`, with the model where there may be a choice."""
    model = "" if trial.model == "none" else f" with {trial.model}"
    return f"{trial.agent} on {trial.task}{model}, seed {trial.seed}"


class PlainProgress:
    """One line a change."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board, self._console = board, console

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None:
        self._say(self._board.changed(trial, phase, note))

    def refresh(self) -> None:
        for line in self._board.look():
            self._say(line)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class LiveProgress:
    """A table that moves, on a terminal."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board = board
        self._live = Live(self._render(), console=console, auto_refresh=False, transient=True)

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None:
        self._board.changed(trial, phase, note)
        self._live.update(self._render(), refresh=True)

    def refresh(self) -> None:
        self._board.look()
        self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("agent", "task", "model", "seed", "state", "progress"):
            table.add_column(column)
        for trial, phase, seen in self._board.active.values():
            cells = (trial.agent, trial.task, trial.model, str(trial.seed), phase.value, seen.text)
            table.add_row(*map(Text, cells))
        bar = ProgressBar(total=max(self._board.total, 1), completed=self._board.done, width=40)
        head = Table.grid(padding=(0, 2))
        head.add_row(bar, f"{self._board.done} of {self._board.total} trials")
        return Group(head, table, *(Text(line, style="dim") for line in self._board.last))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()


class Silence:
    """Shows nothing (`-q`, `--json`)."""

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None:
        return None

    def refresh(self) -> None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def progress(total: int, place: Callable[[TrialSpec], TrialDir], console: Console, *, quiet: bool) -> Progress:
    """The display that fits the console."""
    if quiet:
        return Silence()
    board = Board(total, place)
    return LiveProgress(board, console) if console.is_terminal else PlainProgress(board, console)
