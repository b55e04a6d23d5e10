"""MLE-bench's `run_agent.py`, handed on to the sweep: its options become the sweep's.

python run_agent.py --agent-id aide --competition-set experiments/splits/low.txt [--container-config default.json]
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from agents import catalogue
from jobs.commands import known_site, sweep
from jobs.container_config import read_config
from podium.errors import UnknownName, UserError

ALIASES = {"dummy": "sample"}
"""MLE-bench's agents that have another name here."""
_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True})
@click.option("--agent-id", required=True, metavar="NAME", help="Agent to run, for example aide or aide/dev.")
@click.option("--competition-set", required=True, metavar="FILE", help="A list of competitions, one id a line.")
@click.option("--n-workers", type=click.IntRange(1), default=1, show_default=True, help="Trials at once.")
@click.option("--n-seeds", type=click.IntRange(1), default=1, show_default=True, help="Seeds 0..N-1.")
@click.option("--container-config", type=_PATH, metavar="JSON", help="CPUs, memory, shared memory, GPUs of a trial.")
@click.option("--retain", is_flag=True, help="Of no effect: what a trial leaves is always kept.")
@click.option("--run-dir", type=_PATH, metavar="DIR", help="Where results go.")
@click.option("--data-dir", type=_PATH, metavar="DIR", help="Prepared data; must be where the cluster's site has it.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[SWEEP'S OPTIONS]")
def run_agent(
    agent_id: str, competition_set: str, n_workers: int, n_seeds: int, container_config: Path | None, retain: bool,
    run_dir: Path | None, data_dir: Path | None, more: tuple[str, ...],
) -> int:  # fmt: skip
    """Run an agent on a list of competitions, by MLE-bench's options. The sweep's own (`podium sweep --help`), such as
    --model, --lite, --set and --dry-run, are passed on."""
    words = sweep_words(agent_id, competition_set, n_workers, n_seeds, limits(container_config), run_dir)
    if retain:
        click.echo("NOTE: --retain has no effect: every attempt is kept, and a sandbox holds nothing else.", err=True)
    if data_dir is not None:
        check_data(data_dir, known_site().data)
    code: int = sweep.main([*words, *more], prog_name="run_agent.py", standalone_mode=False)
    return code


def sweep_words(
    agent_id: str, competition_set: str, n_workers: int, n_seeds: int, limits: Sequence[str], run_dir: Path | None
) -> list[str]:
    """The same in the sweep's words. Raises UnknownName."""
    words = ["--agent", agent(agent_id), "--split", competition_set]
    words += ["--parallel", str(n_workers), "--seeds", str(n_seeds)]
    words += [word for limit in limits for word in ("--limit", limit)]
    return [*words, "--runs", str(run_dir)] if run_dir is not None else words


def agent(agent_id: str) -> str:
    """The agent's name here. Raises UnknownName with the near ones, MLE-bench's among them."""
    known = catalogue.names()
    name = agent_id if agent_id in known else ALIASES.get(agent_id, agent_id)
    if name not in known:
        raise UnknownName("agent", agent_id, [*known, *ALIASES])
    return name


def limits(config: Path | None) -> list[str]:
    """`NAME=VALUE` of each limit in a container configuration; says on stderr what was left out."""
    if config is None:
        return []
    found = read_config(config)
    for note in found.notes:
        click.echo(f"NOTE: {note}", err=True)
    return [f"{name}={value:.12g}" for name, value in found.limits.items()]


def check_data(asked: Path, site: Path) -> None:
    """Raise UserError where the data are not where the site has them: grader and agents read them there."""
    if not asked.is_dir():
        raise UserError(f"There is no data directory {asked}.", "Name one that exists.")
    if asked.resolve() != site.resolve():
        raise UserError(
            f"The data are asked for at {asked}, but this site has them at {site}.",
            f'Write data = "{asked.resolve()}" into site.toml and start the cluster again: podium down; podium up.',
        )
