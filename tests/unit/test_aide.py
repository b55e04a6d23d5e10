"""AIDE's search: its policy, and every defect of the original as one failed or good node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import JsonValue

from agents.agent import Left, Message, Reply
from agents.aide import Aide
from agents.attempt import run_attempt
from agents.journal import Journal
from containers.sandbox import Ended, Execution
from podium.brief import Submission, Validity
from podium.errors import ContextOverflow
from podium.records import AttemptRecord, Cause
from podium.spec import Budget
from serve.client.retry import Caller
from tests.unit.offstage import BRIEF, BareExecutor, ScriptedModel, order_for, solution, validate


def run_aide(
    folder: Path,
    model: ScriptedModel,
    steps: int = 1,
    brief: Any = BRIEF,
    **options: Any,
) -> tuple[AttemptRecord, list[dict[str, Any]]]:
    """One attempt of AIDE; returns its record and the journal's nodes."""
    executor = BareExecutor()

    async def open_executor() -> BareExecutor:
        return executor

    knobs = {"num_drafts": 1, "data_preview": False, **options}
    order = order_for(folder / "0", brief=brief, budget=Budget(steps=steps, seconds=60), **knobs)
    record = asyncio.run(run_attempt(order, open_executor=open_executor, chat=model, validate=validate))
    assert executor.closed or not record.executions
    journal = folder / "0" / "logs" / "journal.json"
    return record, json.loads(journal.read_text())["nodes"] if journal.exists() else []


def always(text: str) -> Callable[[str, int], str]:
    return lambda task, number: text


def test_the_best_submission_and_its_code_are_kept(tmp_path: Path) -> None:
    scores = [0.5, 0.2, 0.9, 0.3]
    record, nodes = run_aide(tmp_path, ScriptedModel(lambda task, n: solution(scores[n])), steps=4)
    assert (record.cause, record.steps, record.executions) == (Cause.OK, 4, 4)
    assert [node["metric"]["value"] for node in nodes] == scores
    attempt = tmp_path / "0"
    best = attempt / "workspaces" / "best_solution"
    for folder in (attempt / "submission", attempt / "workspaces" / "best_submission"):
        assert (folder / "submission.csv").read_text().startswith("id,y\n1,0.2\n")
    assert (best / "node_id.txt").read_text() == nodes[1]["id"]
    assert (best / "solution.py").read_text() == nodes[1]["code"] == (attempt / "code" / "solution.py").read_text()
    assert [(attempt / "code" / f"step_00{n}.py").exists() for n in range(4)] == [True] * 4
    assert record.digest is not None
    assert record.tokens.total == 4 * 165
    assert record.model_says == "scripted"
    assert record.sandbox == "bare"


def test_drafts_come_first_then_fixes_and_improvements(tmp_path: Path) -> None:
    asked: list[str] = []

    def code(task: str, number: int) -> str:
        asked.append(task)
        return solution(number, 'raise ValueError("no")' if number == 1 else "")

    _, nodes = run_aide(tmp_path, ScriptedModel(code), steps=4, num_drafts=2, debug_prob=1.0)
    assert asked == [*["Write a first solution."] * 2, "Fix the bug.", "Improve the solution."]
    assert [node["stage"] for node in nodes] == ["draft", "draft", "debug", "improve"]
    parents = json.loads((tmp_path / "0" / "logs" / "journal.json").read_text())["node2parent"]
    assert parents == {nodes[2]["id"]: nodes[1]["id"], nodes[3]["id"]: nodes[0]["id"]}


def test_the_direction_is_the_briefs_whatever_reviews_say(tmp_path: Path) -> None:
    def review(prompt: str) -> dict[str, Any]:
        return {"is_bug": False, "summary": "", "metric": None, "lower_is_better": "0.9" in prompt}

    brief = BRIEF.model_copy(update={"lower_is_better": False})
    scores = [0.5, 0.9, 0.2]
    _, nodes = run_aide(tmp_path, ScriptedModel(lambda t, n: solution(scores[n]), review), steps=3, brief=brief)
    assert [node["metric"]["maximize"] for node in nodes] == [True] * 3
    assert "1,0.9" in (tmp_path / "0" / "submission" / "submission.csv").read_text()


def test_a_review_that_is_text_leaves_a_good_node(tmp_path: Path) -> None:
    model = ScriptedModel(always(solution(0.4)), review=lambda prompt: "Looks fine to me!")
    record, nodes = run_aide(tmp_path, model)
    assert record.cause is Cause.OK
    assert (nodes[0]["is_buggy"], nodes[0]["metric"]["value"]) == (False, 0.4)


@pytest.mark.parametrize("number", [1, 0, -3])
def test_a_metric_that_is_an_integer_counts(tmp_path: Path, number: int) -> None:
    def review(prompt: str) -> dict[str, Any]:
        return {"is_bug": False, "summary": "", "metric": number, "lower_is_better": True}

    silent = solution(0.4).replace("print", "len")
    _, nodes = run_aide(tmp_path, ScriptedModel(always(silent), review))
    assert (nodes[0]["is_buggy"], nodes[0]["metric"]["value"]) == (False, float(number))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_metric_that_is_not_finite_is_a_bug_and_the_journal_stays_json(tmp_path: Path, value: str) -> None:
    def review(prompt: str) -> dict[str, Any]:
        return {"is_bug": False, "summary": "", "metric": float("nan"), "lower_is_better": True}

    _, nodes = run_aide(tmp_path, ScriptedModel(always(solution(value)), review))
    assert nodes[0]["is_buggy"]
    assert nodes[0]["metric"] == {"value": None, "maximize": None}
    assert "finite" in nodes[0]["analysis"]


def test_a_missing_submission_is_a_bug(tmp_path: Path) -> None:
    text = "Plan.\n```python\nimport os\nprint('Validation rmse: 0.1')\n```"
    record, nodes = run_aide(tmp_path, ScriptedModel(always(text)))
    assert nodes[0]["is_buggy"]
    assert "no submission" in nodes[0]["analysis"]
    assert (record.cause, record.digest) == (Cause.AGENT, None)


def test_a_submission_of_the_wrong_form_is_a_bug(tmp_path: Path) -> None:
    text = "Plan.\n```python\nopen('submission/submission.csv', 'w').write('x')\nprint('Validation rmse: 0.1')\n```"
    _, nodes = run_aide(tmp_path, ScriptedModel(always(text)))
    assert (nodes[0]["is_buggy"], nodes[0]["valid_submission"]) == (True, False)
    assert "1 lines" in nodes[0]["analysis"]


def test_a_review_that_finds_a_bug_does_not_count_but_is_better_than_nothing(tmp_path: Path) -> None:
    def review(prompt: str) -> dict[str, Any]:
        return {"is_bug": True, "summary": "It leaks.", "metric": 0.1, "lower_is_better": True}

    record, nodes = run_aide(tmp_path, ScriptedModel(always(solution(0.1)), review))
    assert nodes[0]["is_buggy"]
    assert record.cause is Cause.OK
    assert record.digest is not None, "a valid submission is handed in where there is no good one"


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("import sys", True),
        ("__file__", True),
        ("import sys; sys.stdout.isatty(); sys.stdout.fileno()", True),
        ('assert __name__ == "__main__"', True),
        ("import os; os._exit(3)", False),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", False),
        ("raise MemoryError", False),
        ("while True: pass", False),
        ("import subprocess; subprocess.run(['echo', 'from a child'], check=True)", True),
        ("import sys; sys.stdout.write('x' * 3_000_000 + chr(10))", True),
    ],
)
def test_what_a_program_does_is_one_node_and_the_run_goes_on(tmp_path: Path, line: str, good: bool) -> None:
    brief = BRIEF.model_copy(update={"execution_seconds": 2.0})
    texts = [solution(0.3, line), solution(0.5)]
    record, nodes = run_aide(tmp_path, ScriptedModel(lambda t, n: texts[n]), 2, brief, debug_prob=0.0)
    assert record.cause is Cause.OK
    assert [node["is_buggy"] for node in nodes] == [not good, False]
    if not good:
        assert nodes[0]["exc_type"]


def test_exiting_with_zero_at_the_end_is_a_good_node(tmp_path: Path) -> None:
    text = solution(0.3).replace("\n```\n", "\nimport sys\nsys.exit(0)\n```\n")
    _, nodes = run_aide(tmp_path, ScriptedModel(always(text)))
    assert (nodes[0]["is_buggy"], nodes[0]["exc_type"]) == (False, None)


def test_a_timeout_is_told_as_aide_tells_it(tmp_path: Path) -> None:
    brief = BRIEF.model_copy(update={"execution_seconds": 1.0})
    _, nodes = run_aide(tmp_path, ScriptedModel(always(solution(0.3, "import time; time.sleep(60)"))), 1, brief)
    assert nodes[0]["exc_type"] == "TimeoutError"
    assert "stopped by its time limit" in nodes[0]["_term_out"][-1]


def test_an_answer_without_a_program_is_asked_again_and_then_one_failed_node(tmp_path: Path) -> None:
    model = ScriptedModel(lambda task, n: "I cannot." if n < 3 else solution(0.2))
    record, nodes = run_aide(tmp_path, model, steps=2, debug_prob=0.0)
    assert model.programs == 4
    assert [(node["is_buggy"], node["code"] == "") for node in nodes] == [(True, True), (False, False)]
    assert (record.cause, record.executions) == (Cause.OK, 1)


class SmallModel(ScriptedModel):
    """Refuses prompts of more than `most` characters, as a model with little context does."""

    def __init__(self, most: int, limit: int | None = None) -> None:
        super().__init__(always(solution(0.4)))
        self.most, self.limit, self.refused = most, limit, 0

    async def __call__(
        self,
        messages: Sequence[tuple[str, str]],
        temperature: float | None,
        schema: Mapping[str, Any] | None,
        caller: Caller,
    ) -> Reply:
        if sum(len(content) for _, content in messages) > self.most:
            self.refused += 1
            raise ContextOverflow("small", self.limit, "too long")
        return await super().__call__(messages, temperature, schema, caller)


LONG = BRIEF.model_copy(update={"text": "# Made\n\n" + "Predict `y`. " * 2000})


@pytest.mark.parametrize("limit", [None, 4000])
def test_a_prompt_that_is_too_long_is_shortened_once_and_stays_short(tmp_path: Path, limit: int | None) -> None:
    model = SmallModel(15_000, limit)
    record, nodes = run_aide(tmp_path, model, 3, LONG)
    assert (record.cause, len(nodes), model.refused) == (Cause.OK, 3, 1)
    assert "left out" in model.prompts[0]
    assert "prompt_too_long" in (tmp_path / "0" / "logs" / "events.jsonl").read_text()


def test_a_prompt_that_no_shortening_makes_fit_fails_the_attempt_with_the_limit(tmp_path: Path) -> None:
    model = SmallModel(100, limit=30)
    record, nodes = run_aide(tmp_path, model)
    assert (record.cause, nodes, model.refused) == (Cause.AGENT, [], 3)
    assert "30 tokens" in record.message


def test_a_review_that_does_not_fit_is_our_own(tmp_path: Path) -> None:
    class Forgetful(SmallModel):
        async def __call__(
            self,
            messages: Sequence[tuple[str, str]],
            temperature: float | None,
            schema: Mapping[str, Any] | None,
            caller: Caller,
        ) -> Reply:
            self.most = 0 if schema else 100_000
            return await super().__call__(messages, temperature, schema, caller)

    record, nodes = run_aide(tmp_path, Forgetful(0))
    assert (record.cause, nodes[0]["metric"]["value"]) == (Cause.OK, 0.4)


NONSENSE = [
    "",
    "\x00\ud800 <think> \u202e",
    "import import ```python ``` ~~~",
    "```python\nwhereof one cannot speak\n```",
    "```python\nx\n```",
    "```python\n'\x00'\n```",
    "```python\nimport q7\nsubmission\n``` </think> ```python\n1\n```",
    '{"is_bug": 1e999, "summary": ' + "[" * 5000,
    "```python\n" + "(" * 5000 + ")" * 5000 + "\n```",
]


def test_nonsense_becomes_failed_nodes_and_the_trial_ends_in_its_budget(tmp_path: Path) -> None:
    random = Random(0)

    def babble(task: str, number: int) -> str:
        return "".join(random.choices([*NONSENSE, *"{}[]()`\n\t abc 019\u00e9\u4e2d"], k=random.randrange(60)))

    texts = [*NONSENSE, *(babble("", n) for n in range(20))]
    model = ScriptedModel(lambda task, n: texts[n // 3 % len(texts)], review=lambda prompt: "no object at all")
    record, nodes = run_aide(tmp_path, model, steps=25)
    assert (record.cause, record.steps, record.digest) == (Cause.AGENT, 25, None)
    assert [node["is_buggy"] for node in nodes] == [True] * 25
    assert "None of 25 programs" in record.message


class Quick:
    """Tools that cost nothing."""

    def __init__(self, steps: int) -> None:
        self.steps, self.logged, self.events = steps, "", 0

    async def execute(self, program: str, *, seconds: float | None = None) -> Execution:
        files = {"submission/submission.csv": b"id,y\n1,1\n2,2\n"}
        return Execution(ended=Ended.OK, output=f"Validation rmse: {self.steps}", files=files)

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
        purpose: str = "",
    ) -> Reply:
        return Reply(content=solution(1), data={"is_bug": False} if schema else None)

    async def validate(self, submission: Submission) -> Validity:
        return await validate(submission)

    async def keep(self, submission: Submission, code: str, note: str = "") -> None: ...

    def log(self, name: str, content: str) -> None:
        self.logged = content

    def event(self, kind: str, **fields: JsonValue) -> None:
        json.dumps(fields, allow_nan=False)
        self.events += 1

    def left(self) -> Left:
        return Left(seconds=100, steps=self.steps, tokens=None)

    def step(self) -> None:
        self.steps -= 1


def test_a_chain_of_a_hundred_and_fifty_nodes_is_written_like_any_other() -> None:
    tools = Quick(150)
    asyncio.run(Aide({"num_drafts": 1, "data_preview": False}).run(BRIEF, tools))
    journal = json.loads(tools.logged)
    assert (len(journal["nodes"]), len(journal["node2parent"])) == (150, 149)
    assert tools.events == 300, "one line a node, and one for each that is the best so far"


def test_best_of_nothing_is_nothing() -> None:
    assert Journal().best() is None
