"""Answering one prompt: read it, choose a recipe, write the program; or review a run. A pure function."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from serve.offline import changes, recipe
from serve.offline.bugs import slip
from serve.offline.facts import Facts, gather
from serve.offline.mend import Mended, last_error, mend
from serve.offline.prompt import Prompt, read_prompt
from serve.offline.recipe import Recipe
from serve.offline.review import REVIEW_SCHEMA, fill, review
from serve.offline.write import write_program

NO_LLM = "I am the offline model, a program and no LLM"
DRAFT_SLIPS, IMPROVE_SLIPS = 0.3, 0.12
"""How often a program has a slip to debug."""
DRAFT_SECONDS, IMPROVE_SECONDS = 4.0, 8.0
"""What a program may take by our reckoning on one slow core, where the prompt's limit allows."""


def answer(
    messages: Sequence[Mapping[str, Any]], *, seed: int | None = None, schema: Mapping[str, Any] | None = None
) -> str:
    """The answer's text: a plan and a program, or an object that fits `schema` as JSON.

    The same messages, seed and schema give the same answer; times in the prompt do not count.
    """
    prompt = read_prompt(messages)
    if schema is not None or prompt.task == "review":
        return json.dumps(fill(schema or REVIEW_SCHEMA, review(prompt).model_dump()))
    facts = gather(prompt)
    if facts is None:
        return too_little(prompt)
    random = Random(_digest(prompt, seed))
    if prompt.task == "debug":
        return debug(prompt, facts, random)
    current = recipe.read_recipe(prompt.code) if prompt.task == "improve" else None
    return improve(prompt, facts, current, random) if current and current.members else draft(prompt, facts, random)


def draft(prompt: Prompt, facts: Facts, random: Random) -> str:
    """A single model of a family that memory does not name."""
    families = recipe.REGRESSORS if facts.regression else recipe.CLASSIFIERS
    used = [name for name in families if re.search(rf"\b{name.replace('_', ' ')}:", "\n".join(prompt.memory))]
    chosen = recipe.draft(facts, used, _seconds(prompt, DRAFT_SECONDS), random)
    family = chosen.families[0].replace("_", " ")
    words = f"{family}: a single {'regression' if facts.regression else 'classification'} model"
    if prompt.code:
        words = f"{family}: the previous program is not one of mine and I cannot read it, so I write one of my own"
    return _program(prompt, facts, chosen, words, random, DRAFT_SLIPS)


def improve(prompt: Prompt, facts: Facts, current: Recipe, random: Random) -> str:
    """The previous recipe with one thing changed."""
    tried = "\n".join(line for line in prompt.memory if ", improve, " in line or "change" in line.lower())
    change = changes.improve(current, facts, _seconds(prompt, IMPROVE_SECONDS), random, tried)
    return _program(prompt, facts, change.recipe, f"Change: {change.name}. {change.words}", random, IMPROVE_SLIPS)


def debug(prompt: Prompt, facts: Facts, random: Random) -> str:
    """The previous program mended by its error text; where no rule knows it, a simpler one written anew."""
    if not re.search(r"time limit|memory limit|out of memory|killed|MemoryError", last_error(prompt.output)):
        mended = mend(prompt.code, prompt.output, facts)
        if mended is not None:
            return _told(_debugged(mended, facts), mended.code)
    current = recipe.read_recipe(prompt.code)
    plain = Recipe(members=())
    if current is not None and len(current.members) > 1:
        cheap = sorted(current.members, key=lambda member: recipe.cost(member[0], facts, plain))
        quicker = tuple(cheap[: len(cheap) // 2 + len(cheap) % 2])
        plainer = {"members": quicker, "seeds": 1, "categories": "codes", "scaling": "standard"}
        current = current.model_copy(update=plainer)
        words = "I keep the quicker half of the blend with plain columns, for I do not know this failure better"
    else:
        used = current.families if current else ()
        current = recipe.draft(facts, used, _seconds(prompt, DRAFT_SECONDS) / 2, random)
        words = "I do not know this error, so I write a simpler program anew"
    return _program(prompt, facts, current, words, random, 0.0)


def too_little(prompt: Prompt) -> str:
    """What is said to a prompt that asks for nothing that can be done."""
    metric = f"the metric {prompt.metric_name!r} is not one that I know" if prompt.metric_name else "it names no metric"
    return (
        f"{NO_LLM}: I write scikit-learn programs for tables by rule. This prompt says too little for that: {metric}, "
        "and no table of asked-for columns shows what is to be predicted. I answer with no program rather than a "
        "wrong one."
    )


def _program(prompt: Prompt, facts: Facts, chosen: Recipe, words: str, random: Random, slips: float) -> str:
    says = f"Written by the offline model, which is no LLM. {words}."
    seconds = prompt.run_seconds * 0.6
    code = write_program(
        facts,
        chosen,
        seed=prompt.seed,
        folds=prompt.folds,
        seconds=seconds,
        says=says.replace("\\", "").replace('"', "'"),
    )
    if random.random() < slips:
        code = slip(code, facts, random)
    validated = f"It is validated by {prompt.folds} folds with {facts.metric.name}"
    if prompt.metric_name and prompt.metric_name.lower() != facts.metric.name:
        validated += f", for I do not know {prompt.metric_name!r} by that name"
    return _told(f"{words}. {validated}. ({NO_LLM}.)", code)


def _debugged(mended: Mended, facts: Facts) -> str:
    return f"The run failed because {mended.words}. I keep the rest of the program as it is. ({NO_LLM}.)"


def _told(plan: str, code: str) -> str:
    return f"{plan}\n\n```python\n{code.rstrip()}\n```"


def _seconds(prompt: Prompt, most: float) -> float:
    """Seconds that a program may take by our reckoning: a third of the limit of one run, and `most` at most."""
    return max(0.5, min(most, prompt.run_seconds / 3))


def _digest(prompt: Prompt, seed: int | None) -> int:
    """A number from the seed and the prompt, without its output and what tells the time."""
    text = prompt.text.replace(prompt.output, "") if prompt.output else prompt.text
    lines = [line for line in text.splitlines() if not re.match(r"\W*(time left|time limit)", line, re.IGNORECASE)]
    digest = hashlib.sha256("\n".join([str(seed), str(prompt.seed), *lines]).encode()).digest()
    return int.from_bytes(digest[:8], "big")
