"""Usage as endpoints tell it: read from whole answers and streams, priced, and never mistaken for a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from serve.chat import CHAT, COMPLETIONS
from serve.gateway.asked import Asked
from serve.gateway.stream import MAX_EVENT, EventTooLarge, StreamMeter
from serve.gateway.usage import Usage, usage_of_body
from serve.models import Prices
from tests.scripted_engine import DONE, HEAD, chunks, event

TOLD = {"prompt_tokens": 9, "total_tokens": 12, "completion_tokens": 3}


def asked(**fields: Any) -> Asked:
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * 40}], "stream": True, **fields}
    return Asked.read(json.dumps(body).encode(), CHAT)


def compact(said: Any) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


@pytest.mark.parametrize("write", [compact, lambda said: json.dumps(said, indent=1).encode()])
@pytest.mark.parametrize("after", [{}, {"prompt_logprobs": None, "id": "x"}, {"more": {"usage": {"prompt_tokens": 1}}}])
def test_a_whole_answers_usage_is_found_wherever_it_stands(write: Any, after: dict[str, Any]) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2}}
    body = write({"choices": [{"text": ',"usage":{"prompt_tokens":77}}'}], "usage": {**TOLD, **details}, **after})
    assert usage_of_body(body, 1) == Usage(9, 5, 3, 2)


def test_a_nested_usage_is_not_the_answers_own() -> None:
    body = compact({"choices": [{"a": 1, "usage": TOLD}]})
    assert usage_of_body(body, 4).estimated


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"usage":null}', b'{"a":1,"usage":7}', b'{"a":1,"usage":{"pro'])
def test_an_answer_that_tells_nothing_is_estimated(body: bytes) -> None:
    assert usage_of_body(body, 4) == Usage(prompt=4, completion=len(body) // 4, estimated=True)


def test_counts_that_are_none_count_nothing() -> None:
    told = {"prompt_tokens": "9", "completion_tokens": -3, "prompt_tokens_details": {"cached_tokens": 5}}
    assert usage_of_body(compact({"usage": told}), 1) == Usage()


def test_cached_tokens_have_their_own_price() -> None:
    usage = Usage(prompt=1000, cached=400, completion=100)
    assert usage.cost(Prices(prompt=1.0, cached=0.5, completion=2.0)) == pytest.approx(0.001)
    assert usage.cost(Prices(prompt=1.0, completion=2.0)) == pytest.approx(0.0012)


@given(
    texts=some.lists(some.text(), max_size=6),
    sizes=some.lists(some.integers(1, 200), min_size=1, max_size=50),
    choices=some.integers(1, 3),
    running=some.booleans(),
    wants=some.booleans(),
)
def test_a_stream_is_the_same_however_it_is_cut_and_loses_its_usage_alone(
    texts: list[str], sizes: list[int], choices: int, running: bool, wants: bool
) -> None:
    options = {"include_usage": True, "continuous_usage_stats": running}
    request = asked(n=choices, **({"stream_options": {"include_usage": True}} if wants else {}))
    deltas = [{"content": text} for text in texts]
    data = b"".join([*chunks({"n": choices, "stream_options": options}, deltas), DONE])
    meter, out = StreamMeter(request, running=running), b""
    while data:
        size = sizes[len(data) % len(sizes)]
        out, data = out + meter.feed(data[:size]), data[size:]
    expected = chunks({"n": choices, "stream_options": {"include_usage": wants}}, deltas)
    got = [json.loads(line[6:]) for line in out.decode().split("\n\n") if line]
    assert got == [json.loads(line[6:]) for line in expected]
    assert meter.complete
    assert meter.usage() == Usage(prompt=7, cached=4, completion=len(texts) * choices)


def test_fields_after_the_usage_stay() -> None:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
    chunk = {**HEAD, "choices": [choice], "usage": TOLD, "prompt_token_ids": None, "note": "y"}
    meter = StreamMeter(asked(), running=True)
    assert meter.feed(event(chunk)) == event({name: value for name, value in chunk.items() if name != "usage"})
    assert meter.usage() == Usage(prompt=9, completion=3)


def test_other_lines_of_an_event_stay() -> None:
    meter = StreamMeter(asked(), running=True)
    assert meter.feed(b": ping\n\nevent: x\ndata: 7\n\n") == b": ping\n\nevent: x\ndata: 7\n\n"


@pytest.mark.parametrize(("ended", "complete"), [((0,), False), ((0, 0), False), ((0, 1), True)])
def test_a_stream_is_complete_with_a_reason_for_every_choice(ended: tuple[int, ...], complete: bool) -> None:
    meter = StreamMeter(asked(n=2), running=True)
    for place in ended:
        meter.feed(event({"choices": [{"index": place, "delta": {}, "finish_reason": "stop"}]}))
    meter.feed(DONE)
    assert meter.complete is complete


def test_a_cut_stream_of_several_prompts_counts_each_prompt_once() -> None:
    body = {"model": "m", "prompt": ["a", "b"], "n": 2, "stream": True}
    meter = StreamMeter(Asked.read(json.dumps(body).encode(), COMPLETIONS), running=True)
    for place, prompt in enumerate([3, 3, 5, 5]):
        told = {"prompt_tokens": prompt, "completion_tokens": 2}
        meter.feed(event({"choices": [{"index": place, "text": "x", "finish_reason": None}], "usage": told}))
    assert meter.usage() == Usage(prompt=8, completion=8)


def test_a_stream_without_any_usage_is_estimated_by_its_chunks() -> None:
    meter = StreamMeter(asked(), running=False)
    for _ in range(5):
        meter.feed(event({"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]}))
    assert meter.usage() == Usage(prompt=14, completion=5, estimated=True)


def test_an_event_without_an_end_is_not_kept_for_ever() -> None:
    meter = StreamMeter(asked(), running=False)
    with pytest.raises(EventTooLarge):
        meter.feed(b"x" * (MAX_EVENT + 1))


def test_a_request_keeps_its_bytes_and_gains_what_is_asked_of_the_endpoint() -> None:
    body = b' {"model": "m", "messages": [{"role": "user", "content": "\\u00fc"}], "stream": true}\n'
    request = Asked.read(body, CHAT)
    sent = request.rewritten("m", running_usage=True)
    assert sent.startswith(body.strip()[:-1])
    options = {"include_usage": True, "continuous_usage_stats": True}
    assert json.loads(sent) == {**json.loads(body), "stream_options": options}


def test_an_endpoints_own_name_of_the_model_is_used() -> None:
    sent = asked(stream_options={"include_usage": False, "x": 1}).rewritten("y", running_usage=False)
    assert json.loads(sent)["model"] == "y"
    assert json.loads(sent)["stream_options"] == {"include_usage": True, "x": 1}
