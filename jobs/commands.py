"""The commands around sweeps: sweep, report, runs, show, agents."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cluster.code import code_digest
from jobs import report as reports
from jobs import submission
from jobs.drive import SWEEP_LINE, show_plan
from jobs.drive import prepare as plan_sweep
from jobs.metadata import groups_below
from jobs.options import arguments, request, sweep_options
from jobs.render import print_report
from jobs.sweepdir import SWEEP_FILE, SweepDir
from podium.errors import UserError
from podium.settings import CHECKOUT, Site, load_secrets, load_site
from podium.state import default_state_file, read_state
from tasks import registry

RUNS = click.option(
    "-o", "--runs", type=click.Path(path_type=Path, resolve_path=True), metavar="DIR", help="Where results lie."
)


@click.command()
@sweep_options
@click.pass_context
def sweep(context: click.Context, /, **values: Any) -> int:
    """Run agents x tasks x models x seeds on the running cluster, as a Ray job; Ctrl-C only detaches."""
    if values["resume"] and Path(values["resume"]).is_dir():
        values["resume"] = str(Path(values["resume"]).resolve())
    values["splits"] = tuple(str(Path(name).resolve()) if is_own_list(name) else name for name in values["splits"])
    asked = request(values)
    site = load_site(asked.site) if asked.dry_run and asked.site else known_site()
    prepared = plan_sweep(asked, site, load_secrets(CHECKOUT, os.environ))
    if asked.dry_run:
        show_plan(prepared.plan, Console(), as_json=asked.as_json)
        return 0
    state, name = read_state(), submission.submission_id()
    words = arguments(context.command, values)
    upload = code_digest(CHECKOUT) != state.digest
    if asked.as_json:
        words = [word for word in words if word != "--json"]
    folder: list[Path] = []

    def say(line: str) -> None:
        if line.startswith(SWEEP_LINE):
            folder.append(Path(line.partition(": ")[2]))
        click.echo(line, err=asked.as_json)

    code = submission.follow(state, default_state_file(), name, words, upload, say)
    advice = after_death(code, folder[0] if folder else None)
    if advice:
        click.echo(advice, err=True)
    if asked.as_json and folder and (folder[0] / "report.json").exists():
        click.echo((folder[0] / "report.json").read_text())
    return code


def is_own_list(name: str) -> bool:
    """Whether a split is a file of the user's: the job has another working directory."""
    return name not in registry.split_names() and Path(name).is_file()


def after_death(code: int, folder: Path | None) -> str:
    """What to type after a driver that did not end by itself; empty where it did, for then it has said so."""
    if folder is None or code in (0, 1, 2, 130):
        return ""
    return f"The driver died (exit code {code}); nothing is lost. To go on: podium sweep --resume {folder.name}"


@click.command()
@click.argument("name", required=False)
@RUNS
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def report(name: str | None, runs: Path | None, as_json: bool) -> int:
    """Print the medal table of a run group or a sweep (the newest, if NAME is not given) and write its files anew."""
    found = SweepDir.find(runs or known_site().runs, name or newest(runs or known_site().runs))
    made = reports.write(found)
    if as_json:
        click.echo(made.model_dump_json(indent=2))
        return 0
    print_report(made, console())
    click.echo(f"Report: {found.main / 'report.md'}")
    return 0


@click.command()
@RUNS
@click.option("--json", "as_json", is_flag=True, help="One object a run group.")
def runs(runs: Path | None, as_json: bool) -> int:
    """List run groups, the newest first."""
    groups = groups_below(runs or known_site().runs)
    rows = [reports.summary(group) for group in groups.values()]
    if as_json:
        click.echo("[" + ",\n".join(row.model_dump_json() for row in rows) + "]")
        return 0
    table = Table("run group", "agent", "finished", "medals", "sweep")
    for row in rows:
        table.add_row(row.run_group, row.agent, f"{row.finished}/{row.planned}", str(row.medals), row.sweep_id[:8])
    console().print(table)
    return 0


@click.command()
@click.argument("name", required=False)
@RUNS
@click.option("--json", "as_json", is_flag=True, help="The report of that run group as JSON.")
def show(name: str | None, runs: Path | None, as_json: bool) -> int:
    """Show one run group's trials (the newest group's, if NAME is not given)."""
    folder = runs or known_site().runs
    groups = groups_below(folder)
    chosen = Path(name).name if name else newest(folder)
    found = SweepDir.find(folder, chosen)
    made = reports.build(found, [groups[chosen]] if chosen in groups else found.groups())
    if as_json:
        click.echo(made.model_dump_json(indent=2))
    else:
        print_report(made, console())
    return 0


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One object an agent.")
def agents(name: str | None, as_json: bool) -> int:
    """List the agents, or show one agent's options."""
    from agents import catalogue

    entries = [catalogue.find(name)] if name else [catalogue.find(known) for known in catalogue.names()]
    if as_json:
        click.echo("[" + ",\n".join(entry.model_dump_json() for entry in entries) + "]")
        return 0
    table = Table("agent", "asks a model", "kinds", "options")
    for entry in entries:
        options = ", ".join(f"{key}={value}" for key, value in {**entry.budget, **entry.options}.items())
        table.add_row(entry.name, "yes" if entry.needs_model else "no", ", ".join(entry.kinds), options)
    console().print(table)
    return 0


def known_site() -> Site:
    """The running cluster's site, else that of `site.toml`."""
    return read_state().site if default_state_file().exists() else load_site()


def newest(runs: Path) -> str:
    """The newest run group's or sweep's folder. Raises UserError where there is none."""
    folders = sorted((path.parent for path in runs.glob(f"*/{SWEEP_FILE}")), key=lambda path: path.stat().st_mtime)
    if not folders:
        raise UserError(f"There is no run in {runs}.", "Start one with `podium sweep`, or name its folder with -o.")
    return folders[-1].name


def console() -> Console:
    """Standard output; wide where it is no terminal and nobody says how wide."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    return Console(width=wide)
