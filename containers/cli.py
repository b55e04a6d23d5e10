"""`podium sandbox`: probe the back ends, and run a program exactly as an agent's code is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from containers import rootfs
from containers.backends import NAMES, backend
from containers.folder import read_folder, write_folder
from containers.sandbox import Execution, SandboxSpec
from podium.errors import UserError
from podium.settings import checked, load_site
from podium.spec import Limits

SETTABLE = ("memory_mb", "disk_mb", "file_mb", "files", "shm_mb", "processes", "cpus", "seconds", "output_bytes")


@click.group()
def sandbox() -> None:
    """Probe sandboxes and run a program in one."""


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON record a line.")
def probe(as_json: bool) -> None:
    """Try every back end here, by running something in it."""
    scratch = load_site().scratch_dir()
    for name in NAMES:
        found = backend(name).probe(scratch)
        if as_json:
            click.echo(found.model_dump_json())
            continue
        state = "works" if found.usable else "cannot run here"
        click.echo(f"{name}: {state}, {'a jail' if found.jail else 'NO JAIL: it isolates nothing'}")
        for line in (found.reason, found.remedy):
            if line:
                click.echo(f"  {line}")
        if found.unbounded:
            click.echo(f"  not bounded here: {', '.join(found.unbounded)}")


@sandbox.command(name="exec")
@click.option("--backend", "-b", "name", default=NAMES[0], show_default=True, help="Sandbox back end.")
@click.option("--workspace", "-w", type=click.Path(path_type=Path), help="Working directory, copied in and out.")
@click.option("--data", "-d", type=click.Path(path_type=Path), help="Seen read-only at /home/data and ./input.")
@click.option("--limit", "-l", "limits", multiple=True, metavar="NAME=VALUE", help=f"One of: {', '.join(SETTABLE)}.")
@click.option("--json", "as_json", is_flag=True, help="The record of the execution as the last line of stderr.")
@click.argument("program", type=click.Path(path_type=Path))
@click.pass_context
def execute(
    context: click.Context,
    name: str,
    workspace: Path | None,
    data: Path | None,
    limits: tuple[str, ...],
    as_json: bool,
    program: Path,
) -> None:
    """Run PROGRAM.py as an agent's code is run. Exits with its status, 124 (time) or 137 (another limit)."""
    scratch = load_site().scratch_dir()
    source = _source(program)
    for option, folder in (("--workspace", workspace), ("--data", data)):
        if folder is not None and not folder.is_dir():
            raise UserError(f"There is no folder {folder}.", f"Give {option} a folder that exists.")
    files = read_folder(workspace) if workspace else {}
    if name == "bubblewrap":
        rootfs.build(scratch, lambda line: click.echo(line, err=True))
    spec = SandboxSpec(limits=parse_limits(limits), data=data, scratch=scratch)
    with backend(name).open(spec) as opened:
        execution = opened.execute(source, files=files)
        unbounded = opened.unbounded
    refused = write_folder(workspace, execution.files) if workspace else ()
    execution = execution.model_copy(update={"dropped": execution.dropped + tuple(refused)})
    _show(execution, name, unbounded, as_json)
    context.exit(execution.status)


def _source(program: Path) -> str:
    try:
        return program.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{program} cannot be read: {error}.", "Give the path of a Python program.") from None


def parse_limits(settings: tuple[str, ...]) -> Limits:
    """`("memory_mb=512", ...)` as Limits. Raises UserError naming what is allowed."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, mark, value = setting.partition("=")
        if name not in SETTABLE or not mark:
            raise UserError(f"{setting!r} is no limit.", f"Write NAME=VALUE, with NAME one of: {', '.join(SETTABLE)}.")
        values[name] = value
    return checked(Limits, values, "--limit")


def _show(execution: Execution, name: str, unbounded: tuple[str, ...], as_json: bool) -> None:
    """Output to stdout as it is; what ended it, what it used and what was dropped to stderr."""
    click.echo(execution.output, nl=False)
    for dropped in execution.dropped:
        click.echo(f"dropped {dropped.path}: {dropped.reason}", err=True)
    used, detail = execution.usage, f" ({execution.detail})" if execution.detail else ""
    code = f" {execution.exit_code}" if execution.ended == "exit" else ""
    click.echo(
        f"{name}: {execution.ended}{code}{detail}; {used.seconds:.2f} s, {used.cpu_seconds:.2f} CPU s, "
        f"{used.memory_mb:.0f} MiB, {used.output_bytes} bytes of output",
        err=True,
    )
    if as_json:
        record = execution.model_dump(mode="json", exclude={"files", "output"})
        record |= {"backend": name, "unbounded": unbounded, "status": execution.status}
        record["files"] = {path: len(content) for path, content in execution.files.items()}
        click.echo(json.dumps(record), err=True)
