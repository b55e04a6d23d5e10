"""Trains tiny-caller on its lessons, for a fixed number of steps, and asks it lessons that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from serve.tiny.lessons import Lesson, lesson
from serve.tiny.shapes import SIZE, words

SHAPE = {**SIZE, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3}
STEPS = 500
"""About a minute on two quiet cores."""
BATCH = 8
SORTED = 20
"""So many batches are drawn at once."""
RATE = 3e-3
WARM_UP = 30
THREADS = 2
"""Sums of floats depend on it, so it is not the machine's number of cores."""
QUESTIONS = 40
PASSED = 0.9
"""The part of the questions that must be answered to the letter."""
IGNORED = -100

Row = tuple[list[int], list[int]]
"""The tokens of a prompt and of its answer."""


def train(tokenizer: Any) -> Any:
    """The trained model. Raises RuntimeError where it did not learn."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    random = Random(0)
    model = Qwen3ForCausalLM(Qwen3Config(**SHAPE, **words(tokenizer)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)
    for lessons in course(tokenizer, random):
        loss = answer_loss(model, lessons)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.to(torch.bfloat16)  # as it is saved
    right = examine(model, batch(tokenizer, [encoded(tokenizer, lesson(random)) for _ in range(QUESTIONS)]))
    if right < PASSED:
        raise RuntimeError(f"tiny-caller answers {right:.0%} of its questions, not {PASSED:.0%}: raise STEPS, here.")
    return model


def pace(step: int) -> float:
    """The learning rate's factor: up for a while, then down to a twentieth."""
    return min((step + 1) / WARM_UP, max(0.05, 1 - step / STEPS))


def course(tokenizer: Any, random: Random) -> Iterator[Mapping[str, Any]]:
    """A batch for each step, of lessons that are about as long, so that little of it is padding."""
    for _ in range(STEPS // SORTED):
        rows = [encoded(tokenizer, lesson(random)) for _ in range(SORTED * BATCH)]
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        random.shuffle(batches)
        yield from (batch(tokenizer, chosen) for chosen in batches)


def batch(tokenizer: Any, rows: list[Row]) -> Mapping[str, Any]:
    """Token ids, padded on the right; labels are the answers' tokens alone."""
    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    labels = torch.full((len(rows), width), IGNORED)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return {"ids": ids, "labels": labels}


def encoded(tokenizer: Any, one: Lesson) -> Row:
    """A lesson's prompt and answer, as the chat template writes them."""
    tools = list(one.tools) or None
    prompt = tokenizer.apply_chat_template(list(one.messages), tools=tools, add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template([*one.messages, one.answer], tools=tools, tokenize=False)
    answer = whole.removeprefix(prompt).removesuffix("\n")
    return tokenizer.encode(prompt), tokenizer.encode(answer)


def answer_loss(model: Any, lessons: Mapping[str, Any]) -> Any:
    """Cross-entropy of the answers' tokens; only those go through the vocabulary, which costs as much as the layers."""
    states = model.model(input_ids=lessons["ids"]).last_hidden_state[:, :-1]
    labels = lessons["labels"][:, 1:]
    wanted = labels != IGNORED
    return torch.nn.functional.cross_entropy(model.lm_head(states[wanted]), labels[wanted])


def examine(model: Any, asked: Mapping[str, Any]) -> float:
    """The part of a batch whose answer is, token by token, the likeliest."""
    labels = asked["labels"][:, 1:]
    with torch.no_grad():
        states = model.model(input_ids=asked["ids"]).last_hidden_state[:, :-1]
        right = (model.lm_head(states).argmax(-1) == labels) | (labels == IGNORED)
    return float(right.all(-1).float().mean())
