"""The sweep's entry script.

ray job submit --working-dir . -- python jobs/sweep.py --agent aide --split starter --seeds 2
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import asyncio
import os
from typing import Any

import click
from rich.console import Console

from cluster.code import code_digest
from cluster.health import own_submission
from jobs import cli
from jobs.catalogue import models_of
from jobs.connection import (
    check_hosts,
    check_models,
    connected,
    enter_environment,
)
from jobs.drive import DONE, SWEEP_LINE, drive, finish, prepare, show_plan
from jobs.options import Request, request, sweep_options
from jobs.ray_ports import RayPorts
from jobs.serve_models import serve_models
from podium.errors import UserError
from podium.settings import CHECKOUT, load_secrets, load_site
from podium.state import default_state_file, read_state


def run(asked: Request) -> int:
    """A sweep from request to report; gives the exit code. Raises PodiumError where it cannot begin."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    console = Console(stderr=asked.as_json, width=wide)
    if asked.dry_run:
        state = read_state() if asked.site is None and default_state_file().exists() else None
        site = state.site if state else load_site(asked.site)
        prepared = prepare(asked, site, load_secrets(CHECKOUT, os.environ))
        show_plan(prepared.plan, console, as_json=asked.as_json)
        return DONE
    state = read_state()
    enter_environment(state)
    site = state.site
    prepared = prepare(asked, site, load_secrets(state.checkout, os.environ), code_digest(CHECKOUT))
    if not prepared.plan.trials:
        show_plan(prepared.plan, console, as_json=False)
        raise UserError("Nothing fits.", "Mend what the plan says, for example with `podium prepare`.")
    state = serve_models(models_of(prepared.plan))
    with connected(state):
        check_hosts(prepared.record.spec, site.scratch_dir(), console)
        check_models(models_of(prepared.plan))
        with prepared.opened() as sweep:
            name = f"{SWEEP_LINE}{sweep.record.sweep_id}: {sweep.main}"
            console.print(name, markup=False, highlight=False, soft_wrap=True)
            if job := own_submission(os.environ):
                said = f"Ctrl-C only stops watching, the sweep goes on. To stop it: ray job stop {job}"
                console.print(said, markup=False, highlight=False, soft_wrap=True)
            if sweep.record.digest != code_digest(CHECKOUT):
                console.print("NOTE: the code, or an agent's knobs, changed since this sweep was begun.")
            ports = RayPorts(state, sweep)
            result, report = asyncio.run(drive(prepared, ports, asked, console, sweep))
            return finish(result, report, sweep, asked, console)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@sweep_options
def sweep(**values: Any) -> int:
    """Run agents x tasks x models x seeds on the running cluster and grade what they hand in."""
    return run(request(values))


if __name__ == "__main__":
    cli.run(sweep, "sweep")
