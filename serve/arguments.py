"""vLLM's arguments for a model of the catalogue; known without vLLM."""

from __future__ import annotations

from typing import Any

from serve.models import Entry

MIDDLEWARE = ("serve.leaving.Leaving", "serve.guard.Guard")
"""Before vLLM's own server, the inner one first."""


def engine_arguments(entry: Entry) -> dict[str, Any]:
    """vLLM's arguments for an entry, by vLLM's names."""
    arguments: dict[str, Any] = {
        **_whole_prompts(entry),
        **entry.engine,
        "tensor_parallel_size": entry.tensor,
        "pipeline_parallel_size": entry.pipeline,
        "enable_prompt_tokens_details": True,
        "middleware": list(MIDDLEWARE),
    }
    if entry.context:
        arguments["max_model_len"] = entry.context
    if entry.tool_parser:
        arguments |= {"enable_auto_tool_choice": True, "tool_call_parser": entry.tool_parser}
    if entry.reasoning_parser:
        arguments["reasoning_parser"] = entry.reasoning_parser
    return arguments


def _whole_prompts(entry: Entry) -> dict[str, Any]:
    """On a CPU a prompt is read in one piece: for a request with a seed whose prompt is cut into chunks vLLM 0.29 winds
    the random generator back, which torch cannot do there, and the whole engine dies of it."""
    if entry.gpus or not entry.context:
        return {}
    return {"enable_chunked_prefill": False, "max_num_batched_tokens": max(entry.context, 2048)}
