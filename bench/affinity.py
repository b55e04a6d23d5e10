"""What it is worth that a trial's requests go to one replica: python -m bench.affinity [--quick] [--cache-mib N]

Trials like AIDE's, all at once, before two replicas of a tiny model behind our gateway. A trial asks call after call;
each prompt is a long beginning of its own, all that was said so far, and a last part that is never said again. With
affinity a trial has one key, as a sweep gives it; without, every call has the key of another trial, so that calls are
spread over the replicas by chance.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
from pydantic import BaseModel

from bench import load, machine
from bench.load import Measured
from bench.serving import PACKAGES, interruptible, tiny
from bench.serving_cluster import cluster
from jobs import cli
from serve.models import Entry, Replicas

TRIALS, CALLS = 8, 35
QUICK_CALLS = 8
BEGINNING, GROWTH, LAST = 600, 60, 40
"""Tokens: of the beginning, by which a prompt grows, and of the part that is never said again."""
TOKENS = 16
"""Of an answer."""
WITH, WITHOUT = "one a trial", "another each call"


class Figures(BaseModel):
    """All calls of one way."""

    sessions: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    seconds: float
    first_p50_ms: float
    errors: dict[str, int]

    @property
    def hits(self) -> float:
        """Share of the prompts' tokens that the engines had in their caches of prefixes."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


class Place(NamedTuple):
    """Where the model is asked."""

    url: str
    model: str


def prompts(calls: int, seed: int) -> list[str]:
    """A trial's prompts; no two trials begin alike."""
    story, *lasts = load.digits(1, BEGINNING + GROWTH * calls, seed=seed) + load.digits(calls, LAST, seed=-1 - seed)
    return [story[: BEGINNING + GROWTH * number] + last for number, last in enumerate(lasts)]


def shared(said: Sequence[str]) -> float:
    """Share of the prompts that a cache without blocks and without an end would have: what the last call began with."""
    again = sum(BEGINNING + GROWTH * number for number in range(len(said) - 1))
    return again / sum(map(len, said))


async def ask(place: Place, keys: Sequence[str], calls: int, first_seed: int) -> list[Measured]:
    """All trials at once; each takes as many of `keys` as fall to it, in turn."""
    share = len(keys) // TRIALS

    async def trial(number: int) -> list[Measured]:
        own = keys[number * share : (number + 1) * share]
        said = enumerate(prompts(calls, first_seed + number))
        return [await _call(place, own[call % share], prompt) for call, prompt in said]

    return [seen for trials in await asyncio.gather(*map(trial, range(TRIALS))) for seen in trials]


async def _call(place: Place, key: str, prompt: str) -> Measured:
    return await load.run(place.url, key, place.model, 1, 1, stream=True, max_tokens=TOKENS, prompts=[prompt])


def summed(sessions: str, seen: Sequence[Measured], seconds: float) -> Figures:
    errors: dict[str, int] = {}
    for said, count in [pair for one in seen for pair in one.errors.items()]:
        errors[said] = errors.get(said, 0) + count
    return Figures(
        sessions=sessions,
        calls=sum(one.answered for one in seen),
        prompt_tokens=sum(one.prompt_tokens for one in seen),
        cached_tokens=sum(one.cached_tokens for one in seen),
        seconds=seconds,
        first_p50_ms=median(one.ttft_p50_ms or 0.0 for one in seen),
        errors=errors,
    )


def table(found: Sequence[Figures]) -> Iterator[str]:
    """Markdown."""
    yield "| sessions | calls | prompt tokens | of these cached | computed a call | first token p50 ms | seconds |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for one in found:
        computed = (one.prompt_tokens - one.cached_tokens) / max(1, one.calls)
        yield (
            f"| {one.sessions} | {one.calls} | {one.prompt_tokens} | **{one.hits:.1%}** | {computed:.0f} | "
            f"{one.first_p50_ms:.0f} | {one.seconds:.0f} |"
        )


def two_replicas(entry: Entry, cache_mib: int | None) -> Entry:
    """The entry with two replicas, and with another size of each one's cache where it is given."""
    cache = {} if cache_mib is None else {"kv_cache_memory_bytes": cache_mib << 20}
    return entry.model_copy(update={"replicas": Replicas(least=2, most=2), "engine": {**entry.engine, **cache}})


def _measured(place: Place, keys: Sequence[str], sessions: str, calls: int, first_seed: int) -> Figures:
    async def timed() -> tuple[list[Measured], float]:
        began = asyncio.get_running_loop().time()
        return await ask(place, keys, calls, first_seed), asyncio.get_running_loop().time() - began

    seen, seconds = asyncio.run(timed())
    return summed(sessions, seen, seconds)


def _tell(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.option("--quick", is_flag=True, help="Fewer calls.")
@click.option("--cache-mib", type=click.IntRange(1), help="Of each replica's cache; without it as the catalogue says.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(quick: bool, cache_mib: int | None, as_json: bool) -> int:
    """Measure and print the table. Exit codes: 0 done, 1 it cannot be measured here, 2 some calls failed."""
    interruptible()
    model, calls = tiny(), QUICK_CALLS if quick else CALLS
    with (
        tempfile.TemporaryDirectory(prefix="podium-bench-") as folder,
        cluster(Path(folder), model.vllm, _tell, model.folder) as running,
    ):
        running.write(model.name, two_replicas(model.entry, cache_mib))
        running.deploy(model.name)
        place = Place(running.state.gateway, model.name)
        about = machine.described(*PACKAGES)
        found = [
            _measured(place, running.keys(model.name, count), sessions, calls, first_seed * TRIALS)
            for first_seed, (sessions, count) in enumerate(((WITH, TRIALS), (WITHOUT, TRIALS * calls)))
        ]
    if as_json:
        click.echo(json.dumps({"machine": about, "ways": [one.model_dump() for one in found]}, indent=2))
    else:
        bound = f"At best {shared(prompts(calls, 0)):.1%} of the prompts' text was said before."
        for line in (about, "", *table(found), "", bound):
            click.echo(line)
    return 2 if any(one.errors for one in found) else 0


if __name__ == "__main__":
    cli.run(main, "affinity")
