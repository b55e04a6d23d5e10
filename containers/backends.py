"""Sandbox back ends by name: one file each in this package, imported on use."""

from __future__ import annotations

from pathlib import Path

from containers.sandbox import Backend, Probe
from podium.errors import Unavailable, UnknownName
from podium.plugins import load

NAMES = ("bubblewrap", "local")
"""The first is the default. `local` is no jail and must be asked for by name."""


def backend(name: str) -> Backend:
    """The back end of that name, not yet tried. Raises UnknownName."""
    if name not in NAMES:
        raise UnknownName("sandbox back end", name, NAMES)
    made: Backend = load(f"containers.{name}:BACKEND")()
    return made


def choose(name: str, scratch: Path) -> tuple[Backend, Probe]:
    """The back end of that name and its probe here. Raises Unavailable, with what to install, if it cannot run.

    There is no falling back: what was asked for runs, or nothing does.
    """
    chosen = backend(name)
    probe = chosen.probe(scratch)
    if not probe.usable:
        remedy = probe.remedy or "Type `podium sandbox probe` for what each back end says."
        raise Unavailable(f"The sandbox back end {name} cannot run here: {probe.reason}", remedy)
    return chosen, probe
