"""The local launcher where nothing runs, or something stale lies about."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.local import LocalLauncher
from cluster.processes import read_process
from podium.errors import UserError
from podium.placement import Role
from podium.settings import Site
from podium.state import ClusterState, HostProcess, write_state


@pytest.fixture
def launcher(tmp_path: Path) -> LocalLauncher:
    return LocalLauncher(tmp_path / "state" / "cluster.json", Site().resolved(tmp_path), services=())


def write(launcher: LocalLauncher, hosts: tuple[HostProcess, ...]) -> None:
    state = ClusterState(
        address="127.0.0.2:1",
        dashboard="http://127.0.0.1:1",
        token_path=launcher.state_file.with_suffix(".token"),
        model_secret_path=Path("/secret/models"),
        site=launcher.site,
        checkout=launcher.checkout,
        code=launcher.checkout,
        digest="0",
        temp_dir=Path("/nonexistent"),
        hosts=hosts,
    )
    write_state(launcher.state_file, state)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_down_where_nothing_was_ever_up_does_nothing(launcher: LocalLauncher) -> None:
    assert not launcher.down()
    assert not launcher.state_file.parent.exists()


def test_down_forgets_a_cluster_that_has_died_and_signals_nobody(
    launcher: LocalLauncher, sleeper: subprocess.Popen[bytes]
) -> None:
    write(launcher, (HostProcess(role="head", pid=sleeper.pid, started=1.0),))
    assert not launcher.down()
    assert not launcher.state_file.exists()
    assert sleeper.poll() is None


def test_down_ends_what_the_state_names_and_may_be_repeated(
    launcher: LocalLauncher, sleeper: subprocess.Popen[bytes]
) -> None:
    seen = read_process(sleeper.pid)
    assert seen is not None
    write(launcher, (HostProcess(role="head", pid=sleeper.pid, started=seen.started),))
    assert launcher.down()
    assert sleeper.wait(10) != 0
    assert not launcher.down()


def test_up_for_another_site_is_refused_while_the_cluster_lives(
    launcher: LocalLauncher, sleeper: subprocess.Popen[bytes]
) -> None:
    seen = read_process(sleeper.pid)
    assert seen is not None
    write(launcher, tuple(HostProcess(role=role, pid=sleeper.pid, started=seen.started) for role in Role))
    launcher.site = launcher.site.model_copy(update={"runs": Path("/elsewhere")})
    with pytest.raises(UserError, match="another site"):
        launcher.up()
    assert sleeper.poll() is None
