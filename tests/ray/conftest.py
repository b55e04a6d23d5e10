"""One real cluster for all tests in this folder, started by our own launcher on ports that are free.

Fixtures: `cluster` (four roles, no services), `services` (the same, with offline model, gateway and grader deployed),
`driver` (this process connected to it by Ray for one test).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from ray._raylet import AuthenticationTokenLoader, Config

from cluster.code import copy_code
from cluster.hosts import connected
from cluster.local import SERVICES, LocalLauncher
from podium.settings import CHECKOUT, Site
from podium.state import ClusterState, ray_environment, read_state


@pytest.fixture(scope="session")
def launcher() -> Iterator[LocalLauncher]:
    """A launcher without services for a site of its own; what it started is ended when the session ends.

    It runs a copy of the checkout, so that an edit while the tests run changes nothing. The folders are readable by
    others on their way (pytest's own are not), as a sandbox's user must reach the data.
    """
    folder = Path(tempfile.mkdtemp(prefix="podium-test-"))
    folder.chmod(0o755)
    site = Site(
        data=folder / "data", private=folder / "private", runs=folder / "runs", ledger=folder / "private" / ".ledger"
    )
    checkout = copy_code(CHECKOUT, folder / "checkout")
    launcher = LocalLauncher(folder / "state" / "cluster.json", site, services=(), checkout=checkout)
    try:
        yield launcher
    finally:
        launcher.down()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster(launcher: LocalLauncher) -> Iterator[ClusterState]:
    """The running cluster's state; its variables are in this process's environment while tests run."""
    state = launcher.up()
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if not name.startswith("RAY_")}
    _set_environment({**kept, **ray_environment(state, launcher.state_file)})
    yield state
    _set_environment(before)


@pytest.fixture(scope="session")
def deployed(launcher: LocalLauncher, cluster: ClusterState) -> Path:
    """The state file of the cluster, its services deployed."""
    replace(launcher, services=SERVICES).up()
    return launcher.state_file


@pytest.fixture(scope="module")
def services(deployed: Path) -> ClusterState:
    """The cluster with its services, as it is now: a module before may have started a host again."""
    return read_state(deployed)


@pytest.fixture
def driver(cluster: ClusterState) -> Iterator[ClusterState]:
    """This process as a driver of the cluster, in its namespace."""
    with connected(cluster, cluster.code):
        yield cluster


def _set_environment(variables: Mapping[str, str]) -> None:
    """Ray reads its mode when it is imported and the token once; here both may have happened before."""
    os.environ.clear()
    os.environ.update(variables)
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
