"""Brings models up under Ray Serve from this copy of the code, and says how far they are until they have answered.

    python -m jobs.deploy_models NAME... [--replace | --stop]

`podium up`, `jobs/serve_models.py` and a sweep run it in the code's copy, with the cluster's environment. A model that
runs with the same entry and code is left alone.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.util.state import get_log
from ray.util.state.exception import RayStateApiException

from cluster.engines import REMEDY
from cluster.health import running_jobs, serve_details
from cluster.hosts import connected, described
from jobs.loading import Loading
from podium.errors import PodiumError, Unavailable, UserError
from podium.placement import Role
from podium.settings import CHECKOUT
from podium.state import ClusterState, default_state_file, read_state
from serve import app
from serve.checks.weights import Weights
from serve.deployments import (
    CODE_VARIABLE,
    ENTRY_VARIABLE,
    Deployed,
    Step,
    engine_words,
    entry_digest,
    next_step,
    read_deployed,
)
from serve.gateway.actor import find_gateway
from serve.models import Model, catalogue_of
from serve.placing import Host, obstacle

LOOK_SECONDS = 1.0
GATEWAY_SECONDS = 60.0


def deploy(state_file: Path, names: Sequence[str], replace: bool = False) -> None:
    """Have the models up, each having answered a token. Raises UserError, Unavailable with the engine's own reason."""
    state = read_state(state_file)
    models = [catalogue_of(state.site).find(name) for name in dict.fromkeys(names)]
    wanted = [model for model in models if model.entry.kind == "vllm"]
    if not wanted:
        return
    if state.vllm is None:
        raise UserError(
            "The llm hosts of this cluster run without vLLM, and serve the offline model only.",
            f"{REMEDY} Then `podium down` and `podium up`.",
        )
    with connected(state, CHECKOUT):
        app.start(host=state.serve_host, port=state.serve_port)
        with _alone(state_file):
            for model in wanted:
                _begin(state, model, replace)
        _follow(state, wanted)
        _await_gateway([model.name for model in wanted])


def _begin(state: ClusterState, model: Model, replace: bool) -> None:
    """Tell Serve what is to run, where it does not run already. Raises UserError where it may not be changed."""
    name, entry = model.name, model.entry
    digest = entry_digest(entry, state.site.models)
    running = deployed(state).get(name)
    step = next_step(running, digest, state.digest)
    if step is Step.NONE:
        _tell(f"{name}: {step}")
        return
    if step is Step.OTHER_ENTRY and not replace:
        raise UserError(
            f"{name} runs with another entry of the catalogue.",
            f"To replace it: python jobs/serve_models.py {name} --replace",
        )
    busy = running_jobs(state) if running is not None and step is not Step.DEPLOY else []
    if busy:
        raise UserError(
            f"{name} is to be replaced ({step}), and is used by: {', '.join(busy)}.",
            "Wait until these jobs end, or stop them (ray job stop ID), then try again.",
        )
    if why := obstacle(name, entry, _llm_hosts()):
        raise UserError(why, f"`podium models check {name}` says what it needs.")
    marks = {ENTRY_VARIABLE: digest, CODE_VARIABLE: state.digest, "PYTHONPATH": str(state.code)}
    _tell(f"{name}: {entry.source}, {_size(model)}")
    try:
        app.begin(name, entry, state.site.models, marks, state.code)
    except ray.exceptions.RayTaskError as error:
        raise UserError(
            f"{name} cannot be deployed: {engine_words(str(error))}", f"Mend its entry: `podium models show {name}`."
        ) from None


def deployed(state: ClusterState) -> dict[str, Deployed]:
    """What Serve runs, asked over HTTP. Raises Unavailable."""
    return read_deployed(serve_details(state))


def _follow(state: ClusterState, models: Sequence[Model]) -> None:
    """Say how far the models are until all are up. Raises Unavailable where Serve gives one up, with the reason."""
    begun = time.monotonic()
    sizes = {model.name: Weights(model.entry, state.site, os.environ).loaded_bytes for model in models}
    said = {name: Loading(name, size) for name, size in sizes.items()}
    waiting = set(said)
    while waiting:
        now = deployed(state)
        for name in sorted(waiting):
            seen = now.get(name)
            if line := said[name].line(time.monotonic() - begun, seen, _log(seen)):
                _tell(line)
            if seen is not None and seen.failed:
                raise Unavailable(
                    f"{name} does not start: {engine_words(seen.said)}",
                    f"`podium models check {name}` says what it needs; the logs are below {state.temp_dir}.",
                )
            if seen is not None and seen.up:
                waiting.discard(name)
        if waiting:
            time.sleep(LOOK_SECONDS)


def _log(seen: Deployed | None) -> list[str]:
    """The last lines of a replica that starts; none where it has no log yet."""
    starting = [replica.actor for replica in seen.replicas if replica.state == "STARTING"] if seen else []
    lines: list[str] = []
    for actor in [actor for actor in starting if actor][:1]:
        for suffix in ("out", "err"):
            try:
                chunks = list(get_log(actor_id=actor, suffix=suffix, tail=20, timeout=10))
            except (RayStateApiException, ray.exceptions.RayError, OSError):
                continue
            lines += "".join(chunks).splitlines()
    return lines


def _await_gateway(names: Sequence[str]) -> None:
    """Wait until the gateway knows the models too, where there is one: it looks every half second."""
    try:
        gateway = find_gateway()
    except Unavailable:
        return
    deadline = time.monotonic() + GATEWAY_SECONDS
    while said := ray.get(gateway.obstacle.remote(tuple(names)), timeout=GATEWAY_SECONDS):
        if time.monotonic() > deadline:
            raise Unavailable(f"The gateway does not see the models: {said}", "See `podium status`.")
        time.sleep(LOOK_SECONDS / 4)


def _llm_hosts() -> list[Host]:
    return [
        Host(
            name=node["NodeManagerHostname"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
            gpu=node["Labels"].get("ray.io/accelerator-type", ""),
        )
        for node in described(Role.LLM)
    ]


def _size(model: Model) -> str:
    entry = model.entry
    place = f"{entry.gpus} GPUs" if entry.gpus else f"{entry.tensor * entry.pipeline} workers on CPUs"
    replicas = entry.replicas
    count = f"{replicas.least}" if replicas.fixed else f"{replicas.least} to {replicas.most}"
    return f"{place}, replicas: {count}"


@contextmanager
def _alone(state_file: Path) -> Iterator[None]:
    """Two who want the same model ask Serve one after the other."""
    with state_file.with_suffix(".models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def stop(state_file: Path, names: Sequence[str]) -> None:
    """Take the models down; what they are answering is answered first. Raises UserError where a job may need them."""
    state = read_state(state_file)
    if busy := running_jobs(state):
        raise UserError(
            f"The models may be used by: {', '.join(busy)}.",
            "Wait until these jobs end, or stop them (ray job stop ID).",
        )
    with connected(state, CHECKOUT):
        for name in names:
            app.end(name)
            _tell(f"{name}: down")


def main() -> int:
    """Bring up what the command line names; exit code 1 with the reason where it fails."""
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    try:
        if "--stop" in sys.argv:
            stop(default_state_file(), names)
        else:
            deploy(default_state_file(), names, "--replace" in sys.argv)
    except PodiumError as error:
        _tell(f"podium: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
