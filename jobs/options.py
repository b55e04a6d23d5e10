"""The flags of a sweep: the same for `podium sweep` and `python jobs/sweep.py`, and back from values to flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from jobs.asked import Asked, ask, parse_duration, parse_limit, parse_option
from podium.spec import Spec

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path, resolve_path=True)

OPTIONS = (
    click.option("-a", "--agent", "agents", multiple=True, metavar="NAME", help="Agent to run; may be repeated."),
    click.option("-t", "--task", "-c", "--competition", "tasks", multiple=True, metavar="ID", help="Task; repeatable."),
    click.option("--split", "splits", multiple=True, metavar="NAME", help="List of tasks in experiments/splits."),
    click.option("--lite", is_flag=True, help="Only tasks of the lite split; without others: all of it."),
    click.option("-m", "--model", "models", multiple=True, metavar="NAME", help="Model to ask; repeatable."),
    click.option("-n", "--seeds", type=click.IntRange(1), metavar="N", help="Seeds 0..N-1."),
    click.option("-k", "--parallel", "--n-workers", "parallel", type=click.IntRange(1), metavar="N",
                 help="Trials at once."),
    click.option("--executors", type=click.IntRange(1), metavar="N", help="Sandboxes that one trial may use."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An agent's option."),
    click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE", help="A sandbox's limit: memory_mb, cpus."),
    click.option("--steps", type=click.IntRange(1), metavar="N", help="Steps of a trial."),
    click.option("--time", "time", metavar="DURATION", help="Wall time of a trial: 90s, 30m, 2h."),
    click.option("--tokens", type=click.IntRange(1), metavar="N", help="Tokens of a trial, prompts and answers."),
    click.option("--requests", type=click.IntRange(1), metavar="N", help="Requests of a trial to its model."),
    click.option("--cost", type=click.FloatRange(0, min_open=True), metavar="USD", help="Cost of a trial's model."),
    click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Requests a minute of a trial."),
    click.option("--record", is_flag=True, help="Keep requests and answers, for `--model replay:RUN_GROUP`."),
    click.option("--cache", is_flag=True, help="Hear again what any trial was answered; ask only what is new."),
    click.option("--sandbox", metavar="NAME", help="Sandbox back end; `local` is no jail."),
    click.option("--strict", is_flag=True, help="Judge rightly where MLE-bench's own rules are wrong."),
    click.option("-o", "--runs", type=_PATH, metavar="DIR", help="Where results go."),
    click.option("--config", type=_PATH, metavar="SWEEP.TOML", help="A file with the sweep's keys; flags win."),
    click.option("--site", type=_PATH, metavar="SITE.TOML", help="Another site, for --dry-run without a cluster."),
    click.option("--resume", metavar="DIR_OR_ID", help="Go on with a run group or a sweep."),
    click.option("--dry-run", is_flag=True, help="Print the plan and what it asks for; run nothing."),
    click.option("--json", "as_json", is_flag=True, help="The plan or the report as JSON on stdout."),
    click.option("-q", "--quiet", is_flag=True, help="No live progress."),
    click.option("-v", "--verbose", is_flag=True, help="Every trial in the final table, and reasons in full."),
)  # fmt: skip


class Request(Spec):
    """A command line, read."""

    asked: Asked
    runs: Path | None = None
    site: Path | None = None
    resume: str | None = None
    dry_run: bool = False
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


def sweep_options(command: Command) -> Command:
    """Give a click command the flags of a sweep."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def request(values: Mapping[str, Any]) -> Request:
    """The request that click's values make. Raises UserError, UnknownName."""
    budget = {name: values[name] for name in ("steps", "tokens", "requests", "cost")}
    budget["seconds"] = parse_duration(values["time"]) if values["time"] else None
    flags = {name: values[name] for name in ("agents", "tasks", "splits", "models", "seeds", "parallel", "executors")}
    flags |= {name: values[name] for name in ("sandbox", "rate")}
    flags |= {name: values[name] or None for name in ("lite", "strict", "record", "cache")}
    flags["options"] = dict(parse_option(text) for text in values["settings"])
    flags["limits"] = dict(parse_limit(text) for text in values["limits"])
    flags["budget"] = {name: value for name, value in budget.items() if value is not None}
    return Request(
        asked=ask(values["config"], flags),
        runs=values["runs"],
        site=values["site"],
        resume=values["resume"],
        dry_run=values["dry_run"],
        as_json=values["as_json"],
        quiet=values["quiet"],
        verbose=values["verbose"],
    )


def arguments(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    """The flags that give `command` these values again, with paths made absolute: for another working directory."""
    words: list[str] = []
    for option in command.params:
        value = values.get(option.name or "")
        flag = max(option.opts, key=len)
        if isinstance(option, click.Option) and option.is_flag:
            words += [flag] if value else []
        elif isinstance(value, tuple):
            words += [word for item in value for word in (flag, str(item))]
        elif value is not None:
            words += [flag, str(value)]
    return words
