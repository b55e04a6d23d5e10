"""The `podium` command: every wing's commands by name, imported on use, so that `--help` costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from typing import Any, Final

import click

from podium import __version__
from podium.errors import PodiumError, UnknownName
from podium.plugins import load

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("cluster.cli:up", "Start a cluster on this machine: four roles, grader, gateway, models."),
    "down": ("cluster.cli:down", "Stop the cluster that `up` started."),
    "status": ("cluster.cli:status", "Show the cluster's roles, services and addresses."),
    "env": ("cluster.cli:env", 'Print the variables that `ray` needs: eval "$(podium env)".'),
    "sweep": ("jobs.commands:sweep", "Run agents x tasks x models x seeds on the cluster."),
    "prepare": ("jobs.prepare:prepare", "Prepare tasks' public and private data."),
    "site": ("jobs.sitecheck:site", "Check this place: whether answers are kept from agents, and room on disk."),
    "report": ("jobs.commands:report", "Print the medal table of a run group or a sweep again."),
    "validator": ("grading.cli:validator", "Serve /validate without a cluster."),
    "runs": ("jobs.commands:runs", "List run groups."),
    "show": ("jobs.commands:show", "Show one run group's trials."),
    "grade": ("jobs.grade:grade", "Grade the submissions that a JSONL file lists, as `mlebench grade` does."),
    "grade-sample": ("jobs.grade:grade_sample", "Grade one CSV file."),
    "aggregate": ("jobs.seeds:aggregate", "Average grading reports over seeds: mean, standard error, 95 % interval."),
    "tasks": ("tasks.cli:tasks", "List, show and check tasks."),
    "agents": ("jobs.commands:agents", "List agents and their knobs."),
    "models": ("serve.cli:models", "List models, show one, check what one needs."),
    "serve": ("jobs.serve_models:serve", "Serve models of the catalogue on the running cluster."),
    "sandbox": ("containers.cli:sandbox", "Probe sandboxes and run a program in one."),
}
"""Name -> (`module:command`, one line of help)."""
PLACE: Final = (EACCES, EPERM, EROFS, ENOSPC, EDQUOT)
"""Refusals of the system that are about this user's rights or room, wherever they are met."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        entry = COMMANDS.get(name)
        return None if entry is None else load(entry[0])

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownName("command", args[0], COMMANDS)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podium")
def podium() -> None:
    """Run ML-engineering agents on a Ray cluster, graded on data they cannot see."""


def run(command: click.Command = podium, name: str = "podium", arguments: Sequence[str] | None = None) -> None:
    """The command line; without `arguments` that of this process.

    Exit codes: 0 done, 1 user error, 2 finished with failures, 130 interrupted.
    """
    try:
        code = command(arguments, standalone_mode=False)
    except PodiumError as error:
        click.echo(f"{name}: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        if error.errno not in PLACE:
            raise
        click.echo(f"{name}: {error.filename or 'The system says'}: {error.strerror}.", err=True)
        click.echo("  Type this as the user who may, make room, or name another place.", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
