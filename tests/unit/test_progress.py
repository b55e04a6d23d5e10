"""Live progress: plain lines where nobody looks, a moving table on a terminal, and no trust in what attempts write."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from jobs.ports import Phase
from jobs.progress import Board, Glimpse, LiveProgress, PlainProgress, Silence, glimpse, progress
from podium.rundir import TrialDir
from podium.spec import TrialSpec
from tests.unit.simulation import trials


def place(root: Path) -> TrialDir:
    return TrialDir(root / "wine_x")


def plain(root: Path) -> tuple[PlainProgress, io.StringIO]:
    text = io.StringIO()
    return PlainProgress(Board(2, lambda _trial: place(root)), Console(file=text, width=40)), text


def write_progress(root: Path, content: str) -> None:
    (place(root).begin_attempt().logs / "progress.json").write_text(content)


@pytest.fixture
def trial() -> TrialSpec:
    return trials(1)[0]


def test_a_change_is_one_line(tmp_path: Path, trial: TrialSpec) -> None:
    shown, text = plain(tmp_path)
    shown.changed(trial, Phase.RUNNING)
    shown.changed(trial, Phase.WAITING, "The agent actor died.\n  It is tried again.")
    assert text.getvalue().splitlines() == [
        "[0/2] aide on wine with offline, seed 0: running",
        "[0/2] aide on wine with offline, seed 0: waiting (The agent actor died.)",
    ]


def test_a_step_is_told_once(tmp_path: Path, trial: TrialSpec) -> None:
    shown, text = plain(tmp_path)
    shown.changed(trial, Phase.RUNNING)
    write_progress(tmp_path, json.dumps({"phase": "running", "step": 3, "metric": 0.91234567}))
    shown.refresh()
    shown.refresh()
    lines = text.getvalue().splitlines()
    assert lines[1:] == ["[0/2] aide on wine with offline, seed 0: step 3, best 0.91235, running"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"step": "x"}', "null", '{"step": {}}', "\x00"])
def test_an_odd_progress_file_says_nothing(tmp_path: Path, content: str) -> None:
    write_progress(tmp_path, content)
    assert glimpse(place(tmp_path)) == Glimpse()


def test_what_an_attempt_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    write_progress(tmp_path, json.dumps({"phase": "a\x1b[2Jb", "step": 1}))
    assert glimpse(place(tmp_path)).phase == "a [2Jb"


def test_a_terminal_gets_a_table_with_the_running_trials(tmp_path: Path, trial: TrialSpec) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with progress(2, lambda _trial: place(tmp_path), console, quiet=False) as shown:
        assert isinstance(shown, LiveProgress)
        write_progress(tmp_path, json.dumps({"phase": "debugging", "step": 2, "metric": None}))
        shown.changed(trial, Phase.RUNNING)
        shown.refresh()
    assert "step 2, debugging" in text.getvalue()
    assert "0 of 2 trials" in text.getvalue()


def test_quiet_shows_nothing(tmp_path: Path) -> None:
    assert isinstance(progress(1, lambda _trial: place(tmp_path), Console(), quiet=True), Silence)


def test_brackets_in_an_attempts_phase_are_shown_as_they_are(tmp_path: Path, trial: TrialSpec) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with progress(1, lambda _trial: place(tmp_path), console, quiet=False) as shown:
        write_progress(tmp_path, json.dumps({"phase": "fold [/red] 1", "step": 2}))
        shown.changed(trial, Phase.RUNNING)
        shown.refresh()
    assert "fold [/red] 1" in text.getvalue()
