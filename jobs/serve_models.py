"""Serves models of the catalogue on the running cluster, and returns when each has answered a token.

python jobs/serve_models.py qwen3-30b
python jobs/serve_models.py qwen3-80b --replace
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import subprocess
from collections.abc import Sequence

import click

from jobs import cli
from jobs.deploy import ensure, service_environment
from podium.errors import Unavailable, UserError
from podium.settings import CHECKOUT, Site
from podium.state import ClusterState, default_state_file, ray_environment, read_state
from serve.checks.check import check
from serve.checks.finding import Asked
from serve.checks.host import this_host
from serve.models import catalogue_of

ELSEWHERE = ("memory", "vllm", "cuda")
"""Findings that are about the host on which they are made, which need not be one of the llm hosts."""


def serve_models(names: Sequence[str], *, replace: bool = False, checkout: Path = CHECKOUT) -> ClusterState:
    """Have the models of `names` that vLLM serves up; those of providers and the offline one need nothing.

    They run from the code's copy beside the cluster's state, by a process of its own: what an uploaded package deployed
    would not come back after a restart. Raises UserError (unknown, no weights, no room, another entry), Unavailable.
    """
    state = ensure(default_state_file(), checkout)
    known = catalogue_of(state.site)
    wanted = [model for name in names if (model := known.find(name)).entry.kind == "vllm"]
    for model in wanted:
        _need(model.name, state.site)
    if wanted:
        _run(state, [*(model.name for model in wanted), *(["--replace"] if replace else [])])
    return state


def _need(name: str, site: Site) -> None:
    """See that the model's files are whole and its entry is sound; memory and GPUs are the llm hosts' affair, and vLLM
    measures them itself. Raises UserError with what is missing and the command that brings it."""
    for finding in check(name, site, this_host(), Asked()).findings:
        if finding.level == "missing" and finding.what not in ELSEWHERE:
            raise UserError(f"{name}: {finding.what}: {finding.seen}.", finding.remedy)


def _run(state: ClusterState, words: Sequence[str]) -> None:
    command = [sys.executable, "-m", "jobs.deploy_models", *words]
    environment = {**service_environment(state.code), **ray_environment(state, default_state_file())}
    done = subprocess.run(command, cwd=state.code, env=environment, check=False)
    if done.returncode:
        raise Unavailable("The models are not as they were asked for (the reason is above).", "See `podium status`.")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--replace", is_flag=True, help="Also where a model runs with another entry of the catalogue.")
@click.option("--stop", is_flag=True, help="Take the models down instead.")
def serve(names: tuple[str, ...], replace: bool, stop: bool) -> None:
    """Serve models of the catalogue on the running cluster; returns when each has answered a token."""
    if not names:
        raise UserError("No model was named.", "Give one, for example `qwen3-30b`; `podium models list` has all.")
    if stop:
        state = read_state()
        for name in names:
            catalogue_of(state.site).find(name)
        _run(state, [*names, "--stop"])
        return
    state = serve_models(names, replace=replace)
    click.echo(f"Ask them at {state.gateway} with a trial's key, or run: podium sweep -m {names[0]} ...", err=True)


if __name__ == "__main__":
    cli.run(serve, "serve_models")
