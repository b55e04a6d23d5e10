"""A catalogue's model at full size on this machine's GPUs, without its weights: plain `vllm serve` beside our path.

    python -m bench.serve_gpu                  qwen3-30b at 1, 8, 32 and 128 clients
    python -m bench.serve_gpu --dry-run        down to the engine's arguments; needs no GPU, but the vllm environment

The same architecture, engine arguments, prompts and load; one server after the other, each started anew. The weights
are random (`load_format = "dummy"`): how fast tokens come depends on sizes, hardly on values.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench import machine, serve_gpu_memory
from bench.load import Measured
from bench.serve_gpu_engine import Order, Resolved
from bench.serve_gpu_model import dummy
from bench.serve_gpu_round import OURS, PLAIN, Asked, Bench, Seen
from jobs import cli
from podium.errors import Unavailable, UserError
from podium.settings import CHECKOUT, load_site
from serve.checks.config import read
from serve.checks.gpus import KINDS, Gpu, of_this_host
from serve.checks.installation import CPU_COMMAND, GPU_COMMAND, Installation, installation_of
from serve.checks.sizing import Sized
from serve.models import catalogue_of

ENTRIES = ("qwen3-30b", "qwen3-80b")
AIM = 0.95
"""Of plain vLLM's tokens a second."""
PACKAGES = ("ray", "aiohttp")


def prepare(name: str, installed: Installation, gpus: Sequence[Gpu], folder: Path) -> Bench:
    """Make the model's folder below `folder` and resolve its arguments. Raises UserError."""
    catalogue = catalogue_of(load_site())
    entry = catalogue.find(name).entry
    config = catalogue.config(entry.source)
    if config is None:
        raise UserError(f"No config.json of {entry.source} is known.", "Add it to serve/catalog/configs.")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    order = Order(name=name, entry=dummy(name, entry), config=config, models=folder / "models", port=port)
    sized = Sized(name=name, entry=entry, architecture=read(config), source=config)
    fits = [sized.on(gpu) for gpu in gpus[:1]] or [fit for kind in KINDS if (fit := sized.on(kind)).fits]
    return Bench(order, resolve(order, installed, folder), tuple(fits), installed.folder.resolve(), folder, _tell)


def resolve(order: Order, installed: Installation, folder: Path) -> Resolved:
    """Ask the vllm environment. Raises UserError with its last words where an argument is wrong."""
    asked, made = folder / "order.json", folder / "resolved.json"
    asked.write_text(order.model_dump_json())
    command = [str(installed.folder / "bin" / "python"), "-m", "bench.serve_gpu_engine", str(asked), str(made)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = "\n".join(f"    {line}" for line in done.stderr.splitlines()[-8:])
        raise UserError(f"{order.name} cannot be resolved. The last words:\n{lines}", "Mend its entry.")
    return Resolved.model_validate_json(made.read_bytes())


def obstacle(installed: Installation, gpus: Sequence[Gpu], wanted: int) -> str:
    """Why nothing can be measured here; empty: it can."""
    if not gpus:
        return "no GPU here, for nvidia-smi lists none"
    if len(gpus) < wanted:
        return f"too few GPUs here, {len(gpus)} of {wanted}"
    return "" if installed.cuda else f"{installed.folder} has vLLM for CPUs; `{GPU_COMMAND}` makes the one for GPUs"


def plan(bench: Bench) -> Iterator[str]:
    """What would run."""
    found, on = bench.resolved, f"vLLM {bench.resolved.vllm}, asked on {bench.resolved.device}"
    yield f"plain:    vllm {' '.join(found.command)}"
    yield f"          {on}: {found.plain}"
    yield f"podium:   bundles {found.bundles}, {found.strategy}"
    yield f"          engine: {_listed(found.engine)}"
    yield f"          server: {_listed(found.frontend)}"
    yield f"          {on}: {found.ours}"
    differ = {name: " -> ".join(pair) for name, pair in found.differences.items()}
    yield f"differ:   {_listed(differ)} (engine arguments, plain -> podium)"
    for fit in bench.fits:
        sizes = f"weights {fit.weights_gib} GiB, overhead {fit.overhead_gib}, cache {fit.cache_gib}"
        room = f"{fit.sequences} sequences of {fit.context} tokens" if fit.fits else f"does not fit: {fit.obstacle}"
        yield f"computed: {fit.gpus} x {fit.gpu}: {sizes}; {room}{', narrowly' if fit.close else ''}"


def table(rounds: Sequence[Seen]) -> Iterator[str]:
    """Markdown; of several rounds the medians."""
    columns = [f"{name}: tokens/s | requests/s | first token p50 / p99 ms" for name in (PLAIN, OURS)]
    yield f"| clients | {' | '.join(columns)} | ratio of tokens/s |"
    yield "|" + "---:|" * 8
    for number, first in enumerate(rounds[0].cells):
        cells = {name: [seen.cells[number] for seen in rounds if seen.server == name] for name in (PLAIN, OURS)}
        speed = {name: _median("tokens_per_second", found) for name, found in cells.items()}
        ratio = speed[OURS] / speed[PLAIN] if speed[PLAIN] else 0.0
        aim = "" if ratio >= AIM else f" (the aim is {AIM})"
        yield f"| {first.clients} | {' | '.join(map(_columns, cells.values()))} | {ratio:.2f}{aim} |"


def memory(bench: Bench, rounds: Sequence[Seen]) -> Iterator[str]:
    """Markdown, of each server's last round."""
    last = {seen.server: seen for seen in rounds}
    said, used = {name: seen.said for name, seen in last.items()}, {name: seen.used_gib for name, seen in last.items()}
    return serve_gpu_memory.table(bench.fits[0], said, used)


def _columns(cells: Sequence[Measured]) -> str:
    tokens, answers, first, last = (
        _median(name, cells) for name in ("tokens_per_second", "per_second", "ttft_p50_ms", "ttft_p99_ms")
    )
    return f"{tokens:.0f} | {answers:.2f} | {first:.0f} / {last:.0f}"


def _median(name: str, cells: Sequence[Measured]) -> float:
    return median(getattr(cell, name) or 0.0 for cell in cells)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "nothing"


def _empty(folder: Path) -> Path:
    if folder.exists():
        raise UserError(f"{folder} is there already.", "Name a folder that is not.")
    folder.mkdir(parents=True)
    return folder.resolve()


def _tell(line: str) -> None:
    click.echo(line, err=True)


def compare(bench: Bench, asked: Asked, rounds: int) -> list[Seen]:
    """Both servers in turn; which one is first changes from round to round."""
    orders = [(PLAIN, OURS) if number % 2 == 0 else (OURS, PLAIN) for number in range(rounds)]
    return [bench.measure(server, asked) for order in orders for server in order]


def run(bench: Bench, asked: Asked, rounds: int, why_not: str, as_json: bool) -> int:
    """Measure, or where there is a reason why not tell the plan; gives the exit code."""
    about = machine.described(*PACKAGES)
    seen = [] if why_not else compare(bench, asked, rounds)
    if as_json:
        found: dict[str, Any] = {"machine": about, "asked": asked.model_dump(), "unrun": why_not}
        found["resolved"] = bench.resolved.model_dump()
        found["computed"] = [fit.model_dump() for fit in bench.fits]
        click.echo(json.dumps({**found, "rounds": [one.model_dump() for one in seen]}, indent=2))
    else:
        lines = [*table(seen), "", *memory(bench, seen)] if seen else [f"unrun:    {why_not}"]
        for line in [about, "", *plan(bench), "", *lines]:
            click.echo(line)
    return 2 if any(cell.errors for one in seen for cell in one.cells) else 0


@click.command()
@click.option("--entry", type=click.Choice(ENTRIES), default=ENTRIES[0], show_default=True, help="Of the catalogue.")
@click.option("--clients", multiple=True, type=click.IntRange(1), default=(1, 8, 32, 128), show_default=True)
@click.option("--requests", type=click.IntRange(1), default=8, show_default=True, help="Of each client.")
@click.option("--tokens", type=click.IntRange(1), default=256, show_default=True, help="Of an answer.")
@click.option("--prompt-tokens", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Each loads the model twice.")
@click.option("--folder", type=click.Path(path_type=Path), help="Work in this new folder, and leave the logs there.")
@click.option("--dry-run", is_flag=True, help="Resolve everything down to the engine's arguments, and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def main(
    entry: str, clients: tuple[int, ...], requests: int, tokens: int, prompt_tokens: int, rounds: int,
    folder: Path | None, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Measure plain `vllm serve` and our path, and print the tables.

    Exit codes: 0 done, 1 it cannot be measured here (the plan is told all the same), 2 some requests failed.
    """
    installed, gpus = installation_of(load_site(), CHECKOUT), of_this_host()
    if not installed.vllm:
        raise Unavailable(f"There is no vLLM in {installed.folder}.", f"Type `{GPU_COMMAND}`, or `{CPU_COMMAND}`.")
    asked = Asked(clients=clients, requests=requests, tokens=tokens, prompt_tokens=prompt_tokens)
    with tempfile.TemporaryDirectory(prefix="podium-gpu-") as temporary:
        bench = prepare(entry, installed, gpus, _empty(folder) if folder else Path(temporary))
        reason = obstacle(installed, gpus, bench.order.entry.gpus)
        code = run(bench, asked, rounds, reason or ("a dry run was asked for" if dry_run else ""), as_json)
    if reason and not dry_run:
        raise Unavailable(f"Nothing was measured: {reason}.", "Run it on a machine with the GPUs, after `make vllm`.")
    return code


if __name__ == "__main__":
    cli.run(main, "serve_gpu")
