"""Two engines at once behind the gateway, one of them in two workers, asked by the openai client."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.vllm.stage import Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def models(stage: Stage) -> Iterator[None]:
    stage.write("dense", keys='tool_parser = "hermes"')
    pass
    with stage.served("dense", "tiny-qwen3-next"):
        yield


def test_both_answer(stage: Stage, models: None) -> None:
    key = stage.register("both", "dense", "tiny-qwen3-next")
    with stage.client(key) as client:
        for name in ("dense", "tiny-qwen3-next"):
            answer = client.chat.completions.create(
                model=name, messages=[{"role": "user", "content": "Hello?"}], max_tokens=8
            )
            assert answer.usage is not None
            print(answer)
    print(stage.ledger("both"), stage.running("dense"), stage.running("next"), stage.targets("next"))
