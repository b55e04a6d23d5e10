"""The commands `up`, `down`, `status` and `env` of this machine's cluster."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import click

from cluster.health import Part, parts
from podium.settings import load_site
from podium.state import default_state_file, ray_environment, read_state


@click.command()
@click.option("--site", type=click.Path(path_type=Path), help="The site.toml to use.")
@click.option("--ports", type=click.IntRange(1024, 64000), help="First of 1000 free ports (default: found).")
def up(site: Path | None, ports: int | None) -> None:
    """Start a cluster on this machine: four roles, grader, gateway, models. Returns when all of it answers."""
    from cluster.local import LocalLauncher

    begun = time.monotonic()
    state_file = default_state_file().absolute()
    state = LocalLauncher(state_file, load_site(site), first_port=ports, say=_say).up()
    _say(f"The cluster is ready after {time.monotonic() - begun:.0f} s.")
    for name, address in (("dashboard", state.dashboard), ("models", state.gateway), ("runs", str(state.site.runs))):
        _say(f"  {name:9} {address}")
    _say('  Next: podium sweep ..., or eval "$(podium env)" and ray job submit -- python jobs/sweep.py ...')


@click.command()
def down() -> None:
    """Stop the cluster that `up` started: its processes and no others. May be repeated."""
    from cluster.local import LocalLauncher

    state_file = default_state_file().absolute()
    ended = LocalLauncher(state_file, load_site(), say=_say).down()
    _say("The cluster is down." if ended else "No cluster was running.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> int:
    """Show the cluster's roles, services and addresses. Exit code 2 where a part of it does not live."""
    state_file = default_state_file().absolute()
    state = read_state(state_file)
    found = parts(state)
    if as_json:
        record = {"state_file": str(state_file), "digest": state.digest, "code": str(state.code)}
        click.echo(json.dumps({**record, "parts": [part.model_dump(mode="json") for part in found]}, indent=2))
    else:
        _print_table(found, f"{state_file}, code {state.digest}")
    return 0 if all(part.alive for part in found) else 2


@click.command()
def env() -> None:
    """Print the variables that `ray` needs: eval "$(podium env)". The token itself is not among them."""
    from cluster.local import PROGRAMS

    state_file = default_state_file().absolute()
    for name, value in ray_environment(read_state(state_file), state_file).items():
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo(f'export PATH="$PATH":{shlex.quote(str(PROGRAMS))}')


def _print_table(found: list[Part], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "state", "address", "detail", title=title, title_justify="left")
    for part in found:
        state = "[green]alive[/green]" if part.alive else "[red]down[/red]"
        table.add_row(part.name, state, part.address, part.detail)
    Console().print(table)


def _say(line: str) -> None:
    click.echo(line, err=True)
