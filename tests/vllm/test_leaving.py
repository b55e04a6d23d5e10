"""A client that leaves before the end: the engine is free for the next, and the trial pays for what was made."""

from __future__ import annotations

import json
import re
import urllib.request

import openai
import pytest

from cluster.layout import ADDRESSES
from cluster.ports import Ports
from podium.placement import Role
from tests.vllm.stage import Asker, Stage, until

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

MODEL = "caller"
"""It answers one request after the other."""
MOST = 8000
"""Tokens that a client asks for which does not stay."""


def counted(stage: Stage, counter: str) -> dict[str, float]:
    """A counter of the engine's, as Ray's metrics of the llm host show it some seconds later, by `finished_reason`."""
    port = Ports(first=stage.state.first_port).host(Role.LLM).metrics
    with urllib.request.urlopen(f"http://{ADDRESSES[Role.LLM]}:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    mine = [line for line in lines if line.startswith(f"ray_vllm_{counter}{{") and f'model_name="{MODEL}"' in line]
    reasons = [re.search(r'finished_reason="(\w+)"', line) for line in mine]
    return {
        found[1] if found else "": float(line.rpartition(" ")[2]) for found, line in zip(reasons, mine, strict=True)
    }


def booked(stage: Stage) -> list[dict[str, int]]:
    """All requests to the model that the gateway has written down, of every trial."""
    lines = (stage.state_file.with_suffix(".services") / "gateway.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry.get("model") == MODEL]


def made(stage: Stage) -> int:
    """Tokens that the engine has made altogether, when its counters tell of all requests that were answered."""
    answered = 1 + sum(entry.get("status", 200) == 200 for entry in booked(stage))  # 1: by which it came up

    def told() -> bool:
        reasons = counted(stage, "request_success_total")
        return sum(count for reason, count in reasons.items() if reason != "abort") >= answered

    until(told)
    return int(sum(counted(stage, "generation_tokens_total").values()))


def test_a_client_that_leaves_a_stream_frees_the_engine_and_pays_for_what_was_made(asker: Asker) -> None:
    with asker.chat(MODEL, stream=True, max_tokens=MOST) as chunks:
        for _ in range(20):
            next(chunks)
    asker.chat(MODEL, max_tokens=3)  # its turn comes when the first has ended
    left, _ = asker.stage.ledger(asker.trial)
    assert left["status"] == 499
    assert 15 <= left["completion"] < MOST / 2
    assert made(asker.stage) < sum(entry.get("completion", 0) for entry in booked(asker.stage)) + MOST / 2


def test_a_client_that_waits_no_longer_for_a_whole_answer_frees_the_engine(asker: Asker) -> None:
    with pytest.raises(openai.APITimeoutError):
        asker.chat(MODEL, max_tokens=MOST, timeout=3.0)
    asker.chat(MODEL, max_tokens=3)
    left, _ = asker.stage.ledger(asker.trial)
    assert (left["status"], left["estimated"]) == (499, True)
    assert made(asker.stage) < sum(entry.get("completion", 0) for entry in booked(asker.stage)) + MOST / 2
