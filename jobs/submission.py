"""Submitting a sweep as a Ray job and following its output, through Ray's own command line. No Ray is imported.

Ctrl-C here only detaches: the job goes on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from podium.errors import Unavailable
from podium.settings import CHECKOUT
from podium.state import ClusterState, ray_environment

STOP_WAIT_SECONDS = 15
"""How long `ray job stop` waits for the driver before it kills it; Ray's default is 3."""
TAILING = "Tailing logs until the job exits"
"""The line of `ray job submit` behind which the job's own output begins."""
ENTRYPOINT = "Running entrypoint for job "
_RAYS_OWN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+\t[A-Z]+ (cli|sdk|job_manager)\.py:\d+ -- ")
FINAL = ("SUCCEEDED", "FAILED", "STOPPED")


def submission_id() -> str:
    """A name for the job, unlike any other's."""
    return f"sweep-{uuid.uuid4().hex[:12]}"


def submit_command(
    ray: Path, state: ClusterState, name: str, arguments: Sequence[str], *, upload: Path | None, columns: int
) -> list[str]:
    """The words of `ray job submit`. `upload`: a checkout that differs from the cluster's code, sent along."""
    variables = {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_SECONDS), "COLUMNS": str(columns)}
    script = "jobs/sweep.py" if upload else str(state.code / "jobs" / "sweep.py")
    return [
        str(ray), "job", "submit", "--address", state.dashboard, "--submission-id", name,
        "--runtime-env-json", json.dumps({"env_vars": variables}),
        *(["--working-dir", str(upload)] if upload else []),
        "--", sys.executable, script, *arguments,
    ]  # fmt: skip


def ray_program() -> Path:
    """The `ray` beside this Python."""
    beside = Path(sys.executable).parent / "ray"
    found = str(beside) if beside.exists() else shutil.which("ray")
    if not found:
        raise Unavailable("There is no `ray` command here.", "Type `make install` in the checkout.")
    return Path(found)


def follow(
    state: ClusterState, state_file: Path, name: str, arguments: Sequence[str], upload: bool, say: Callable[[str], None]
) -> int:
    """Submit the job and pass its output on, line by line; gives the driver's exit code.

    Raises KeyboardInterrupt, after saying what goes on, when the user detaches.
    """
    environment = {**os.environ, **ray_environment(state, state_file), "PYTHONUNBUFFERED": "1"}
    columns = shutil.get_terminal_size((140, 40)).columns
    command = submit_command(
        ray_program(), state, name, arguments, upload=CHECKOUT if upload else None, columns=columns
    )
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    seen: list[str] = []
    try:
        begun = pass_on(process.stdout, seen, say)
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        say(f"\nDetached; the sweep goes on as the job {name}.")
        say(f"  Follow it: ray job logs --follow {name}")
        say(f"  Stop it:   ray job stop {name}   (it can be resumed)")
        say('  (`ray` needs: eval "$(podium env)")')
        raise
    if not begun:
        raise Unavailable("The job could not be submitted: " + "".join(seen[-5:]).strip(), "Look at `podium status`.")
    return driver_exit_code(state, name)


def pass_on(lines: Iterable[str], seen: list[str], say: Callable[[str], None]) -> bool:
    """Say the job's own lines, without what Ray's command says around them; gives whether the job's output began.

    Ray's command ends with a line of its own and, for an exit code that is not 0, the end of the output once more.
    """
    begun = ended = False
    for line in lines:
        if not begun:
            seen.append(line)
            begun = TAILING in line
        elif _RAYS_OWN.match(line):
            ended = ended or "WebSocket" in line or "Job '" in line
        elif not ended and not line.startswith(ENTRYPOINT):
            say(line.rstrip("\n"))
    return begun


def driver_exit_code(state: ClusterState, name: str) -> int:
    """What the job's driver exited with; 1 where Ray does not say."""
    for _ in range(50):
        details = job_details(state, name)
        if details.get("status") in FINAL:
            code = details.get("driver_exit_code")
            return code if isinstance(code, int) else int(details.get("status") != "SUCCEEDED")
        time.sleep(0.1)
    return 1


def job_details(state: ClusterState, name: str) -> Mapping[str, object]:
    """What Ray's Jobs API says of a job. Raises Unavailable."""
    token = state.token_path.read_text().strip()
    asked = urllib.request.Request(f"{state.dashboard}/api/jobs/{name}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            found: Mapping[str, object] = json.load(answer)
    except OSError as error:
        raise Unavailable(f"The cluster at {state.dashboard} does not answer: {error}", "`podium status`") from None
    return found
