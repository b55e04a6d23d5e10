"""The architectures: Qwen3 dense, mixture of experts and Next, each small enough to load in a second."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
    Qwen3NextConfig,
    Qwen3NextForCausalLM,
)

SIZE = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True, "bos_token_id": None,
}  # fmt: skip
EXPERTS = {"moe_intermediate_size": 32, "num_experts": 8, "num_experts_per_tok": 2, "norm_topk_prob": True}
NEXT = {
    "num_hidden_layers": 4, "full_attention_interval": 4, "shared_expert_intermediate_size": 32,
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128, "linear_value_head_dim": 128, "tie_word_embeddings": False,
}  # fmt: skip
"""One layer in four attends to everything; vLLM's kernels for the others want heads of 128. Its Next always has an
output layer of its own, which tied weights would leave full of whatever the memory held."""
SAMPLING = {"do_sample": True, "temperature": 0.7, "top_p": 0.8, "top_k": 20}
LIKELIEST = {"do_sample": True, "top_k": 1}
"""Always the likeliest token, whatever the temperature of a request."""


def words(tokenizer: Any) -> dict[str, int]:
    """What a configuration says of the vocabulary."""
    return {
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def dense(tokenizer: Any) -> Any:
    return Qwen3ForCausalLM(Qwen3Config(**SIZE, **words(tokenizer)))


def experts(tokenizer: Any) -> Any:
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**SIZE, **EXPERTS, **words(tokenizer)))


def following(tokenizer: Any) -> Any:
    return Qwen3NextForCausalLM(Qwen3NextConfig(**{**SIZE, **EXPERTS, **NEXT}, **words(tokenizer)))


RANDOM: Mapping[str, Callable[[Any], Any]] = {
    "tiny-qwen3": dense,
    "tiny-qwen3-moe": experts,
    "tiny-qwen3-next": following,
}
"""Models of random weights: they talk nonsense, at any length."""


def save(model: Any, tokenizer: Any, folder: Path, sampling: Mapping[str, Any]) -> None:
    """What a hub's folder holds: weights in bfloat16, configuration, tokenizer, template, how to sample."""
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ends = {"eos_token_id": [tokenizer.eos_token_id, tokenizer.pad_token_id], "pad_token_id": tokenizer.pad_token_id}
    (folder / "generation_config.json").write_text(json.dumps({**ends, **sampling}, indent=1) + "\n")
