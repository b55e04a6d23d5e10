"""Whether a model fits its GPUs: weights, what vLLM takes for itself, and the key-value cache of whole sequences.

    usable   = memory of one GPU x gpu_memory_utilization
    weights  = bytes of all weights / (tensor x pipeline)
    overhead = what vLLM and CUDA need beside them: an estimate, for vLLM measures its own only when it starts
    cache    = usable - weights - overhead
    fits     = cache holds at least one sequence of the whole context, which vLLM demands at its start too

Pure arithmetic; all sizes are those of the fullest of the GPUs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Literal

from pydantic import Field

from podium.settings import checked
from podium.spec import Spec
from serve.checks import precision
from serve.checks.architecture import Architecture
from serve.checks.gpus import GIB, Gpu
from serve.models import Entry

BLOCK, CPU_BLOCK = 16, 128
"""Tokens of a block of vLLM's cache, on GPUs and on the CPU; hybrid models have larger ones, in multiples of it."""
CONTEXT_GIB, PEERS_GIB, GRAPHS_GIB = 1.0, 0.75, 1.0
"""Estimates: CUDA's context with vLLM's kernels; buffers of NCCL where GPUs speak to each other; CUDA graphs."""
LARGE_GIB, LARGE_SEQUENCES, SEQUENCES = 70.0, 1024, 256
"""vLLM's default of `max_num_seqs` on GPUs from 70 GiB on, and on others (`EngineArgs.get_batch_defaults`)."""
PROCESSES_GIB, WORKER_GIB = 1.5, 0.85
"""Main memory of a replica's processes on the CPU, without weights and cache, and of each of its workers."""
MARGIN_GIB = 1.0
"""By how much the overhead may be underestimated."""
CPU = "CPU"
COUNTS = (1, 2, 4, 8)
"""Sizes of tensor parallelism that are looked at for another kind of GPU."""


class Plan(Spec):
    """How an entry runs its model; fields that vLLM has too are called as there, with vLLM's defaults."""

    tensor: int = Field(1, ge=1)
    pipeline: int = Field(1, ge=1)
    context: int = Field(ge=1)
    gpu_memory_utilization: float = Field(0.92, gt=0, le=1)
    kv_cache_memory_bytes: int | None = Field(None, ge=1)
    """Of each GPU or worker; given, it stands above `gpu_memory_utilization`."""
    kv_cache_dtype: str = "auto"
    mamba_ssm_cache_dtype: str = "auto"
    """Of linear attention's matrices; `auto`: as the model, on the CPU float32."""
    block_size: int | None = Field(None, ge=1)
    dtype: str = "auto"
    quantization: str | None = None
    max_num_seqs: int | None = Field(None, ge=1)
    max_num_batched_tokens: int = Field(8192, ge=1)
    enforce_eager: bool = False
    enable_prefix_caching: bool = True

    @property
    def gpus(self) -> int:
        return self.tensor * self.pipeline


class Fit(Spec):
    """How a model fits; sizes of one GPU (GiB), or of the whole machine on the CPU."""

    gpu: str
    gpus: int
    memory_gib: float
    usable_gib: float
    weights_gib: float
    overhead_gib: float
    cache_gib: float
    """What is left for the cache; negative: the weights alone are too much."""
    sequence_gib: float
    """What one sequence of the whole context takes of the cache."""
    sequences: int
    """Whole sequences that fit at once."""
    context: int
    longest: int
    """The longest sequence that fits (tokens); 0: none."""
    obstacle: Literal["", "weights", "context"]
    """What is too large; empty: it fits."""

    @property
    def fits(self) -> bool:
        return not self.obstacle

    @property
    def close(self) -> bool:
        """Whether it fits so narrowly that the estimate of the overhead may be what decides."""
        return self.fits and self.gpu != CPU and self.cache_gib - self.sequence_gib < MARGIN_GIB


class Cache(Spec):
    """The cache of one sequence on one GPU: so many bytes a block, and some that do not grow."""

    block: int
    """Tokens."""
    block_bytes: float
    constant_bytes: float

    def sequence_bytes(self, context: int) -> float:
        return self.constant_bytes + ceil(context / self.block) * self.block_bytes

    def longest(self, size: float) -> int:
        """Tokens of the longest sequence in `size` bytes."""
        return max(0, int((size - self.constant_bytes) // self.block_bytes)) * self.block


def plan_of(entry: Entry, architecture: Architecture, source: str, gpus: int = 0) -> Plan:
    """The plan of an entry, with `gpus` GPUs in place of its own (0: those). Raises UserError, naming `source`."""
    known = {name: entry.engine[name] for name in Plan.model_fields if name in entry.engine}
    tensor = max(1, gpus // entry.pipeline) if gpus else entry.tensor
    context = entry.context or architecture.context or 1
    return checked(Plan, {**known, "tensor": tensor, "pipeline": entry.pipeline, "context": context}, source)


def fit(architecture: Architecture, plan: Plan, gpu: Gpu, weights: float = 0) -> Fit:
    """How the model fits `plan.gpus` GPUs of the kind `gpu`. `weights`: bytes of all, where they were measured."""
    total = weights or architecture.weight_bytes(plan.dtype, plan.quantization or "")
    each = total * _share(architecture, plan.pipeline) / plan.tensor
    more = overhead(architecture, plan, gpu.gib) * GIB
    usable = gpu.gib * GIB * (0.98 if plan.kv_cache_memory_bytes else plan.gpu_memory_utilization)
    room = usable - each - more
    return _fit(architecture, plan, gpu.name, gpu.gib, (usable, each, more), plan.kv_cache_memory_bytes or room)


def fit_cpu(architecture: Architecture, plan: Plan, memory_gib: float, weights: float = 0) -> Fit:
    """How the model fits the main memory of one machine, with all its workers there."""
    workers = plan.gpus
    total = weights or architecture.weight_bytes(plan.dtype, plan.quantization or "")
    more = (PROCESSES_GIB + WORKER_GIB * workers) * GIB
    usable = memory_gib * GIB * (0.98 if plan.kv_cache_memory_bytes else plan.gpu_memory_utilization)
    size = plan.kv_cache_memory_bytes * workers if plan.kv_cache_memory_bytes else usable - total - more
    return _fit(architecture, plan, CPU, memory_gib, (usable, total, more), size, workers)


def _fit(
    architecture: Architecture, plan: Plan, name: str, memory_gib: float, sizes: tuple[float, float, float],
    size: float, workers: int = 1,
) -> Fit:  # fmt: skip
    """`size`: bytes of the cache of all `workers` that share this memory."""
    usable, weights, more = sizes
    cache = cache_of(architecture, plan, cpu=name == CPU)
    sequence = cache.sequence_bytes(plan.context) * workers
    sequences = max(0, int(size // sequence))
    too_much = size <= 0 or weights + more + (size if plan.kv_cache_memory_bytes else 0) > usable
    return Fit(
        gpu=name,
        gpus=plan.gpus,
        memory_gib=round(memory_gib, 1),
        usable_gib=round(usable / GIB, 1),
        weights_gib=round(weights / GIB, 2),
        overhead_gib=round(more / GIB, 2),
        cache_gib=round(size / GIB, 2),
        sequence_gib=round(sequence / GIB, 3),
        sequences=0 if too_much else min(sequences, plan.max_num_seqs or sequences),
        context=plan.context,
        longest=0 if too_much else min(cache.longest(size / workers), architecture.context or sys.maxsize),
        obstacle="weights" if too_much else "" if sequences else "context",
    )


def cache_of(architecture: Architecture, plan: Plan, *, cpu: bool = False) -> Cache:
    """The cache of one sequence on one GPU.

    A token takes 2 x kv_heads x head_dim numbers in each layer that attends fully. A layer of linear attention has one
    state; vLLM rounds the block up until a layer's block is as large as that state, so that both share one pool, and
    with prefix caching keeps two states a sequence (`MambaSpec.max_memory_usage_bytes`, mode `align`).
    """
    element = precision.of_dtype(plan.dtype)
    token = architecture.token_numbers(plan.tensor) * precision.of_cache(plan.kv_cache_dtype, element)
    full = ceil(architecture.attention_layers / plan.pipeline)
    least = plan.block_size or (CPU_BLOCK if cpu else BLOCK)
    linear = architecture.linear
    if linear is None:
        return Cache(block=least, block_bytes=least * token * full, constant_bytes=0)
    wide = plan.mamba_ssm_cache_dtype
    matrix = precision.of_dtype(wide) if wide != "auto" else 4.0 if cpu else element
    block = ceil(linear.state_bytes(plan.tensor, element, matrix) / token / least) * least
    states = ceil(linear.layers / plan.pipeline) * (2 if plan.enable_prefix_caching else 1)
    return Cache(block=block, block_bytes=block * token * full, constant_bytes=states * block * token)


def overhead(architecture: Architecture, plan: Plan, memory_gib: float) -> float:
    """An estimate of what a GPU holds beside weights and cache (GiB): CUDA's context, graphs, and the largest step's
    activations (six hidden vectors, queries and keys twice, the feed-forward's three) and scores of all words (three
    copies in float32: as computed, scaled, sorted)."""
    tokens = plan.max_num_batched_tokens
    attention = 2 * (architecture.heads + 2 * architecture.kv_heads) * architecture.head_dim
    width = 6 * architecture.hidden + (attention + 3 * architecture.wide) / plan.tensor
    sequences = plan.max_num_seqs or (LARGE_SEQUENCES if memory_gib >= LARGE_GIB else SEQUENCES)
    activations = tokens * width * precision.of_dtype(plan.dtype) + 3 * 4 * sequences * architecture.vocabulary
    fixed = CONTEXT_GIB + (PEERS_GIB if plan.gpus > 1 else 0) + (0 if plan.enforce_eager else GRAPHS_GIB)
    return fixed + activations / GIB


def smallest(architecture: Architecture, plan: Plan, kinds: Iterable[Gpu], weights: float = 0) -> Iterator[Fit]:
    """For each kind of GPU the fit on the fewest that hold the model with some room; none where eight do not."""
    for kind in kinds:
        if kind.capability and kind.capability < precision.CAPABILITY.get(architecture.quantization, 0):
            continue
        for tensor in COUNTS:
            found = fit(architecture, plan.model_copy(update={"tensor": tensor}), kind, weights)
            if found.fits and not found.close and not architecture.undivided(tensor):
                yield found
                break


def _share(architecture: Architecture, stages: int) -> float:
    """The part of all weights on the fullest of `stages` pipeline stages: its layers, and embedding or head."""
    ends = architecture.embedding * (1 if architecture.tied or stages > 1 else 2)
    layers = (architecture.matrices + architecture.rest) * ceil(architecture.layers / stages) / architecture.layers
    return (layers + ends) / architecture.parameters
