"""Answers in chunks: put together, and whole only with a finish reason."""

from __future__ import annotations

import pytest

from podium.errors import BudgetSpent
from podium.records import Tokens
from tests.unit.endpoint_script import USAGE, Script, chunk, event, refused, said, streamed

DONE = b"data: [DONE]\n\n"
SAID = [chunk({"role": "assistant", "content": ""}), chunk({"content": "ye"}), chunk({"content": "s"}, "stop")]
WHOLE = streamed(*SAID, chunk(None, usage=USAGE), DONE)


def test_chunks_are_put_together_with_their_usage() -> None:
    script = Script(WHOLE)
    answer = script.ask(stream=True)
    assert (answer.content, answer.finish_reason, answer.prompt_tokens, answer.model) == ("yes", "stop", 3, "m-1")
    assert (script.seen[0]["stream"], script.seen[0]["stream_options"]) == (True, {"include_usage": True})


def test_reasoning_comes_in_chunks_too() -> None:
    thoughts = [chunk({"reasoning": "let me "}), chunk({"reasoning_content": "think"})]
    assert Script(streamed(*thoughts, *SAID, DONE)).ask(stream=True).reasoning == "let me think"


@pytest.mark.parametrize(
    "cut",
    [
        streamed(*SAID[:2]),
        streamed(*SAID[:2], DONE),
        streamed(*SAID, length=9999),
        streamed(*SAID[:2], event({"error": {"message": "m broke off", "code": "upstream_broke_off"}})),
        streamed(*SAID[:2], event({"error": {"message": "EngineCore encountered an issue", "code": 500}}), DONE),
        streamed(b"data: {no json\n\n"),
        streamed(b""),
        refused(502, "m broke off", "upstream_broke_off"),
    ],
    ids=["end", "done", "bytes", "gateway", "engine", "json", "nothing", "before"],
)
def test_a_stream_that_breaks_off_is_asked_for_again(cut: bytes) -> None:
    script = Script(cut, WHOLE)
    assert script.ask(stream=True).content == "yes"
    assert len(script.seen) == 2
    assert script.caller.tokens == Tokens(prompt=3, completion=2, requests=1)


def test_an_error_event_that_is_final_is_final() -> None:
    script = Script(streamed(event({"error": {"message": "spent", "code": "insufficient_quota"}})))
    with pytest.raises(BudgetSpent):
        script.ask(stream=True)
    assert len(script.seen) == 1


def test_an_endpoint_that_does_not_stream_gives_no_answer_that_counts() -> None:
    script = Script(said("yes"), WHOLE)
    assert script.ask(stream=True).content == "yes"
    assert len(script.seen) == 2
