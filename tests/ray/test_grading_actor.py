"""The grading actor on a real Ray host: its view, its jail, and what is left after it was killed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from containers import rootfs
from grading.actor import GraderActor
from grading.view import View
from podium.errors import Unavailable
from podium.settings import CHECKOUT, Site, load_site
from podium.state import ClusterState, write_state

pytestmark = pytest.mark.ray

SECONDS = 120
PORTS = ("port", "node-manager-port", "object-manager-port", "ray-client-server-port", "dashboard-agent-listen-port")


def made_site(folder: Path) -> Site:
    """A site with one small task, and with runs that the grader may not see."""
    scratch = load_site().scratch_dir()
    try:
        rootfs.existing(scratch)
    except Unavailable as missing:
        pytest.skip(missing.message)
    site = Site(
        data=folder / "data",
        private=folder / "private",
        runs=folder / "runs",
        ledger=folder / "private" / ".ledger",
        scratch=scratch,
    )
    site.public_dir("small").mkdir(parents=True)
    site.private_dir("small").mkdir(parents=True)
    site.runs.mkdir()
    (site.runs / "somebodys-run").touch()
    (site.public_dir("small") / "sample_submission.csv").write_text("id,y\n1,0\n2,0\n3,0\n")
    (site.private_dir("small") / "test.csv").write_text("id,y\n1,10\n2,20\n3,30\n")
    return site


def environment(token: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_raylet_start_wait_time_s": str(SECONDS),
        "PYTHONPATH": str(CHECKOUT),
    }


def free_ports() -> dict[str, int]:
    """A free port for each of PORTS."""
    with ExitStack() as stack:
        listeners = {name: stack.enter_context(socket.create_server(("", 0))) for name in PORTS}
        return {name: listener.getsockname()[1] for name, listener in listeners.items()}


def start_host(folder: Path, ports: dict[str, int], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "ray.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *(f"--{name}={port}" for name, port in ports.items()),
                *("--include-dashboard=false", "--num-cpus=0", '--resources={"grading": 1}', "--labels=role=grading"),
                *(f"--temp-dir={folder / 'ray'}", "--object-store-memory=80000000"),
            ],
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_for(host: subprocess.Popen[bytes], folder: Path, ports: dict[str, int]) -> None:
    """Until the host's GCS and raylet listen."""
    deadline = time.monotonic() + SECONDS
    for port in (ports["port"], ports["node-manager-port"]):
        while True:
            assert host.poll() is None, (folder / "ray.log").read_text()
            assert time.monotonic() < deadline, (folder / "ray.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex((socket.gethostbyname(socket.gethostname()), port)) == 0:
                    break
            time.sleep(0.05)


def end(host: subprocess.Popen[bytes], folder: Path) -> None:
    """End the host and what it started: the processes whose command line names its folder."""
    host.kill()
    host.wait()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
        except OSError:
            continue
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[ClusterState, dict[str, Any]]]:
    """The state of a host with the grading role, and what came of each act of `grading_scene` on it."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    variables, ports = environment(token), free_ports()
    state = ClusterState(
        address=f"127.0.0.1:{ports['port']}",
        dashboard="",
        token_path=token,
        model_secret_path=Path("/secret/models"),
        site=made_site(folder),
        checkout=CHECKOUT,
        code=CHECKOUT,
        digest="first",
        temp_dir=folder / "ray",
    )
    write_state(folder / "state.json", state)
    host = start_host(folder, ports, variables)
    try:
        wait_for(host, folder, ports)
        played = subprocess.run(
            [sys.executable, "-m", "tests.ray.grading_scene", str(folder / "state.json")],
            env=variables,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert played.returncode == 0, played.stderr[-8000:]
        yield state, json.loads(played.stdout.splitlines()[-1])
    finally:
        end(host, folder)


@pytest.fixture
def seen(stage: tuple[ClusterState, dict[str, Any]]) -> dict[str, Any]:
    return stage[1]


def test_a_submission_is_graded_in_the_actors_jail(seen: dict[str, Any]) -> None:
    good = seen["good"]
    assert (good["score"], good["bronze_medal"], good["valid_submission"]) == (0.16667, True, True)


def test_a_hostile_submission_is_invalid_and_the_actor_lives_on(seen: dict[str, Any]) -> None:
    assert "not UTF-8" in seen["hostile"]["message"]
    assert seen["after hostile"]["valid_submission"]


def test_a_submission_of_megabytes_reaches_the_jail_through_the_object_store(seen: dict[str, Any]) -> None:
    assert "has 200000 rows, but 3 are asked for" in seen["large"]["message"]


def test_another_digest_of_a_graded_trial_is_refused(seen: dict[str, Any]) -> None:
    assert "A trial is graded once" in seen["other digest"]


def test_the_actor_sees_what_it_needs_and_writes_its_ledger_alone(stage: tuple[ClusterState, dict[str, Any]]) -> None:
    state, seen = stage
    assert seen["view"] == {"seen": [], "written": [str(state.site.ledger)], "answers": ["test.csv"]}


def test_validate_answers_registered_keys_over_http(seen: dict[str, Any]) -> None:
    assert seen["valid"] == {"result": "Submission is valid."}
    assert seen["invalid"]["result"].startswith("Submission invalid! ")
    assert "lacks the column 'y'" in seen["invalid"]["result"]
    assert seen["stranger"] == 401


def test_validate_finds_other_tasks_by_name(seen: dict[str, Any]) -> None:
    assert (seen["not prepared"], seen["unknown"]) == (500, 404)


def test_every_call_of_validate_is_in_the_audit_log(seen: dict[str, Any]) -> None:
    assert seen["audit"] == [
        ["small", 200, True],
        ["small", 200, False],
        ["", 401, None],
        ["wine", 500, None],
        ["", 404, None],
    ]


def test_a_grader_killed_while_grading_comes_back_with_the_same_answers(seen: dict[str, Any]) -> None:
    assert seen["died"]
    assert seen["good again"] == seen["good"]
    assert not seen["deadly again"]["valid_submission"]
    assert seen["rows"].count("deadly") == seen["rows"].count("good") == 1


def test_a_grader_that_was_killed_is_found_where_it_was_and_knows_its_keys(seen: dict[str, Any]) -> None:
    assert seen["address again"] == seen["address"]
    assert seen["valid again"] == seen["valid"]


def test_a_grader_of_another_digest_is_replaced_and_keeps_the_ledger(seen: dict[str, Any]) -> None:
    assert seen["replaced"] == "second"
    assert seen["good from the second"] == seen["good"]


def test_a_grader_that_sees_too_much_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").touch()
    places = {"data", "private", "ledger", "scratch", "code", "temp_dir", "token_path", "python"}
    view = View.model_validate({**{name: tmp_path / "far" / name for name in places}, "prefixes": ()})
    site = Site(data=view.data, private=view.private, ledger=view.ledger, scratch=view.scratch)
    with pytest.raises(Unavailable, match=r"can see .*letters\.txt, which its mount view should hide"):
        GraderActor(site=site, digest="", sandbox="bubblewrap", host="127.0.0.1", port=0, view=view, hidden=[tmp_path])
