"""`podium models`: which models there are, what is known of one, and what it lacks here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from podium.settings import CHECKOUT, Site, load_secrets, load_site
from serve.models import Catalogue, Entry, Model, catalogue_of

if TYPE_CHECKING:
    from serve.checks.finding import Finding

MARKS = {"ok": "ok  ", "note": "note", "missing": "FAIL"}

_site = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the one of this folder or checkout."
)
_json = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")


@click.group()
def models() -> None:
    """List, show and check models."""


@models.command("list")
@_site
@_json
def list_models(site_file: Path | None, as_json: bool) -> None:
    """List what `--model` takes: its kind, where it runs, and what it is."""
    catalogue = catalogue_of(load_site(site_file))
    named = zip(catalogue.names(), catalogue.entries.values(), strict=True)
    rows = [{"name": name, "kind": entry.kind, "where": _where(entry), "about": entry.about} for name, entry in named]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    widths = {key: max(len(row[key]) for row in rows) for key in ("name", "kind", "where")}
    for row in rows:
        click.echo("  ".join([*(f"{row[key]:<{width}}" for key, width in widths.items()), row["about"]]))


@models.command("show")
@click.argument("name")
@_site
def show_model(name: str, site_file: Path | None) -> None:
    """Show one model as JSON: its entry, its size, which GPUs hold it, whether its key is set (never its value)."""
    site = load_site(site_file)
    catalogue = catalogue_of(site)
    model = catalogue.find(name)
    shown: dict[str, object] = {"name": model.name, **model.entry.model_dump(mode="json", exclude_defaults=True)}
    if model.outside:
        shown["secret_is_set"] = load_secrets(CHECKOUT, os.environ).get(model.entry.secret) is not None
    if model.entry.kind == "vllm":
        shown |= _sizes(model, catalogue, site)
    click.echo(json.dumps(shown, indent=2))


@models.command("check")
@click.argument("name")
@click.option("--gpu", default="", metavar="KIND", help="Would it fit this kind (A40, H100, A100-80G, 48GB, ...)?")
@click.option("--gpus", type=click.IntRange(min=1), metavar="N", help="On so many of them.")
@_site
@_json
def check_model(name: str, gpu: str, gpus: int | None, site_file: Path | None, as_json: bool) -> None:
    """Say whether a model can be served: weights, memory, vLLM, GPUs, keys. Exit code 1 where something is missing."""
    from serve.checks.check import check
    from serve.checks.finding import Asked
    from serve.checks.host import this_host

    report = check(name, load_site(site_file), this_host(), Asked(gpu=gpu, gpus=gpus or 0))
    if as_json:
        click.echo(json.dumps({**report.model_dump(mode="json"), "is_well": report.is_well}, indent=2))
    else:
        click.echo(report.model)
        for line in _lines(report.findings):
            click.echo(line)
    if not report.is_well:
        click.get_current_context().exit(1)


def _lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings:
        yield f"  {MARKS[finding.level]} {finding.what}: {finding.seen}"
        if finding.remedy:
            yield f"         {finding.remedy}"


def _where(entry: Entry) -> str:
    if entry.kind != "vllm":
        return "outside" if entry.kind == "provider" else "here"
    context = f", {entry.context} tokens" if entry.context else ""
    return (f"{entry.gpus} x {entry.gpu or 'GPU'}" if entry.gpus else "CPU") + context


def _sizes(model: Model, catalogue: Catalogue, site: Site) -> dict[str, object]:
    """The parameters, and for each kind of GPU the fewest that hold the model."""
    from serve.checks.sizing import sized
    from serve.checks.weights import Weights

    known = sized(model.name, model.entry, catalogue, Weights(model.entry, site, os.environ))
    if known is None:
        return {"parameters": None, "fits": []}
    fits = [found.model_dump(mode="json", exclude={"obstacle", "context"}) for found in known.enough()]
    return {
        "parameters": known.architecture.parameters,
        "weights_gib": round((known.measured or known.architecture.weight_bytes()) / (1 << 30), 2),
        "by": str(known.source),
        "fits": fits,
    }
