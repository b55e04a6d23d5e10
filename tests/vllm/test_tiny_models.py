"""The tiny models, asked with transformers in the vllm environment: tiny-caller calls, the others talk nonsense."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.settings import CHECKOUT
from serve.tiny.lessons import CALLS, schema

PYTHON = CHECKOUT / ".venv-vllm/bin/python"
MODELS = CHECKOUT / "models"
QUESTION = Path(__file__).with_name("tool_calls.py")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not PYTHON.exists(), reason="There is no vllm environment. Type `make tiny-models`."),
]
TOOLS = [schema(name, f"What {name} does.", arguments) for name, arguments in CALLS.items()]


def answer(model: str, text: str, tools: list[Any], most: int = 200) -> Mapping[str, Any]:
    request = {"messages": [{"role": "user", "content": text}], "tools": tools, "max_tokens": most}
    done = subprocess.run(
        [PYTHON, QUESTION, MODELS / model],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **OFFLINE},
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def calls(content: str) -> list[Any]:
    """The calls of an answer, as vLLM's `hermes` parser reads them."""
    return [json.loads(call) for call in re.findall(r"<tool_call>(.*?)</tool_call>", content, re.DOTALL)]


@pytest.mark.parametrize("name", sorted(CALLS))
def test_tiny_caller_calls_the_tool_that_is_named(name: str) -> None:
    told = answer("tiny-caller", f"The run is over. Look at what it printed, then call {name}.", TOOLS)
    assert calls(told["content"]) == [{"name": name, "arguments": CALLS[name]}]


def test_tiny_caller_calls_two_tools_at_once() -> None:
    told = answer("tiny-caller", "Call get_weather and submit_review.", TOOLS)
    assert [call["name"] for call in calls(told["content"])] == ["get_weather", "submit_review"]


def test_tiny_caller_talks_where_no_tool_is_named() -> None:
    told = answer("tiny-caller", "Tell me about overfitting.", TOOLS)
    assert told["content"].startswith("I am a tiny model")


def test_tiny_caller_talks_where_it_has_no_tool() -> None:
    told = answer("tiny-caller", "Call submit_review.", [])
    assert told["content"].startswith("I am a tiny model")


@pytest.mark.parametrize("name", ["tiny-qwen3", "tiny-qwen3-moe", "tiny-qwen3-next"])
def test_a_random_model_answers_something(name: str) -> None:
    assert answer(name, "Hello.", [], most=5)["tokens"] > 0
