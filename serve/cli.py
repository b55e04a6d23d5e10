"""`podium models`: which models there are, and what is known of one."""

from __future__ import annotations

import json
import os

import click

from podium.settings import CHECKOUT, load_secrets
from serve.models import entries, find, names


@click.group()
def models() -> None:
    """List and show models."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_models(as_json: bool) -> None:
    """List what `--model` takes."""
    rows = dict(zip(names(), (entry.about for entry in entries().values()), strict=True))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for name, about in rows.items():
        click.echo(f"{name:<14} {about}")


@models.command("show")
@click.argument("name")
def show_model(name: str) -> None:
    """Show one model: its address, the key it wants, and whether that key is set (never its value)."""
    model = find(name)
    shown: dict[str, object] = {"name": model.name, **model.entry.model_dump(exclude_defaults=True)}
    if model.outside:
        secrets = load_secrets(CHECKOUT, os.environ)
        shown["secret_is_set"] = secrets.get(model.entry.secret) is not None
    click.echo(json.dumps(shown, indent=2))
