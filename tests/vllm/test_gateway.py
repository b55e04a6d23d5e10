"""Engines behind the gateway, one of them in two workers, asked by the openai client: answers, and what is booked."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.vllm.stage import Asker, Stage, until

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

both = pytest.mark.parametrize("model", ["tiny-qwen3", "tiny-qwen3-next"])
VERDICT: dict[str, Any] = {
    "type": "object",
    "properties": {"is_bug": {"type": "boolean"}, "kind": {"enum": ["leak", "crash"]}},
    "required": ["is_bug", "kind"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "submit_review", "description": "Ends a review.", "parameters": VERDICT},
}
NAMED: dict[str, Any] = {"type": "function", "function": {"name": "submit_review"}}


def counted(usage: Any) -> tuple[int, int]:
    return usage.prompt_tokens, usage.completion_tokens


@both
def test_a_whole_answer_is_booked_as_the_engine_counts_it(asker: Asker, model: str) -> None:
    answer = asker.chat(model)
    assert answer.choices[0].finish_reason == "length"
    assert asker.booked() == [counted(answer.usage)]
    assert answer.usage.completion_tokens == 12


@both
def test_a_stream_ends_with_its_usage_where_it_is_asked_for(asker: Asker, model: str) -> None:
    chunks = list(asker.chat(model, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert asker.booked() == [counted(chunks[-1].usage)]


@both
def test_a_stream_without_usage_is_booked_all_the_same(asker: Asker, model: str) -> None:
    chunks = list(asker.chat(model, stream=True))
    assert [chunk for chunk in chunks if chunk.usage or not chunk.choices] == []
    assert asker.booked() == [counted(asker.chat(model).usage)]


def test_the_usage_of_a_trial_is_the_sum_over_its_requests(asker: Asker) -> None:
    answers = [asker.chat(text=text, max_tokens=most) for text, most in (("One.", 5), ("One, two.", 9))]
    list(asker.chat(stream=True))
    used = asker.stage.usage(asker.trial)
    prompts, completions = zip(*asker.booked(), strict=True)
    assert (used.requests, used.estimated) == (3, 0)
    assert (used.prompt, used.completion) == (sum(prompts), sum(completions))
    assert [counted(answer.usage) for answer in answers] == asker.booked()[:2]


def test_a_prompt_that_was_asked_before_is_booked_as_cached(asker: Asker) -> None:
    for _ in range(2):
        asker.chat(text=f"{asker.trial}: the same long words. " * 20)
    first, second = asker.stage.ledger(asker.trial)
    assert first.get("cached", 0) < second["cached"] < second["prompt"]


def test_all_of_several_answers_are_booked(asker: Asker) -> None:
    answer = asker.chat(n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert asker.booked() == [counted(answer.usage)]
    assert answer.usage.completion_tokens == 24


def test_log_probabilities_are_given(asker: Asker) -> None:
    (choice,) = asker.chat(logprobs=True, top_logprobs=2).choices
    assert [len(token.top_logprobs) for token in choice.logprobs.content] == [2] * 12


@both
def test_the_same_seed_gives_the_same_answer(asker: Asker, model: str) -> None:
    first, second, other = (asker.chat(model, seed=seed, temperature=1.0) for seed in (5, 5, 6))
    assert first.choices[0].message.content == second.choices[0].message.content != other.choices[0].message.content


@both
def test_an_answer_fits_the_schema_that_was_given(asker: Asker, model: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": VERDICT, "strict": True}}
    (choice,) = asker.chat(model, max_tokens=800, response_format=form, extra_body={}).choices
    jsonschema.validate(json.loads(choice.message.content), VERDICT)


def test_a_tool_that_is_named_is_called_with_arguments_that_fit(asker: Asker) -> None:
    (said,) = asker.chat(max_tokens=800, tools=[TOOL], tool_choice=NAMED, extra_body={}).choices
    (call,) = said.message.tool_calls
    assert call.function.name == "submit_review"
    jsonschema.validate(json.loads(call.function.arguments), VERDICT)


def test_where_a_tool_is_required_only_calls_that_fit_are_made(asker: Asker) -> None:
    """A random model may go on calling until it is cut, and then has called nothing."""

    def ended() -> Any:
        (said,) = asker.chat(max_tokens=400, tools=[TOOL], tool_choice="required", extra_body={}).choices
        return said if said.finish_reason != "length" else None

    calls = until(ended).message.tool_calls
    assert {call.function.name for call in calls} == {"submit_review"}
    for call in calls:
        jsonschema.validate(json.loads(call.function.arguments), VERDICT)


def test_a_required_call_that_is_cut_has_no_calls_and_says_so(asker: Asker) -> None:
    (said,) = asker.chat(max_tokens=3, tools=[TOOL], tool_choice="required", extra_body={}).choices
    assert said.finish_reason == "length"
    assert not said.message.tool_calls


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_model_that_has_learnt_it_calls_a_tool_by_itself(asker: Asker, stream: bool) -> None:
    options = {"tools": [TOOL], "temperature": 0.0, "max_tokens": 120, "extra_body": {}, "stream": stream}
    said = asker.chat("caller", "Use the submit_review tool.", **options)
    if stream:
        deltas = [chunk.choices[0].delta for chunk in said]
        parts = [part.function for delta in deltas for part in delta.tool_calls or ()]
    else:
        parts = [call.function for call in said.choices[0].message.tool_calls]
    assert "".join(part.name or "" for part in parts) == "submit_review"
    assert json.loads("".join(part.arguments or "" for part in parts))["is_bug"] is False


def test_a_bare_prompt_is_completed(asker: Asker) -> None:
    answer = asker.client.completions.create(model="tiny-qwen3", prompt="import", max_tokens=7, temperature=0.0)
    assert answer.usage is not None
    assert asker.booked() == [counted(answer.usage)]


def test_the_models_say_how_long_their_contexts_are(asker: Asker) -> None:
    cards = {card.id: card.model_dump()["max_model_len"] for card in asker.client.models.list()}
    assert cards == {"tiny-qwen3": 2048, "tiny-qwen3-next": 2048, "caller": 8192}


def test_the_ledger_names_the_replica_that_answered(asker: Asker, stage: Stage) -> None:
    asker.chat()
    assert [entry["replica"] for entry in stage.ledger(asker.trial)] == list(stage.running("tiny-qwen3"))
