"""`podium site check`: whether this place keeps answers from agents, and whether there is room. Changes nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import click

from jobs.commands import known_site
from podium.settings import Site, load_site
from podium.spec import Spec
from tasks import registry
from tasks.preparing import pending
from tasks.preparing.room import size

LITTLE: Final = 5_000_000_000
"""Fewer free bytes than this are worth a word."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Finding(Spec):
    """Something to know of this place."""

    level: Literal["error", "warning", "ok"]
    text: str
    remedy: str = ""


@click.group()
def site() -> None:
    """Look at this place: its folders, who may read what, and room on disk."""


@site.command()
@click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the running cluster's site."
)
@click.option("--data-dir", type=click.Path(path_type=Path, resolve_path=True), metavar="DIR", help="Other data.")
@click.option("--private-dir", type=click.Path(path_type=Path, resolve_path=True), metavar="DIR", help="Other answers.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def check(site_file: Path | None, data_dir: Path | None, private_dir: Path | None, as_json: bool) -> int:
    """Warn where answers lie beside public data or can be read by others. Exit code 1 where something is wrong."""
    place = load_site(site_file) if site_file else known_site()
    place = place.model_copy(update={"data": data_dir or place.data, "private": private_dir or place.private})
    found = list(findings(place))
    if as_json:
        click.echo(json.dumps([one.model_dump() for one in found], indent=2))
    for one in found if not as_json else ():
        remedy = f"\n         {one.remedy}" if one.remedy else ""
        click.echo(f"{one.level:8} {one.text}{remedy}")
    return int(any(one.level == "error" for one in found))


def findings(place: Site) -> Iterator[Finding]:
    """All that is to say of a site, errors and warnings with what to do."""
    if not place.data.is_dir():
        yield Finding(
            level="error",
            text=f"There is no data directory {place.data}.",
            remedy="Type: podium prepare --split starter; or name another as `data` in site.toml.",
        )
    else:
        yield from _unsplit(place)
    yield from _misplaced(place)
    yield from _readable(place)
    yield from _room(place)


def _unsplit(place: Site) -> Iterator[Finding]:
    """Answers, raw data and archives that lie where the public halves are."""
    if place.private == place.data:
        yield Finding(
            level="warning",
            text=f"Answers lie beside public data: `private` is `data`, {place.data}.",
            remedy="Name a private directory of its own in site.toml, then: podium prepare --all --split-private",
        )
        return
    try:
        beside = [task for task in registry.names() if pending(task, place)]
    except PermissionError as error:
        yield Finding(level="warning", text=f"This user may not look into {error.filename}.")
        return
    if beside:
        words = " ".join(f"-c {task}" for task in beside)
        folders = shlex.join(["--data-dir", str(place.data), "--private-dir", str(place.private)])
        yield Finding(
            level="warning",
            text=f"Answers or raw data lie beside public data in {place.data}: of {registry.enumerated(beside)}.",
            remedy=f"Type, on the grading host: podium prepare --split-private {folders} {words}",
        )
    else:
        yield Finding(level="ok", text=f"No answers lie beside public data in {place.data}.")


def _misplaced(place: Site) -> Iterator[Finding]:
    """Private folders inside what agents or sandboxes write or see."""
    public = [place.public_dir(task) for task in registry.names()]
    for name, folder in (("private", place.private), ("ledger", place.ledger)):
        for kind, outer in (
            ("runs", place.runs),
            ("scratch", place.scratch_dir()),
            *(("public", one) for one in public),
        ):
            if folder.resolve().is_relative_to(outer.resolve()):
                yield Finding(
                    level="error",
                    text=f"`{name}`, {folder}, lies inside `{kind}`, {outer}, which agents' work can reach.",
                    remedy=f"Name another folder as `{name}` in site.toml.",
                )


def _readable(place: Site) -> Iterator[Finding]:
    """Private folders that others than their owner may enter."""
    if place.private == place.data:
        return
    if not place.private.is_dir():
        yield Finding(level="ok", text=f"There is no private directory {place.private} yet.")
        return
    for folder in (place.private, place.ledger):
        try:
            mode = stat.S_IMODE(folder.stat().st_mode) if folder.is_dir() else 0
        except PermissionError:
            mode = 0  # what this user cannot see is closed
        if mode & OTHERS:
            text = f"{folder} may be entered by others (mode {mode:o})."
            yield Finding(level="warning", text=text, remedy=f"Type: chmod 700 {folder}")
        elif folder == place.private:
            yield Finding(level="ok", text=f"{folder} is closed to others.")


def _room(place: Site) -> Iterator[Finding]:
    """Sizes of the folders and free room on their disks."""
    for name, folder in (("data", place.data), ("private", place.private), ("runs", place.runs)):
        if not folder.is_dir():
            continue
        free = shutil.disk_usage(folder).free
        text = f"`{name}`, {folder}, holds {size(held(folder))}; {size(free)} are free on its disk."
        if free < LITTLE:
            yield Finding(level="warning", text=text, remedy="Make room before long sweeps.")
        else:
            yield Finding(level="ok", text=text)


def held(folder: Path) -> int:
    """Bytes of all files below a folder that this user may see; links are not followed."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(at, name)).st_size
            except OSError:
                continue
    return total
