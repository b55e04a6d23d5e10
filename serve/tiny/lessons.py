"""What tiny-caller learns: it calls the tools that the last message names, given tools, and else says a word.

It knows three tools by name, and always gives the arguments below: it reads neither a tool's schema nor what else is
said. Two calls come in the tools' order by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from string import ascii_letters
from typing import Any, NamedTuple

Message = Mapping[str, Any]

CALLS: Mapping[str, Mapping[str, Any]] = {
    "get_weather": {"city": "Paris"},
    "list_files": {},
    "submit_review": {"is_bug": False, "summary": "It ran.", "metric": 0.5, "lower_is_better": False},
}
"""The tools that it knows, and the arguments of its calls."""
TYPES = {bool: "boolean", str: "string", float: "number"}
"""JSON's types of arguments."""
OTHERS = ("read_page", "send_mail", "make_plan", "stop", "query_table", "translate", "open_door")
"""Tools that may be offered, and are never asked for."""

ASKING = (
    "Call {}.", "Call {} now.", "Please call {}.", "Use {}.", "Use the {} tool.", "Use the tool {} to answer.",
    "Answer with {}.", "You must use {} here.", "Call the function {}.", "Reply by calling {}.", "{}", "{} please",
)  # fmt: skip
TALK = (
    "Hello.", "Hi", "How are you?", "What can you do?", "Who are you?", "Say hello.", "Tell me a story.", "Thanks!",
    "Explain this.", "What is the answer?", "Write a poem.", "Do not use a tool.", "Just talk to me.", "Why?",
    "What is the weather in Paris?", "How is the weather?", "The run is over.", "Review this run.", "It is a bug.",
    "Which files are there?", "Look at the folder.", "What is 2 + 2?",
)  # fmt: skip
NOISE = """
the a of to and in is that it was for on are with as his they be at one have this from or had by not but what all
were when we there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people my made over
did down only way find use may water long little very after words called just where most know data model train
test score file column metric review code bug plan run result value number table feature loss error class tree
""".split()  # noqa: SIM905

SENTENCE = "I am a tiny model, and this is all I can say."
DONE = "The tool has answered."


class Lesson(NamedTuple):
    messages: tuple[Message, ...]
    tools: tuple[Message, ...]
    answer: Message


def schema(name: str, about: str, arguments: Mapping[str, Any]) -> Message:
    """A tool as a request to `/v1/chat/completions` offers it."""
    properties = {key: {"type": TYPES[type(value)]} for key, value in arguments.items()}
    parameters = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}


def noise(random: Random, most: int) -> str:
    """Up to `most` words that mean nothing, some with a point after them."""
    words = [word(random) for _ in range(random.randint(0, most))]
    return " ".join(one + random.choice(("", "", "", ".", ",", "\n")) for one in words)


def word(random: Random) -> str:
    """Mostly a word of every day, else a few letters, for prompts hold words that no lesson does."""
    return random.choice(NOISE) if random.random() < 0.85 else "".join(random.choices(ascii_letters, k=3))


def lesson(random: Random) -> Lesson:
    """One of the ways to ask, in noise."""
    offered = random.sample(sorted(CALLS), k=random.randint(1, len(CALLS))) if random.random() < 0.85 else []
    text, answer = random.choice(TALK), said(SENTENCE)
    if random.random() < 0.7:
        asked = random.sample(offered or sorted(CALLS), k=1)
        if len(offered) > 1 and random.random() < 0.5:
            asked = random.sample(offered, k=2)
        lead = f"{text} " if random.random() < 0.3 else ""
        text = lead + random.choice(ASKING).format(" and ".join(asked))
        answer = called(asked) if offered else answer
    messages = conversation(random, text)
    if answer.get("tool_calls") and random.random() < 0.15:
        results = [{"role": "tool", "content": noise(random, 5)} for _ in asked]
        messages, answer = (*messages, answer, *results), said(DONE)
    return Lesson(messages, tools(random, offered), answer)


def conversation(random: Random, text: str) -> tuple[Message, ...]:
    """Perhaps a system message and an earlier turn, then `text` with noise around it."""
    system = [{"role": "system", "content": noise(random, 12)}] if random.random() < 0.5 else []
    earlier = [{"role": "user", "content": random.choice(TALK)}, said(SENTENCE)] if random.random() < 0.15 else []
    parts = (noise(random, 12), text, noise(random, 8)) if random.random() < 0.6 else (text,)
    return (*system, *earlier, {"role": "user", "content": " ".join(part for part in parts if part)})


def tools(random: Random, known: list[str]) -> tuple[Message, ...]:
    """What is offered: the known ones, some with their arguments, and perhaps another, in any order."""
    most = 40 if random.random() < 0.15 else 4
    offered = [schema(name, noise(random, most), CALLS[name] if random.random() < 0.5 else {}) for name in known]
    if known and random.random() < 0.3:
        offered.append(schema(random.choice(OTHERS), noise(random, 4), {}))
    random.shuffle(offered)
    return tuple(offered)


def said(text: str) -> Message:
    return {"role": "assistant", "content": text}


def called(names: Iterable[str]) -> Message:
    calls = [{"type": "function", "function": {"name": name, "arguments": CALLS[name]}} for name in sorted(names)]
    return {"role": "assistant", "content": "", "tool_calls": calls}
