"""Bytes of a number: of a data type, of a quantised weight with its scales, of the key-value cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BYTES = {"float32": 4.0, "float": 4.0, "bfloat16": 2.0, "float16": 2.0, "half": 2.0}
HALF = 2.0
ONLINE = {
    "fp8": 1.0,
    "fp8_per_tensor": 1.0,
    "fp8_per_channel": 1.0,
    "fp8_per_block": 1.0,
    "int8_per_channel_weight_only": 1.0,
    "experts_int8": 1.0,
    "mxfp8": 1 + 1 / 32,
    "bitsandbytes": 0.56,
    "nvfp4_per_token": 0.5 + 1 / 16,
}
"""Bytes of a weight that vLLM quantises while it loads, by the engine argument `quantization`."""
CAPABILITY = {"fp8": 7.5, "fbgemm_fp8": 8.0, "modelopt": 8.0}
"""CUDA's compute capability that vLLM asks for, by quantisation method (`get_min_capability`)."""


def of_dtype(wanted: str) -> float:
    """Bytes of an element, by the engine argument `dtype`. Under `auto` vLLM loads any checkpoint in half precision."""
    return BYTES.get(wanted.removeprefix("torch."), HALF)


def of_cache(dtype: str, element: float) -> float:
    """Bytes of a number in the key-value cache, by the engine argument `kv_cache_dtype`."""
    if dtype == "auto":
        return element
    if dtype.startswith(("fp8", "int8")):
        return 1.0
    return 0.5 + 1 / 16 if dtype.startswith("nvfp4") else BYTES.get(dtype, element)


def of_weight(quantization: Mapping[str, Any]) -> float | None:
    """Bytes of one weight of a quantised matrix, scales included, from a config's `quantization_config`; None: unknown.

    FP8 in blocks of n x k has a float32 scale a block; k-bit integers in groups of g have a float16 scale and a k-bit
    zero point a group; mxfp4 has a byte of exponent for 32 weights, nvfp4 one for 16.
    """
    method = str(quantization.get("quant_method", "")).lower()
    if method in ("fp8", "fbgemm_fp8"):
        rows, columns = quantization.get("weight_block_size") or (1, 1 << 20)
        return 1 + 4 / (rows * columns)
    if method in ("awq", "gptq", "auto-round"):
        return _grouped(quantization.get("bits", quantization.get("w_bit", 4)), quantization.get("group_size", 128))
    if method == "bitsandbytes":
        return 1.0 if quantization.get("load_in_8bit") else 0.56
    if method == "mxfp4":
        return 0.5 + 1 / 32
    if method == "compressed-tensors":
        return _compressed(quantization)
    if method == "modelopt":
        return 0.5 + 1 / 16 if "FP4" in str(quantization.get("quant_algo", "")).upper() else 1.0
    return None


def _compressed(quantization: Mapping[str, Any]) -> float | None:
    """Of the group of weights with most bits."""
    groups = [group.get("weights") or {} for group in (quantization.get("config_groups") or {}).values()]
    sizes = [_grouped(each.get("num_bits", 16), each.get("group_size") or 0) for each in groups]
    return max(sizes, default=None)


def _grouped(bits: int, group: int) -> float:
    return bits / 8 + ((2 + bits / 8) / group if group > 0 else 0)
