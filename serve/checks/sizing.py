"""A model of the catalogue against GPUs: does it fit, and if not, what would.

The answer to "no" names variants of the catalogue that do fit (the same model in FP8), the kinds of GPU that would do,
and the context that would fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from podium.errors import UserError
from podium.spec import Spec
from serve.checks import precision
from serve.checks.architecture import Architecture
from serve.checks.config import read
from serve.checks.finding import Finding, missing, note, ok
from serve.checks.fit import CPU, Fit, Plan, fit, fit_cpu, plan_of, smallest
from serve.checks.gpus import KINDS, Gpu
from serve.checks.weights import Weights
from serve.models import Catalogue, Entry

OLD = 8.0
"""CUDA's compute capability from which on bfloat16 is computed."""
SAID = 8
"""Kinds of GPU that one answer names."""


class Sized(Spec):
    """An entry whose sizes are known."""

    name: str
    entry: Entry
    architecture: Architecture
    source: Path
    """The config.json that told them."""
    measured: int = 0
    """Bytes of the weights, from their files; 0: counted from the architecture."""

    def plan(self, gpus: int = 0) -> Plan:
        """With `gpus` in place of the entry's own (0: those). Raises UserError."""
        if gpus % self.entry.pipeline:
            raise UserError(f"{gpus} GPUs cannot be split into {self.entry.pipeline} stages.", "Ask for a multiple.")
        return plan_of(self.entry, self.architecture, f"The entry {self.name}", gpus)

    def weights(self, plan: Plan) -> float:
        """Bytes that were measured, where the engine loads them as they lie there; else 0."""
        return self.measured if plan.dtype == "auto" and not plan.quantization else 0

    def on(self, kind: Gpu, gpus: int = 0) -> Fit:
        plan = self.plan(gpus)
        return fit(self.architecture, plan, kind, self.weights(plan))

    def on_cpu(self, memory_gib: float) -> Fit:
        plan = self.plan()
        return fit_cpu(self.architecture, plan, memory_gib, self.weights(plan))

    def enough(self, kinds: Iterable[Gpu] = KINDS) -> tuple[Fit, ...]:
        """For each kind the fewest GPUs that hold it, the smaller kinds first."""
        plan = self.plan()
        ordered = sorted(kinds, key=lambda kind: kind.gib)
        return tuple(smallest(self.architecture, plan, ordered, self.weights(plan)))


def sized(name: str, entry: Entry, catalogue: Catalogue, weights: Weights) -> Sized | None:
    """The sizes of an entry's model, from the config.json beside its weights, else from the catalogue's copy; None:
    there is neither. Raises UserError where the file is no such config."""
    path = weights.config or catalogue.config(entry.source)
    if path is None:
        return None
    measured = 0 if weights.faults else weights.loaded_bytes
    return Sized(name=name, entry=entry, architecture=read(path), source=path, measured=measured)


def variants(model: Sized, others: Iterable[Sized]) -> tuple[Sized, ...]:
    """Those of `others` that are the same model in another precision."""
    shape = model.architecture.shape
    return tuple(each for each in others if each.name != model.name and each.architecture.shape == shape)


def memory(model: Sized, kind: Gpu, found: Fit, others: Iterable[Sized]) -> Finding:
    """`found`, how the model fits GPUs of the kind, in words; where it does not, what else would do."""
    seen = told(found)
    if found.fits:
        close = f"within {found.cache_gib - found.sequence_gib:.1f} GiB of the estimate" if found.close else ""
        return note("memory", f"{seen}; {close}", "A shorter `context` leaves room.") if close else ok("memory", seen)
    ways = [*_variants_on(kind, found.gpus, variants(model, others)), *_others(model, kind, found.gpus)]
    if found.longest:
        ways.append(f"With `context` at most {found.longest} it fits {found.gpus} x {kind.name}.")
    ways = ways or ["No GPU that is known here holds it on eight: name more, or take a smaller model."]
    return missing("memory", f"{model.name} does not fit: {seen}", " ".join(ways))


def told(found: Fit) -> str:
    """A fit in one line."""
    each = " each" if found.gpus > 1 and found.gpu != CPU else ""
    place = "main memory" if found.gpu == CPU else f"{found.gpus} x {found.gpu}"
    usable = f"{place} ({found.usable_gib:.1f} of {found.memory_gib:.1f} GiB{each} usable)"
    start = f"{usable}, weights {found.weights_gib:.1f} GiB, vLLM about {found.overhead_gib:.1f} GiB, cache "
    if found.obstacle == "weights":
        return start + "none"
    many = f"{found.sequences} sequences" if found.sequences > 1 else "1 sequence" if found.fits else "not one sequence"
    return f"{start}{found.cache_gib:.3g} GiB: {many} of {found.context} tokens ({found.sequence_gib:.2g} GiB each)"


def wide_enough(model: Sized) -> str:
    """The kinds of GPU that hold the model, by how many it takes."""
    return ", or ".join(_kinds(count, names) for count, names in _by_count(model))


def capability(model: Sized, kind: Gpu) -> Finding | None:
    """Whether that kind of GPU computes in the model's precision; None: it does, or its capability is not known."""
    needed = precision.CAPABILITY.get(model.architecture.quantization, 0.0)
    if not kind.capability or kind.capability >= max(needed, OLD):
        return None
    if kind.capability < needed:
        method = model.architecture.quantization
        seen = f"{kind.name} has compute capability {kind.capability}, and {method} wants {needed}"
        return missing("precision", seen, "Take a newer GPU, or a variant without that quantisation.")
    if model.entry.engine.get("dtype") == "bfloat16":
        return missing("precision", f"{kind.name} has no bfloat16", 'Set engine.dtype = "half" or leave it out.')
    return note("precision", f"{kind.name} has no bfloat16: vLLM computes in float16, which some models do not bear")


def _variants_on(kind: Gpu, gpus: int, models: Iterable[Sized]) -> Iterator[str]:
    for model in models:
        stages = model.entry.pipeline
        if not gpus % stages and not model.architecture.undivided(gpus // stages) and model.on(kind, gpus).fits:
            yield f"{model.name} fits {gpus} x {kind.name}."
        elif fewest := model.enough([kind]):
            yield f"{model.name} fits {fewest[0].gpus} x {kind.name}."


def _others(model: Sized, kind: Gpu, gpus: int) -> Iterator[str]:
    """The kinds that hold the model on as many GPUs or fewer, and how many of the kind that was asked for would."""
    more = [f"{found.gpus} x {found.gpu}" for found in model.enough([kind]) if found.gpus > gpus]
    places = [_kinds(count, names) for count, names in _by_count(model) if count <= gpus]
    if places or more:
        yield f"{model.name} itself fits {', or '.join([*reversed(places), *more])}."


def _by_count(model: Sized) -> list[tuple[int, list[str]]]:
    """The kinds of GPU that hold the model, by how many of them it takes."""
    counts: dict[int, list[str]] = {}
    for found in model.enough():
        counts.setdefault(found.gpus, []).append(found.gpu)
    return sorted(counts.items())


def _kinds(count: int, names: list[str]) -> str:
    return f"{count} x {' / '.join(names[:SAID])}"
