"""The `podium tasks` commands: list, show, check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from podium.errors import UserError
from podium.settings import Site, load_site
from tasks import registry
from tasks.benchmark import BenchmarkCompetition
from tasks.competition import Competition

FAILED = 2
"""Exit code where a bound does not hold."""

_site = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the one of this folder or checkout."
)
_json = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


@click.group()
def tasks() -> None:
    """List, show and check tasks."""


@tasks.command("list")
@click.option("--split", "split_name", help="Only those of experiments/splits/NAME.txt, or of a file.")
@_site
@_json
def list_(split_name: str | None, site_file: Path | None, as_json: bool) -> None:
    """List the tasks, and whether their data are prepared here."""
    site = load_site(site_file)
    chosen = registry.split(split_name) if split_name else registry.names()
    rows = [_summary(registry.find(task_id, site), site) for task_id in chosen]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, chosen))
    for row in rows:
        state = "prepared" if row["prepared"] else "not prepared"
        direction = "lower" if row["lower_is_better"] else "higher"
        click.echo(f"{row['id']:{width}}  {row['metric']:17} {direction:6}  {state:12}  {row['name']}")


@tasks.command()
@click.argument("task_id", metavar="ID")
@_site
@_json
def show(task_id: str, site_file: Path | None, as_json: bool) -> None:
    """Show a task: its description, what it is judged by, and what the medals ask for."""
    from grading.medals import thresholds

    competition = registry.competition(task_id)
    board = competition.leaderboard()
    needed = thresholds([score for score, _ in board])
    facts = {
        **_summary(competition, load_site(site_file)),
        "entries": len(board),
        "thresholds": {name: getattr(needed, name) for name in ("gold", "silver", "bronze", "median")},
        "best": [{"score": score, "name": name} for score, name in board[:3]],
    }
    if as_json:
        click.echo(json.dumps({**facts, "description": competition.description}, indent=2))
        return
    click.echo(competition.description)
    click.echo(f"## Leaderboard: {len(board)} reference entries")
    for name, score in facts["thresholds"].items():
        click.echo(f"{name:8} {score:.5f}")


@tasks.command()
@click.argument("task_ids", metavar="ID...", nargs=-1)
@click.option("--split", "split_name", help="Those of experiments/splits/NAME.txt, or of a file.")
@_site
@_json
def check(task_ids: tuple[str, ...], split_name: str | None, site_file: Path | None, as_json: bool) -> None:
    """Prove tasks' bounds by grading: needs the right to read their answers. Exit code 2 where one does not hold."""
    from tasks.bounds import check as check_bounds

    chosen = [*task_ids, *(registry.split(split_name) if split_name else [])]
    if not chosen:
        raise UserError("No task was named.", "Give an ID, or --split starter.")
    site, found = load_site(site_file), {}
    for task_id in chosen:
        found[task_id] = list(check_bounds(registry.competition(task_id), site))
        if not as_json:
            click.echo(task_id)
            for finding in found[task_id]:
                click.echo(f"  {'ok  ' if finding.holds else 'FAIL'} {finding.what}: {finding.seen}".rstrip(": "))
    if as_json:
        click.echo(json.dumps({key: [one.model_dump() for one in value] for key, value in found.items()}, indent=2))
    if not all(finding.holds for value in found.values() for finding in value):
        click.get_current_context().exit(FAILED)


def _summary(competition: Competition | BenchmarkCompetition, site: Site) -> dict[str, Any]:
    row = competition.row
    return {
        "id": row.id,
        "kind": competition.kind,
        "name": row.name,
        "metric": row.metric,
        "lower_is_better": row.lower_is_better,
        "prepared": _prepared(competition, site),
    }


def _prepared(competition: Competition | BenchmarkCompetition, site: Site) -> bool:
    try:
        competition.check_prepared(site)
    except UserError:
        return False
    return True


if __name__ == "__main__":
    tasks()
