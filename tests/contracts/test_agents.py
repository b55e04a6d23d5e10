"""What every agent of the catalogue must keep to: a valid submission, kept, within the budget."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents import catalogue
from agents.attempt import run_attempt
from agents.order import AttemptOrder
from podium.brief import Brief, Column, DataFile, OutputFile, Submission, Validity
from podium.errors import UserError
from podium.plugins import load
from podium.records import AttemptRecord, Cause
from podium.rundir import AttemptDir
from podium.spec import Budget
from tests.unit.offstage import BareExecutor, ScriptedModel, order_for

PROGRAM = """Predict the mean.

```python
import pandas as pd

train = pd.read_csv("input/train.csv")
answer = pd.read_csv("input/sample_submission.csv")
answer["y"] = train["y"].mean()
answer.to_csv("submission/submission.csv", index=False)
print("Validation rmse:", train["y"].std())
```
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A public directory: 60 training rows, 20 test rows."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"id": range(80), "a": random.normal(size=80), "b": random.choice(["u", "v"], 80)})
    table["y"] = table["a"] * 3 + (table["b"] == "u")
    public = tmp_path / "public"
    public.mkdir()
    table[:60].to_csv(public / "train.csv", index=False)
    table[60:].drop(columns="y").to_csv(public / "test.csv", index=False)
    table[60:][["id"]].assign(y=0.0).to_csv(public / "sample_submission.csv", index=False)
    return public


def brief_of(data: Path) -> Brief:
    return Brief(
        id="made",
        text="Predict `y`.",
        files=tuple(DataFile(name=path.name, bytes=path.stat().st_size) for path in sorted(data.iterdir())),
        metric="rmse",
        lower_is_better=True,
        outputs=(OutputFile(columns=(Column(name="id", kind="id"), Column(name="y", kind="number")), rows=20),),
        execution_seconds=60,
    )


async def validate(submission: Submission) -> Validity:
    lines = submission["submission.csv"].decode().splitlines()
    return Validity(valid=lines[0] == "id,y" and len(lines) == 21, message=f"{len(lines)} lines")


def attempt(name: str, folder: Path, data: Path, budget: Budget) -> tuple[AttemptRecord, AttemptOrder]:
    """One attempt of the agent `name` with a model that always predicts the mean."""
    entry = catalogue.find(name)
    order = order_for(folder / "attempts" / "0", entry.agent_class, brief_of(data), budget, **entry.options)

    async def open_executor() -> BareExecutor:
        return BareExecutor(data)

    model = ScriptedModel(lambda task, number: PROGRAM)
    return asyncio.run(run_attempt(order, open_executor=open_executor, chat=model, validate=validate)), order


@pytest.mark.parametrize("name", catalogue.names())
def test_an_agent_hands_in_a_valid_submission_and_keeps_it(name: str, tmp_path: Path, data: Path) -> None:
    record, order = attempt(name, tmp_path, data, Budget(steps=2))
    assert record.cause is Cause.OK, record.message
    submission = AttemptDir(order.attempt_dir).read_submission()
    assert set(submission) == {"submission.csv"}
    assert asyncio.run(validate(submission)).valid
    assert record.digest == submission.digest
    kept = order.attempt_dir / "workspaces" / "best_submission" / "submission.csv"
    assert kept.read_bytes() == submission["submission.csv"]
    assert (order.attempt_dir / "workspaces" / "best_solution" / "solution.py").stat().st_size > 0


@pytest.mark.parametrize("name", catalogue.names())
def test_an_agent_stays_within_its_steps_and_says_what_it_ran(name: str, tmp_path: Path, data: Path) -> None:
    record, order = attempt(name, tmp_path, data, Budget(steps=2))
    assert 1 <= record.steps <= 2
    programs = [path for path in (order.attempt_dir / "code").glob("*.py") if path.name != "solution.py"]
    assert len(programs) == record.executions >= 1
    events = [json.loads(line) for line in (order.attempt_dir / "logs" / "events.jsonl").read_text().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "ended"]


@pytest.mark.parametrize("name", catalogue.names())
def test_an_agent_without_time_fails_and_does_not_hang(name: str, tmp_path: Path, data: Path) -> None:
    record, _ = attempt(name, tmp_path, data, Budget(seconds=0.01))
    assert (record.cause, record.digest) == (Cause.AGENT, None)
    assert record.message


@pytest.mark.parametrize("name", catalogue.names())
def test_an_agent_refuses_an_option_that_it_does_not_have(name: str) -> None:
    entry = catalogue.find(name)
    make: Any = load(entry.agent_class)
    with pytest.raises(UserError, match="no_such_option"):
        make({**entry.options, "no_such_option": 1})
