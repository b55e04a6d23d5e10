"""`podium validator`: the same `/validate` without a cluster, for agents that speak HTTP."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import click

from containers.backends import NAMES
from grading.audit import Audit
from grading.endpoint import build, server
from grading.jail import JAILS, jailed_parser
from grading.order import GradingTask
from grading.registration import Door, one_key, open_door
from grading.validator import Catalogue, Validator
from podium.errors import PodiumError, Unavailable, UserError
from podium.files import write_once
from podium.plugins import load
from podium.settings import Site, load_site

CATALOGUE = "tasks.registry:grading_of"
"""What finds the task of an id: grading itself knows none."""


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Prepared data in MLE-bench's layout.")
@click.option("--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the one of this folder.")
@click.option("--competition-id", "-c", "task_id", metavar="ID", help="What /validate means; else only /validate/ID.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option("--key-file", type=click.Path(path_type=Path), help="Holds the key (0600); made where it is missing.")
@click.option("--no-key", is_flag=True, help="Let everybody on this machine ask; on loopback only.")
@click.option("--sandbox", type=click.Choice(NAMES), default=NAMES[0], show_default=True, help="Parses submissions.")
def validator(
    data_dir: Path | None,
    site_file: Path | None,
    task_id: str | None,
    host: str,
    port: int,
    key_file: Path | None,
    no_key: bool,
    sandbox: str,
) -> None:
    """Answer whether submissions have the right form, over HTTP, from public data only. SIGTERM or Ctrl-C ends it."""
    if no_key and key_file is not None:
        raise UserError("--no-key and --key-file were both given.", "Give one of them.")
    if no_key and not _loopback(host):
        raise UserError(f"--no-key was given, but {host} can be reached from elsewhere.", "Use a key, or 127.0.0.1.")
    site = _site(data_dir, site_file)
    catalogue: Catalogue = load(CATALOGUE)
    task = catalogue(task_id, site) if task_id else None
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # uvicorn ends by it, then passes it on to us
    with _listening(host, port) as listener:
        port = listener.getsockname()[1]
        state = _private_folder(site.ledger / f"validator-{port}")
        key_file = key_file or state / "key"
        door = open_door(task) if no_key else _keyed(key_file, task)
        with (
            closing(jailed_parser(site.scratch_dir(), sandbox, JAILS, verdicts_only=True)) as parser,
            Audit(state) as audit,
        ):
            parser.check()
            checker = Validator(site, door, parser, catalogue=catalogue)
            _announce(checker, task, f"http://{host}:{port}", None if no_key else key_file, state)
            server(build(checker, audit)).run(sockets=[listener])


def _site(data_dir: Path | None, site_file: Path | None) -> Site:
    site = load_site(site_file)
    if data_dir is not None:
        site = site.model_copy(update={"data": data_dir.resolve(), "private": data_dir.resolve()})
    if not site.data.is_dir():
        raise UserError(f"There is no data directory {site.data}.", "Name one that exists with --data-dir.")
    return site


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}.", "Name another --port.") from None


def _private_folder(folder: Path) -> Path:
    """The folder; what is missing of it and above it is made for this user alone."""
    try:
        for path in reversed([folder, *folder.parents]):
            if not path.exists():
                path.mkdir(mode=0o700)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made: {error.strerror}.", "Name a --site whose ledger you may write."
        ) from None
    return folder


def _keyed(file: Path, task: GradingTask | None) -> Door:
    """A door for the key in `file`, which is made where it is missing."""
    _private_folder(file.parent)
    write_once(file, secrets.token_hex(32) + "\n", mode=0o600)
    if file.stat().st_mode & 0o077:
        raise UserError(f"Others can read the key in {file}.", f"Type: chmod 600 {file}")
    key = file.read_text().strip()
    if len(key) < 16:
        raise UserError(f"The key in {file} is too short.", "Use 16 characters or more, or delete the file.")
    return one_key(key, task)


def _announce(checker: Validator, task: GradingTask | None, address: str, key_file: Path | None, state: Path) -> None:
    """Say where it is, and what stands in the way of an answer."""
    try:
        if task is not None:
            checker.check_prepared(task)
    except PodiumError as error:
        click.echo(f"podium: {error}", err=True)
    click.echo(f"validator  answers at {address}/validate" + (f" for {task.id}" if task else "/COMPETITION"))
    click.echo(f"key        {key_file if key_file else 'none: everybody on this machine may ask'}")
    click.echo(f"audit log  {state / 'audit.jsonl'}")
