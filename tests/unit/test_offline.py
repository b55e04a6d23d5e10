"""The offline model without running programs: reading prompts, determinism, reviews, honest refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.offline.answer import answer
from serve.offline.facts import constants, gather
from serve.offline.mend import mend
from serve.offline.prompt import read_prompt
from serve.offline.recipe import read_recipe
from serve.offline.review import fill, printed_score

GOAL = """# Task

Predict the thing.

## Data

# not a section of ours

# Goal

Metric: roc_auc (higher is better)
Random seed: 7

Submission file: submission/answers.csv
Sample submission: input/sample.csv
Rows: 100

| column | kind | labels |
| --- | --- | --- |
| rid | id |  |
| zz\\|top | probability |  |

# Data overview

## train.csv

rows: 500

| column | dtype | missing | unique | examples |
| --- | --- | --- | --- | --- |
| rid | integer | 0 | 500 | 1, 2 |
| q1 | number | 3 | 400 | 0.1 |
| q2 | text | 0 | 4 | a, b |
| zz\\|top | integer | 0 | 2 | 0, 1 |

## test.csv

rows: 100

| column | dtype | missing | unique | examples |
| --- | --- | --- | --- | --- |
| rid | integer | 0 | 100 | 1, 2 |
| q1 | number | 3 | 90 | 0.1 |
| q2 | text | 0 | 4 | a, b |
"""
DRAFT = "\n# Instructions\n\nWrite a first solution.\n\nTime limit of one run: 60 seconds\n"


def ask(text: str, seed: int | None = 0, schema: dict[str, Any] | None = None) -> str:
    return answer([{"role": "user", "content": text}], seed=seed, schema=schema)


def test_the_facts_are_read_from_the_prompt_alone() -> None:
    prompt = read_prompt([{"role": "user", "content": GOAL + DRAFT}])
    facts = gather(prompt)
    assert facts is not None
    assert (prompt.task, prompt.seed, prompt.run_seconds) == ("draft", 7, 60)
    assert (facts.metric.name, facts.id, facts.targets, facts.rows) == ("roc_auc", "rid", ("zz|top",), 500)
    assert (facts.texts, facts.gaps, facts.output, facts.sample) == (("q2",), ("q1",), "answers.csv", "sample.csv")


def test_the_same_prompt_and_seed_give_the_same_answer_and_other_seeds_others() -> None:
    assert ask(GOAL + DRAFT) == ask(GOAL + DRAFT)
    assert len({ask(GOAL + DRAFT, seed) for seed in range(8)}) > 2


def test_the_time_left_does_not_change_the_answer() -> None:
    assert ask(GOAL + DRAFT + "\nTime left: 100 seconds\n") == ask(GOAL + DRAFT + "\nTime left: 99 seconds\n")


def test_drafts_take_families_that_memory_does_not_name() -> None:
    memory, families = "", set()
    for step in range(5):
        text = ask(GOAL + f"\n# Memory\n\n{memory}\n" + DRAFT)
        families.add(text.partition(":")[0])
        memory += f"- step {step}, draft, good, roc_auc 0.5: {text.splitlines()[0]}\n"
    assert len(families) == 5


def test_a_program_can_be_read_back_as_its_recipe() -> None:
    code = ask(GOAL + DRAFT, seed=2).partition("```python\n")[2].rpartition("```")[0]
    recipe = read_recipe(code)
    assert recipe is not None
    assert len(recipe.members) == 1
    assert constants(code)["OUTPUT"] == "answers.csv"


@pytest.mark.parametrize("text", ["Hello!", "Write a poem.\n" * 40, "# Instructions\n\nWrite a first solution."])
def test_a_prompt_that_says_too_little_is_answered_honestly_without_a_program(text: str) -> None:
    said = ask(text)
    assert "no LLM" in said
    assert "```" not in said


SCHEMA = {
    "type": "object",
    "properties": {
        "is_bug": {"type": "boolean"},
        "summary": {"type": "string"},
        "metric": {"type": ["number", "null"]},
        "lower_is_better": {"type": "boolean"},
        "other": {"type": "array"},
    },
    "required": ["is_bug"],
}


def review(output: str) -> dict[str, Any]:
    text = f"{GOAL}\n# Execution output\n\n```\n{output}\n```\n\n# Instructions\n\nReview this run.\n"
    return dict(json.loads(ask(text, schema=SCHEMA)))


def test_a_review_reads_the_score_that_was_printed() -> None:
    said = review("fold 1: 0.3\nValidation roc_auc: 0.9137\n")
    assert (said["is_bug"], said["metric"], said["lower_is_better"], said["other"]) == (False, 0.9137, False, [])


@pytest.mark.parametrize("output", ["Traceback (most recent call last):\n  x\nKeyError: 'q'", "done", ""])
def test_a_review_of_a_run_without_a_score_finds_a_bug(output: str) -> None:
    said = review(output)
    assert said["is_bug"]
    assert said["metric"] is None


def test_the_last_validation_line_counts() -> None:
    assert printed_score("Validation rmse: 3\nValidation rmse: 1.5e-1\nother: 9", "rmse") == 0.15


def test_other_peoples_programs_are_mended_by_the_error_text_too() -> None:
    code = "import pandas as pd\nmodel = Ridge()\n"
    mended = mend(code, "NameError: name 'Ridge' is not defined", None)
    assert mended is not None
    assert "from sklearn.linear_model import Ridge\n" in mended.code


def test_a_schema_of_unknown_fields_gets_an_object_that_fits_it() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "k": {"enum": ["a", "b"]}}}
    assert fill(schema, {"n": True}) == {"n": 0, "k": "a"}


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert ask(text)
    assert ask(GOAL + text + DRAFT)
