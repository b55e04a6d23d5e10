"""Whether a replica of a model can stand on the llm hosts."""

from __future__ import annotations

from typing import Any

import pytest

from serve.models import Entry
from serve.placing import Host, obstacle

LARGE = Host(name="a", cpus=32, gpus=4, gpu="H100")
SMALL = Host(name="b", cpus=8, gpus=1, gpu="A100-80G")


def entry(**values: Any) -> Entry:
    return Entry(kind="vllm", about="", source="org/model", **values)


@pytest.mark.parametrize(
    "asked",
    [
        {"gpus": 1},
        {"gpus": 4, "tensor": 4},
        {"gpus": 5, "tensor": 1, "pipeline": 5},
        {"gpus": 1, "gpu": "A100-80G"},
        {"cpus": 16, "tensor": 2},
    ],
)
def test_it_fits(asked: dict[str, Any]) -> None:
    assert obstacle("m", entry(**asked), [LARGE, SMALL]) == ""


@pytest.mark.parametrize(
    "asked",
    [
        {"gpus": 8, "tensor": 8},
        {"gpus": 2, "tensor": 2, "gpu": "A100-80G"},
        {"gpus": 1, "gpu": "H200"},
        {"gpus": 1, "cpus": 64},
        {"cpus": 20, "tensor": 2},
        {"gpus": 6, "tensor": 1, "pipeline": 6},
    ],
)
def test_it_never_fits(asked: dict[str, Any]) -> None:
    assert obstacle("m", entry(**asked), [LARGE, SMALL])


def test_the_answer_names_what_is_wanted_and_what_there_is() -> None:
    said = obstacle("big", entry(gpus=2, tensor=2), [SMALL])
    assert "big needs 2 GPUs" in said
    assert "b: 8 CPUs, 1 GPUs A100-80G" in said


def test_without_llm_hosts_there_is_no_room() -> None:
    assert "no host with the role `llm`" in obstacle("m", entry(), [])
