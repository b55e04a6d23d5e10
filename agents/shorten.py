"""Prompts for models with little room: what can be spared most is left out first."""

from __future__ import annotations

from collections.abc import Sequence

from agents.agent import Message
from agents.prompt import Situation, messages, trimmed
from podium.brief import Brief

LEFT_OUT = "\n ... [left out] ...\n"
CHARACTERS_PER_TOKEN = 2
"""Fewer than tokenizers make of English or Python, so that there is room for the answer as well."""


def within(most: int | None, brief: Brief, overview: str, situation: Situation) -> list[Message]:
    """`agents.prompt.messages` of at most `most` characters (None: not bounded), as far as that can be had.

    In this order the memory loses its oldest lines, and data overview, output, task and program their middle.
    """
    memory = list(situation.memory)
    texts = {"overview": overview, "output": trimmed(situation.output), "task": brief.text, "code": situation.code}

    def asked() -> list[Message]:
        shorter = {"memory": tuple(memory), "output": texts["output"], "code": texts["code"]}
        task = brief.model_copy(update={"text": texts["task"]})
        return messages(task, texts["overview"], situation.model_copy(update=shorter))

    def excess() -> int:
        return 0 if most is None else size(asked()) - most

    while memory and excess() > 0:
        memory.pop(0)
    for name, text in texts.items():
        too_much = excess()
        if too_much > 0:
            texts[name] = without_middle(text, len(text) - too_much)
    return asked()


def size(asked: Sequence[Message]) -> int:
    """Characters of a prompt."""
    return sum(len(message.content) for message in asked)


def room_after(characters: int, limit: int | None) -> int:
    """How many characters to try where so many were too many for a model of `limit` tokens (None: it did not say)."""
    half = characters // 2
    return half if limit is None else min(half, limit * CHARACTERS_PER_TOKEN)


def without_middle(text: str, most: int) -> str:
    """`text` in at most `most` characters: its beginning and its end."""
    if len(text) <= most:
        return text
    half = (most - len(LEFT_OUT)) // 2
    return text[:half] + LEFT_OUT + text[-half:] if half > 0 else ""
