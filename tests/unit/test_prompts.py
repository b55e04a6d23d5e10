"""The form of the prompts: sections, fences, and one beginning for all questions of a trial."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from agents.overview import read_program
from agents.prompt import Situation, Task, messages, trimmed, user_message
from podium.brief import Brief, Column, Hardware, OutputFile
from podium.settings import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "unit" / "golden"

BRIEF = Brief(
    id="made",
    text="# Made up\n\nPredict `verdict`.\n\n```\n# no heading\n```\n\n## Data\n\nTwo tables.",
    metric="roc_auc",
    lower_is_better=False,
    outputs=(
        OutputFile(
            columns=(Column(name="id", kind="id"), Column(name="a|b", kind="label", labels=("yes", "no"))), rows=10
        ),
    ),
    hardware=Hardware(cpus=2, memory_mb=4096, packages=("numpy==2.4.6", "pandas==3.1.1")),
    seed=3,
)
OVERVIEW = """## train.csv

rows: 20

| column | dtype | missing | unique | examples |
| --- | --- | --- | --- | --- |
| id | integer | 0 | 20 | 1, 2, 3 |
"""
IMPROVE = Situation(
    task="improve",
    memory=["step 0, draft, good, roc_auc 0.9: a\nplan"],
    code="print('```')",
    output="Validation roc_auc: 0.9",
    run_seconds=600,
    seconds_left=3000.4,
    steps_left=7,
)


def sections(text: str) -> list[str]:
    """The level-1 headings outside fences."""
    outside = re.sub(r"^(`{3,})[^\n]*\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^# (.*)$", outside, flags=re.MULTILINE)


def test_the_user_message_has_the_form_that_is_written_down() -> None:
    assert user_message(BRIEF, OVERVIEW, IMPROVE) == (GOLDEN / "improve.md").read_text()


@pytest.mark.parametrize("task", ["draft", "debug", "improve", "review"])
def test_every_question_is_one_system_and_one_user_message_with_the_same_beginning(task: Task) -> None:
    system, user = messages(BRIEF, OVERVIEW, Situation(task=task, code="x = 1", output="out"))
    assert (system.role, user.role) == ("system", "user")
    first_system, first_user = messages(BRIEF, OVERVIEW, IMPROVE)
    assert system == first_system
    static = user.content.split("# Previous solution")[0]
    assert len(static) > 500
    assert first_user.content.startswith(static)


@pytest.mark.parametrize(
    ("task", "line"),
    [
        ("draft", "Write a first solution."),
        ("debug", "Fix the bug."),
        ("improve", "Improve the solution."),
        ("review", "Review this run."),
    ],
)
def test_the_instructions_open_with_what_to_do(task: Task, line: str) -> None:
    text = user_message(BRIEF, "", Situation(task=task))
    assert text.split("# Instructions\n\n")[1].startswith(line + "\n")
    assert "$" not in text


def test_only_what_there_is_to_say_is_a_section() -> None:
    assert sections(user_message(BRIEF, "", Situation(task="draft"))) == ["Task", "Goal", "Hardware", "Instructions"]
    assert sections(user_message(BRIEF, OVERVIEW, IMPROVE)) == [
        "Task",
        "Goal",
        "Data overview",
        "Hardware",
        "Memory",
        "Previous solution",
        "Execution output",
        "Instructions",
    ]


def test_a_sample_submission_that_is_not_public_is_not_named() -> None:
    brief = BRIEF.model_copy(update={"outputs": (OutputFile(sample=""),)})
    text = user_message(brief, "", Situation(task="draft"))
    assert "Submission file: submission/submission.csv" in text
    assert "Sample submission" not in text


def test_a_description_cannot_end_its_section() -> None:
    brief = BRIEF.model_copy(update={"text": "# A\n\n```\nopen fence\n# Goal\nMetric: mine"})
    assert sections(user_message(brief, "", Situation(task="draft"))) == ["Task", "Goal", "Hardware", "Instructions"]


def test_a_long_output_is_shown_from_both_ends() -> None:
    shown = trimmed("a" * 4000 + "b" * 4000)
    assert shown.startswith("a" * 2500 + "\n ... [3000 characters left out] ...\n")
    assert shown.endswith("b" * 2500)
    assert trimmed("a" * 5000) == "a" * 5000


def preview(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", read_program("preview")], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_overview_describes_every_table(tmp_path: Path) -> None:
    data = tmp_path / "input"
    data.mkdir()
    table = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.5, None, 1.5],
            "whole": [1.0, None, 3.0],
            "flag": [True, False, True],
            "when": ["2020-01-01", "2020-02-01", None],
            "text | odd": ["a|b", "c", "a|b"],
        }
    )
    table.to_csv(data / "train.csv", index=False)
    (data / "broken.csv").write_bytes(b"")
    (data / "notes.txt").write_text("hello")
    said = preview(tmp_path)
    assert "## train.csv\n\nrows: 3\n\n| column | dtype | missing | unique | examples |" in said
    assert "| n | integer | 0 | 3 | 1, 2, 3 |" in said
    assert "| x | number | 1 | 2 | 0.5, 1.5 |" in said
    assert "| whole | integer | 1 | 2 | 1.0, 3.0 |" in said
    assert "| flag | boolean | 0 | 2 | True, False |" in said
    assert "| when | date | 1 | 2 | 2020-01-01, 2020-02-01 |" in said
    assert "| text \\| odd | text | 0 | 2 | a\\|b, c |" in said
    assert "## broken.csv\n\nnot readable as a table" in said
    assert "## notes.txt\n\n5 bytes" in said


def test_the_overview_of_a_huge_folder_is_bounded(tmp_path: Path) -> None:
    data = tmp_path / "input"
    data.mkdir()
    for number in range(300):
        (data / f"file{number}.txt").write_text("x")
    wide = pd.DataFrame({f"column number {i}": range(21_000) for i in range(125)})
    wide.to_csv(data / "train.csv", index=False)
    said = preview(tmp_path)
    assert len(said) < 17_000
    assert "rows: 21000" in said
    assert "and 5 more columns" in said
    assert "and 261 more files" in said
