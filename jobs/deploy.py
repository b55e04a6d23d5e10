"""Deploys the detached services (offline model, gateway, grader) from this copy of the code.

    python -m jobs.deploy [offline] [gateway] [grader]

`podium up` runs it in the code's copy, with the cluster's environment. It waits until every role has answered a call,
deploys what is named, and writes the addresses and the code's digest into the state file. Again with the same code it
changes nothing; services of other code are replaced when no other job runs, and left alone (an error that names the
jobs) when one does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import ray

from cluster.code import code_digest, copy_code
from cluster.health import JOB_VARIABLE, OWN_JOB_VARIABLE, own_submission, running_jobs
from cluster.hosts import await_roles, connected
from cluster.ports import Ports
from podium.errors import PodiumError, Unavailable, UnknownName, UserError
from podium.settings import CHECKOUT
from podium.state import ClusterState, default_state_file, read_state, write_state

SERVICES = ("offline", "gateway", "grader")
"""In the order in which they are deployed: the gateway stands before the model."""
CATALOGUE = "tasks.registry:grading_of"
"""Where the grader, which knows no task by itself, finds those that `/validate/ID` asks for."""


def ensure(state_file: Path, checkout: Path = CHECKOUT) -> ClusterState:
    """The state of a cluster whose services run the code of `checkout`, for a sweep that is about to begin.

    Where they run other code, that of `checkout` is copied beside the state and deployed from there by a process of
    its own: what a job deployed by itself would run from the job's uploaded package, and die with it. Raises
    UserError when other jobs use the services, Unavailable when they do not start.
    """
    state = read_state(state_file)
    if state.digest == code_digest(checkout) and state.gateway and state.validator:
        return state
    _refuse_busy(state)
    code = copy_code(checkout, state_file.parent / "code")
    command = [sys.executable, "-m", "jobs.deploy", *SERVICES]
    done = subprocess.run(command, cwd=code, env=service_environment(code), check=False)
    if done.returncode:
        raise Unavailable("The services were not deployed (the reason is above).", "See `podium status`.")
    return read_state(state_file)


def deploy(state_file: Path, services: Sequence[str]) -> ClusterState:
    """Deploy `services` from the code that this process runs; gives the state with their addresses, as written."""
    state = read_state(state_file)
    digest = code_digest(CHECKOUT)
    fresh = state.digest != digest
    if fresh and (state.gateway or state.validator):
        _refuse_busy(state)
    state = state.model_copy(update={"code": CHECKOUT, "digest": digest})
    with connected(state, CHECKOUT):
        await_roles(tell=_tell)
        if "offline" in services or "gateway" in services:
            state = state.model_copy(update={"gateway": _deploy_models(state, state_file.with_suffix(".services"))})
            _tell(f"gateway  answers at {state.gateway}")
        if "grader" in services:
            state = state.model_copy(update={"validator": _deploy_grader(state)})
            _tell(f"grader   answers at {state.validator}")
    hosts = read_state(state_file).hosts
    write_state(state_file, state.model_copy(update={"hosts": hosts}))
    return state


def _deploy_models(state: ClusterState, directory: Path) -> str:
    """The offline model and the gateway; gives its address. Models under vLLM of other code stay up until one asks for
    them: their replicas run from their own copy of the code, and `jobs/deploy_models.py` brings them up to date."""
    from serve import app
    from serve.gateway import actor as gateway_actor

    app.start(host=state.serve_host, port=state.serve_port)
    if _old_gateway_digest() != state.digest:
        app.deploy_offline(python_path=state.code)
        gateway_actor.replace()
    directory.mkdir(mode=0o700, exist_ok=True)
    return gateway_actor.deploy(
        digest=state.digest,
        directory=directory,
        site=state.site,
        serve_host=state.serve_host,
        secret_file=state.model_secret_path,
        secrets_folder=state.checkout,
        port=Ports(first=state.first_port).gateway,
    )


def _old_gateway_digest() -> str:
    """Digest of the gateway that runs; empty where none does."""
    from serve.gateway.actor import find_gateway

    try:
        return str(ray.get(find_gateway().digest.remote(), timeout=30))
    except (Unavailable, ray.exceptions.RayError, TimeoutError):
        return ""


def _deploy_grader(state: ClusterState) -> str:
    from grading import actor

    return actor.deploy(state, port=Ports(first=state.first_port).validator, catalogue=CATALOGUE)


def _refuse_busy(state: ClusterState) -> None:
    busy = running_jobs(state)
    if busy:
        raise UserError(
            f"The services run other code (digest {state.digest}), and are used by: {', '.join(busy)}.",
            "Wait until these jobs end, or stop them (ray job stop ID), then try again.",
        )


def service_environment(code: Path) -> dict[str, str]:
    """The environment of a process that deploys services: this one's, with the code at `code` and no job of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_JOB_")}
    own = {name: value for name, value in os.environ.items() if name == JOB_VARIABLE}
    return {**kept, "PYTHONPATH": str(code), OWN_JOB_VARIABLE: own_submission(own)}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Deploy what the command line names; exit code 1 with the reason where it fails."""
    try:
        unknown = set(sys.argv[1:]) - set(SERVICES)
        if unknown:
            raise UnknownName("service", min(unknown), SERVICES)
        deploy(default_state_file(), sys.argv[1:])
    except PodiumError as error:
        _tell(f"podium: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
