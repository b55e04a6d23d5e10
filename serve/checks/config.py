"""Reads a model's config.json.

Counts follow the modules in Transformers (`modeling_llama.py`, `modeling_qwen3*.py`), and give what the models' makers
publish: 0.596 B, 4.02 B, 30.53 B for Qwen3 0.6B, 4B, 30B-A3B, and 79.67 B for Qwen3-Next-80B-A3B.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.errors import UserError
from serve.checks import precision
from serve.checks.architecture import Architecture, LinearAttention


def read(path: Path) -> Architecture:
    """The architecture of the config.json at `path`. Raises UserError, naming the file."""
    try:
        values = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is no model's config.json: {error}.", "Fetch it anew, or mend it.") from None
    return Config(values, str(path)).architecture()


class Config:
    """The values of a config.json, asked for by name; what is missing or no number is a UserError."""

    def __init__(self, values: object, source: str) -> None:
        if not isinstance(values, Mapping):
            raise UserError(f"{source} is no model's config.json: it is no object.", "Fetch it anew, or mend it.")
        text = values.get("text_config")
        self._values: Mapping[str, Any] = {**values, **text} if isinstance(text, Mapping) else values
        self._source = source

    def size(self, *names: str) -> int:
        """The first of `names` that is there, else 0."""
        for name in names:
            value = self._values.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise UserError(f"{self._source}: {name} is {value!r}, which is no size.", "Mend the file.")
            return value
        return 0

    def number(self, *names: str, default: int = 0) -> int:
        """The first of `names` that is there, else `default`. Raises UserError where that leaves nothing."""
        found = self.size(*names) or default
        if not found:
            raise UserError(f"{self._source} does not say {names[0]}.", "Is it the config.json of a language model?")
        return found

    def architecture(self) -> Architecture:
        named = self._values.get("architectures") or [self._values.get("model_type") or "unknown"]
        name = str(named[0] if isinstance(named, list) else named)
        hidden, heads = self.number("hidden_size"), self.number("num_attention_heads")
        kv_heads = self.number("num_key_value_heads", default=heads)
        head_dim = self.number("head_dim", default=max(1, hidden // heads))
        linear = self._linear()
        layers = self.number("num_hidden_layers")
        feeding, routing = self._feed_forward(layers, hidden)
        attending, biases = self._attention(name, hidden, heads, kv_heads, head_dim)
        attention_layers = layers - (linear.layers if linear else 0)
        quantization = self._values.get("quantization_config")
        quantization = quantization if isinstance(quantization, Mapping) else {}
        rest = routing + attention_layers * biases + (2 * layers + 1) * hidden
        return Architecture(
            name=name,
            layers=layers,
            hidden=hidden,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vocabulary=self.number("vocab_size"),
            context=self._reach(),
            tied=bool(self._values.get("tie_word_embeddings", False)),
            wide=self._wide(),
            split=self._split(linear),
            matrices=feeding + attention_layers * attending + (_linear_matrices(linear, hidden) if linear else 0),
            rest=rest + (_linear_rest(linear, hidden) if linear else 0),
            linear=linear,
            quantization=str(quantization.get("quant_method", "")),
            matrix_bytes=precision.of_weight(quantization) if quantization else None,
        )

    def _reach(self) -> int:
        """Positions: `max_position_embeddings`, or what a YaRN scaling makes of the original ones."""
        scaling = self._values.get("rope_scaling") or self._values.get("rope_parameters")
        scaling = scaling if isinstance(scaling, Mapping) else {}
        original, factor = scaling.get("original_max_position_embeddings"), scaling.get("factor")
        stretched = int(original * factor) if isinstance(original, int) and isinstance(factor, int | float) else 0
        return max(self.size("max_position_embeddings"), stretched)

    def _attention(self, name: str, hidden: int, heads: int, kv_heads: int, head_dim: int) -> tuple[int, int]:
        """Parameters of one layer's matrices q, k, v, o (in Qwen3-Next q has a gate of its own size), and the others:
        biases of q, k, v, and Qwen3's norms of query and key."""
        queries = heads * head_dim * (2 if name.startswith("Qwen3Next") else 1)
        pairs = 2 * kv_heads * head_dim
        biased = self._values.get("attention_bias", name.startswith("Qwen2"))
        norms = 2 * head_dim if name.startswith("Qwen3") else 0
        output = heads * head_dim * hidden
        return hidden * (queries + pairs) + output, norms + (queries + pairs if biased else 0)

    def _feed_forward(self, layers: int, hidden: int) -> tuple[int, int]:
        """Parameters of all layers' feed-forward matrices (gate, up, down: 3 x hidden x width, for each expert and the
        shared one), and of the routers (hidden x experts, and a gate of the shared expert)."""
        experts, width, shared = self._experts()
        sparse = self._sparse_layers(layers) if experts else 0
        dense = (layers - sparse) * 3 * hidden * self.number("intermediate_size") if sparse < layers else 0
        routers = experts * hidden + (hidden if shared else 0)
        return dense + sparse * 3 * hidden * (experts * width + shared), sparse * routers

    def _experts(self) -> tuple[int, int, int]:
        """How many experts a sparse layer has, their width, and the width of the shared one."""
        experts = self.size("num_experts", "num_local_experts", "n_routed_experts")
        if not experts:
            return 0, 0, 0
        width = self.number("moe_intermediate_size", "intermediate_size")
        return experts, width, self.size("shared_expert_intermediate_size")

    def _sparse_layers(self, layers: int) -> int:
        step = self.number("decoder_sparse_step", default=1)
        dense = self._values.get("mlp_only_layers") or []
        return sum(1 for index in range(layers) if index not in dense and (index + 1) % step == 0)

    def _wide(self) -> int:
        experts, width, shared = self._experts()
        active = self.number("num_experts_per_tok", default=1)
        return active * width + shared if experts else self.number("intermediate_size")

    def _split(self, linear: LinearAttention | None) -> tuple[int, ...]:
        experts, width, _ = self._experts()
        return (*((width,) if experts else ()), *((linear.key_heads, linear.value_heads) if linear else ()))

    def _linear(self) -> LinearAttention | None:
        """Every `full_attention_interval`-th layer attends fully, the others linearly; `layer_types` may say it one by
        one."""
        if not self._values.get("linear_num_value_heads"):
            return None
        layers, interval = self.number("num_hidden_layers"), self.number("full_attention_interval", default=4)
        kinds = self._values.get("layer_types")
        linear = kinds.count("linear_attention") if isinstance(kinds, list) else layers - layers // interval
        return LinearAttention(
            layers=linear,
            key_heads=self.number("linear_num_key_heads"),
            value_heads=self.number("linear_num_value_heads"),
            key_dim=self.number("linear_key_head_dim"),
            value_dim=self.number("linear_value_head_dim"),
            kernel=self.number("linear_conv_kernel_dim", default=4),
        )


def _linear_matrices(linear: LinearAttention, hidden: int) -> int:
    """Projections to queries, keys, values, gate, and back: hidden x (2 keys + 2 values) + values x hidden a layer."""
    return linear.layers * (hidden * (2 * linear.keys + 2 * linear.values) + linear.values * hidden)


def _linear_rest(linear: LinearAttention, hidden: int) -> int:
    """Decay and beta projections, convolution, their two vectors a head, and the norm of the output."""
    convolution = linear.kernel * (2 * linear.keys + linear.values)
    each = hidden * 2 * linear.value_heads + convolution + 2 * linear.value_heads + linear.value_dim
    return linear.layers * each
