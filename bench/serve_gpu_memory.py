"""What a model takes of a GPU: as `podium models check` computes it, as vLLM says while it loads, by `nvidia-smi`."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence

from podium.errors import Unavailable
from podium.spec import Spec
from serve.checks.fit import Fit

LEFT_MIB = 512
"""By how much a GPU may stay fuller than before, once what used it has ended."""
FREE_SECONDS = 120.0
NUMBER = r"([\d,]+(?:\.\d+)?)"
SAID = {
    "weights_gib": rf"Model loading took {NUMBER} GiB",
    "cache_gib": rf"Available KV cache memory: {NUMBER} GiB",
    "graphs_gib": rf"Graph capturing finished in \d+ secs, took {NUMBER} GiB",
    "tokens": rf"KV cache size: {NUMBER} tokens",
    "sequences": rf"Maximum concurrency for [\d,]+ tokens per request: {NUMBER}x",
}
"""vLLM's own lines."""


class Said(Spec):
    """What vLLM said of its memory while it loaded, of one GPU; None: nothing."""

    weights_gib: float | None = None
    cache_gib: float | None = None
    graphs_gib: float | None = None
    tokens: float | None = None
    """That the cache holds."""
    sequences: float | None = None
    """Of the whole context that the cache holds."""


def read_log(text: str) -> Said:
    """From a log; where several workers speak, the fullest one's."""
    found = {name: [float(number.replace(",", "")) for number in re.findall(line, text)] for name, line in SAID.items()}
    fullest = {"weights_gib": max, "graphs_gib": max}
    return Said(**{name: fullest.get(name, min)(numbers) for name, numbers in found.items() if numbers})


def used_mib() -> tuple[int, ...]:
    """Memory in use of each GPU of this host, by `nvidia-smi`. Raises Unavailable."""
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True)
        return tuple(int(line) for line in done.stdout.split())
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Unavailable(
            f"nvidia-smi does not say the memory in use: {error}", "See whether it runs by itself."
        ) from None


def await_free(before: Sequence[int]) -> None:
    """Wait until the GPUs are as free as they were. Raises Unavailable where they do not come to that."""
    deadline = time.monotonic() + FREE_SECONDS
    while any(now > then + LEFT_MIB for now, then in zip(used_mib(), before, strict=True)):
        if time.monotonic() > deadline:
            raise Unavailable("What ran on the GPUs has ended, and their memory stays in use.", "See nvidia-smi.")
        time.sleep(1)


def table(fit: Fit, said: Mapping[str, Said], used_gib: Mapping[str, float]) -> Iterator[str]:
    """Markdown: the computation beside what each server said and took, of the fullest GPU."""
    yield f"| of one {fit.gpu}, GiB | computed | {' | '.join(said)} |"
    yield "|---|" + "---:|" * (1 + len(said))
    rest = {
        name: fit.usable_gib - one.weights_gib - one.cache_gib
        for name, one in said.items()
        if one.weights_gib is not None and one.cache_gib is not None
    }
    rows: dict[str, tuple[float, Mapping[str, float | None]]] = {
        "weights": (fit.weights_gib, {name: one.weights_gib for name, one in said.items()}),
        "key-value cache": (fit.cache_gib, {name: one.cache_gib for name, one in said.items()}),
        "all else within `gpu_memory_utilization`": (fit.overhead_gib, rest),
        "in use, by nvidia-smi": (fit.usable_gib, used_gib),
        f"sequences of {fit.context} tokens": (
            fit.cache_gib / fit.sequence_gib,
            {name: one.sequences for name, one in said.items()},
        ),
    }
    for row, (computed, found) in rows.items():
        yield f"| {row} | {computed:.2f} | {' | '.join(_number(found.get(name)) for name in said)} |"


def _number(value: float | None) -> str:
    return "not said" if value is None else f"{value:.2f}"
