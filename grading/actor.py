"""The grader as a detached Ray actor, alone on the host with the private data: a thin shell around GradingService and
the validator, whose `/validate` it serves.

It has a mount view of its own (grading/view.py) and refuses to start where it can see what the view should hide. Its
state is the ledger directory, so a restart loses nothing.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray

from grading.audit import Audit
from grading.endpoint import build, server
from grading.jail import JAILS, jailed_parser
from grading.ledger import Ledger
from grading.order import GradeOrder, GradingTask
from grading.registration import Registrations
from grading.service import GradingService
from grading.shelf import Shelf
from grading.validator import Validator, no_catalogue
from grading.view import View, command, interpreter, visible
from podium.errors import PodiumError, Unavailable
from podium.files import write_atomic
from podium.placement import Role, options
from podium.plugins import load
from podium.records import Grade
from podium.settings import Site
from podium.state import NAMESPACE, ClusterState

NAME = "grader"
"""The actor's name in `podium.state.NAMESPACE`."""
START_SECONDS = 120.0


class GraderActor:
    """The grader's process. Its methods run in a pool of threads."""

    def __init__(
        self,
        *,
        site: Site,
        digest: str,
        sandbox: str,
        host: str,
        port: int,
        view: View,
        hidden: Sequence[Path],
        catalogue: str = "",
    ) -> None:
        """`hidden`: what this process must not see. Raises Unavailable where it sees some of it.

        `catalogue`: `module:function` that finds the task of an id for `/validate/ID`; empty: no task is found.
        """
        seen = visible(hidden, view)
        if seen:
            raise Unavailable(
                f"The grader can see {', '.join(map(str, seen))}, which its mount view should hide.",
                "Keep data, private data and the ledger outside the runs directory and the home.",
            )
        self._digest, shelf = digest, Shelf()
        scratch = site.scratch_dir()
        self._parsers = [
            jailed_parser(scratch, sandbox),
            jailed_parser(scratch, sandbox, JAILS, verdicts_only=True),
        ]
        self._service = GradingService(site, Ledger(site.ledger), self._parsers[0], shelf=shelf, digest=digest)
        self._registrations = Registrations(site.ledger)
        find = load(catalogue) if catalogue else no_catalogue
        validator = Validator(site, self._registrations.admit, self._parsers[1], catalogue=find, shelf=shelf)
        self._address = _serve(validator, Audit(site.ledger), _listen(host, port, site.ledger / "port"))

    def grade(self, order: GradeOrder) -> Grade:
        """See GradingService.grade."""
        return self._service.grade(order)

    def register(self, key_hash: str, task: GradingTask) -> None:
        """Let the trial whose key has this SHA-256 (hex) ask `/validate` about the task."""
        self._registrations.register(key_hash, task)

    def forget(self, key_hash: str) -> None:
        """Shut a trial's key out."""
        self._registrations.forget(key_hash)

    def rows(self, run_group: str) -> list[str]:
        """The ledger's lines of a run group, for its `ledger.jsonl`."""
        return self._service.rows(run_group)

    def digest(self) -> str:
        """Digest of the code that this process runs."""
        return self._digest

    def address(self) -> str:
        """Base URL of the validator."""
        return self._address

    def check(self) -> None:
        """Open the jails and read a small file in each. Raises Unavailable or InfrastructureFailure."""
        for parser in self._parsers:
            parser.check()


def deploy(
    state: ClusterState,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sandbox: str = "bubblewrap",
    hidden: Sequence[Path] | None = None,
    catalogue: str = "",
) -> str:
    """Start the grader, or find the running one of the same `state.digest`; gives the base URL of its `/validate`.

    `ray.init(namespace=NAMESPACE)` was called. One with another digest is replaced (its ledger stays; who has a call
    under way asks again). `port` 0: a free one, kept over restarts. `hidden`: what the actor must not see; by default
    the runs directory and the home. `catalogue`: see GraderActor. Raises Unavailable.
    """
    if _runs(state.digest):
        return str(ray.get(find_grader().address.remote(), timeout=START_SECONDS))
    site = state.site.model_copy(update={"scratch": state.site.scratch_dir()})
    view = _view(state, site)
    settings = options(
        Role.GRADING,
        resources={"grading": 1},
        name=NAME,
        namespace=NAMESPACE,
        lifetime="detached",
        max_restarts=-1,
        max_concurrency=64,
        runtime_env={"py_executable": command(view, root=os.getuid() == 0)},
    )
    handle = (
        ray.remote(GraderActor)
        .options(**settings)
        .remote(
            site=site,
            digest=state.digest,
            sandbox=sandbox,
            host=host,
            port=port,
            view=view,
            hidden=[site.runs, Path.home()] if hidden is None else list(hidden),
            catalogue=catalogue,
        )
    )
    try:
        ray.get(handle.check.remote(), timeout=START_SECONDS)
        return str(ray.get(handle.address.remote(), timeout=START_SECONDS))
    except (ray.exceptions.RayError, PodiumError, TimeoutError) as error:
        ray.kill(handle, no_restart=True)
        raise _why(error) from None


def find_grader() -> Any:
    """The running grader's handle. Raises Unavailable."""
    try:
        return ray.get_actor(NAME, namespace=NAMESPACE)
    except ValueError:
        raise Unavailable("The grader is not running.", "Type `podium up`.") from None


def stop() -> None:
    """End the running grader and wait until its name is free; without one nothing happens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            ray.kill(find_grader(), no_restart=True)
        except Unavailable:
            return
        time.sleep(0.1)
    raise Unavailable("The grader does not end.", "Look at `podium status`; `podium down` ends all.")


def _why(error: Exception) -> Unavailable:
    """Why the grader did not start, in its own words where it had some."""
    cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error
    if isinstance(cause, PodiumError):
        return Unavailable(f"The grader did not start: {cause.message}", cause.remedy)
    return Unavailable(f"The grader did not start: {error}", "See the logs of the host with the role `grading`.")


def _runs(digest: str) -> bool:
    """Whether a grader of that digest runs; one of another digest, or a dead one, is ended."""
    try:
        if ray.get(find_grader().digest.remote(), timeout=START_SECONDS) == digest:
            return True
    except Unavailable:
        return False
    except (ray.exceptions.RayError, TimeoutError):
        pass  # it does not answer: end it as well
    stop()
    return False


def _view(state: ClusterState, site: Site) -> View:
    """The actor's view; the folders in it are made where they are missing."""
    for folder, mode in ((site.data, 0o755), (site.private, 0o700), (site.ledger, 0o700), (site.scratch_dir(), 0o755)):
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    python, prefixes = interpreter()
    return View(
        data=site.data,
        private=site.private,
        ledger=site.ledger,
        scratch=site.scratch_dir(),
        code=state.code,
        temp_dir=state.temp_dir,
        token_path=state.token_path,
        python=python,
        prefixes=prefixes,
    )


def _serve(validator: Validator, audit: Audit, listener: socket.socket) -> str:
    """Serve `/validate` from a thread of its own for as long as the process lives; gives its base URL."""
    serving = server(build(validator, audit))
    threading.Thread(target=serving.run, kwargs={"sockets": [listener]}, name="validator", daemon=True).start()
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def _listen(host: str, port: int, remembered: Path) -> socket.socket:
    """A listening socket on `port`, or on the port of the last start where it is free, which is remembered."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port or (int(remembered.read_text()) if remembered.exists() else 0)))
    except OSError:
        if port:
            raise
        listener.bind((host, 0))
    listener.listen(1024)
    write_atomic(remembered, str(listener.getsockname()[1]))
    return listener
