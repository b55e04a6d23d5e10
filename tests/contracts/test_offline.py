"""The offline model on tables that it was not made for: its programs run, hand in valid answers, and can be mended."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.prompt import Situation, messages
from agents.reply import read_answer
from serve.offline.answer import answer
from serve.offline.bugs import BUGS
from serve.offline.facts import gather
from serve.offline.prompt import read_prompt
from serve.offline.recipe import CLASSIFIERS, REGRESSORS, Recipe
from serve.offline.write import write_program
from tests.contracts.random_tables import METRICS, TableTask, prepare

ROOT = Path(__file__).resolve().parents[2]


def overview(task: TableTask) -> str:
    return run_file(task, ROOT / "agents/programs/preview.py").stdout


def run_file(task: TableTask, program: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error::DeprecationWarning", "-W", "error::FutureWarning", str(program)]
    return subprocess.run(command, cwd=task.folder, capture_output=True, text=True, check=False, timeout=240)


def run(task: TableTask, code: str) -> tuple[int, str]:
    """Exit status and output of a program in an emptied folder."""
    (task.folder / "submission").mkdir(exist_ok=True)
    for old in (task.folder / "submission").iterdir():
        old.unlink()
    program = task.folder / "program.py"
    program.write_text(code)
    done = run_file(task, program)
    return done.returncode, done.stdout + done.stderr


def prompt(table: TableTask, seen: str, **situation: object) -> list[dict[str, str]]:
    asked = Situation.model_validate({"run_seconds": 6, "steps_left": 5, **situation})
    return [message.model_dump() for message in messages(table.brief, seen, asked)]


def program(text: str) -> str:
    read = read_answer(text)
    assert read is not None, text
    return read.code


def worked(task: TableTask, code: str, output: str, tries: int = 4) -> tuple[str, str]:
    """The program and its output once it runs; mended as often as needed, `tries` times at most."""
    status, said = run(task, code) if not output else (1, output)
    for _ in range(tries):
        if status == 0:
            break
        code = program(answer(prompt(task, overview(task), task="debug", code=code, output=said), seed=1))
        status, said = run(task, code)
    assert status == 0, said[-3000:]
    return code, said


def check(task: TableTask, output: str) -> None:
    """The submission has the asked form, and the validation line is there."""
    made = pd.read_csv(task.folder / "submission/submission.csv", dtype={task.id: str})
    sample = pd.read_csv(task.folder / "input/sample_submission.csv", dtype={task.id: str})
    assert list(made.columns) == list(sample.columns)
    assert list(made[task.id]) == list(sample[task.id])
    for column in task.brief.outputs[0].columns[1:]:
        values = made[column.name]
        if column.kind == "label":
            assert set(values.astype(str)) <= set(column.labels)
        else:
            assert np.isfinite(values).all()
        if column.kind == "probability":
            assert values.between(0, 1).all()
    if len(task.values) > 1 and len(task.targets) == 1:
        assert np.allclose(made[task.values].sum(axis=1), 1)
    assert re.search(rf"^Validation {task.brief.metric}: -?[\d.]+$", output.strip().splitlines()[-1])


@pytest.mark.parametrize("metric", METRICS)
def test_a_draft_and_its_improvement_hand_in_valid_answers(metric: str, tmp_path: Path) -> None:
    task = prepare(tmp_path, metric)
    seen = overview(task)
    draft = answer(prompt(task, seen, task="draft"), seed=0)
    code, output = worked(task, program(draft), "")
    check(task, output)
    better = answer(prompt(task, seen, task="improve", code=code, output=output), seed=0)
    assert "offline model" in draft
    assert "offline model" in better
    check(task, worked(task, program(better), "")[1])


@pytest.mark.parametrize("metric", ["rmse", "roc_auc"])
def test_several_targets_are_all_answered(metric: str, tmp_path: Path) -> None:
    task = prepare(tmp_path, metric, targets=2)
    code = program(answer(prompt(task, overview(task), task="draft"), seed=3))
    check(task, worked(task, code, "")[1])


@pytest.mark.parametrize("metric", ["rmse", "f1_macro"])
def test_every_family_runs_on_a_mixed_table(metric: str, tmp_path: Path) -> None:
    task = prepare(tmp_path, metric, rows=150)
    facts = gather(read_prompt(prompt(task, overview(task), task="draft")))
    assert facts is not None
    families = REGRESSORS if facts.regression else CLASSIFIERS
    recipe = Recipe(
        members=tuple((family, ()) for family in families),
        categories="target",
        scaling="quantile",
        tuned=True,
        trees=20,
    )
    status, output = run(task, write_program(facts, recipe, seed=0, folds=3, seconds=200, says="All families."))
    assert status == 0, output[-3000:]
    check(task, output)


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_fails_and_is_mended_by_its_error_text(name: str, tmp_path: Path) -> None:
    task = prepare(tmp_path, "accuracy", rows=150)
    seen = overview(task)
    facts = gather(read_prompt(prompt(task, seen, task="draft")))
    assert facts is not None
    family = "boosting" if name == "wrong_argument" else "linear"
    good = write_program(facts, Recipe(members=((family, ()),)), seed=0, folds=3, seconds=60, says="One model.")
    broken = BUGS[name](good, facts)
    assert broken != good
    status, output = run(task, broken)
    assert status != 0
    text = answer(prompt(task, seen, task="debug", code=broken, output=output), seed=0)
    assert "failed because" in text
    status, output = run(task, program(text))
    assert status == 0, output[-3000:]
    check(task, output)


def test_programs_know_only_what_the_prompt_says(tmp_path: Path) -> None:
    task = prepare(tmp_path, "rmse", seed=9)
    code = program(answer(prompt(task, "", task="draft"), seed=5))
    assert task.targets[0] in code or "TARGETS = [name for name" in code
    check(task, worked(task, code, "")[1])
