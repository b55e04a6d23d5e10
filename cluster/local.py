"""The local launcher: four `ray start` on this machine, one for each role, so that a laptop runs what a cluster runs.

The hosts outlive this process; they are known by pid and start time in the state file, and ended by these alone.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cluster.code import code_digest, copy_code
from cluster.engines import environment_of
from cluster.health import running_jobs
from cluster.launcher import TEMP_VARIABLE, HostPlan, host_environment, start_command
from cluster.layout import ADDRESSES, make_site, need_loopback, plan_hosts, temp_dir
from cluster.machine import measure
from cluster.ports import Ports, choose
from cluster.processes import end, is_alive, read_process
from cluster.serving import serve_site_models
from podium.errors import Unavailable, UserError
from podium.files import write_atomic
from podium.placement import Role
from podium.settings import CHECKOUT, Site
from podium.state import ClusterState, HostProcess, ray_environment, read_state, write_state

SERVICES = ("offline", "gateway", "grader")
"""What `jobs/deploy.py` deploys when the roles answer."""
PROGRAMS = Path(sys.prefix) / "bin"
"""Where this environment's `python` and `ray` lie."""
TRIES = 3
"""How often a host may be started: on a machine under load `ray start` sometimes gives up after half a minute."""
GCS_SECONDS, READY_SECONDS = 60.0, 300.0


@dataclass
class LocalLauncher:
    """A cluster on this machine, known by its state file (satisfies `Launcher`)."""

    state_file: Path
    site: Site
    first_port: int | None = None
    services: tuple[str, ...] = SERVICES
    checkout: Path = CHECKOUT
    say: Callable[[str], None] = lambda line: None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def up(self) -> ClusterState:
        """The running cluster, with its services; one that misses a host or runs other code is mended.

        Raises UserError (it runs for another site, or is busy with other code), Unavailable (it does not start).
        """
        self.state_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            running = self._running()
            if running is None:
                self._end()
                running = self._start_all()
            state = self._deploy(running)
            serve_site_models(state, self._driver_environment(state))
            return state

    def down(self) -> bool:
        """End the four hosts and all that belongs to them, and remove the state; never `ray stop`."""
        if not self.state_file.parent.is_dir():
            return False
        with self._alone():
            return self._end()

    def _running(self) -> ClusterState | None:
        """The state, if the cluster can go on. Raises UserError where it can, but not as it is asked for now."""
        if not self.state_file.exists():
            return None
        state = read_state(self.state_file)
        living = {host.role for host in state.hosts if is_alive(host)}
        if Role.HEAD not in living or len(state.hosts) < len(Role):
            self.say("A cluster was started here that does not live any more; starting anew.")
            return None
        if state.site != self.site.model_copy(update={"serve": state.site.serve}):
            raise UserError("The cluster runs for another site.", "Type `podium down` first.")
        state = state.model_copy(update={"site": self.site})
        write_state(self.state_file, state)
        if state.digest == code_digest(self.checkout) == _code_of_hosts(state).name:
            self.say("The cluster runs already.")
            return state
        busy = running_jobs(state)
        if busy:
            raise UserError(
                f"The cluster runs other code (digest {state.digest}) and is used by: {', '.join(busy)}.",
                "Wait until these jobs end, or stop them (ray job stop ID), then try again.",
            )
        self.say("The cluster runs other code and is idle; starting it anew.")
        return None

    def _start_all(self) -> ClusterState:
        need_loopback()
        make_site(self.site)
        state = self._lay_out()
        try:
            for host in self._plans(state):
                state = self._start(host, state)
                if host.role is Role.HEAD:
                    self._await_gcs(state)
        except BaseException:
            self._end(keep_logs=True)
            raise
        return state

    def _lay_out(self) -> ClusterState:
        """Everything but processes: ports, folders, token, the copy of the code; written as the state."""
        ports = choose(self.state_file, self.first_port)
        code = copy_code(self.checkout, self.state_file.parent / "code")
        token, model_secret = self.state_file.with_suffix(".token"), self.state_file.with_suffix(".models")
        for file in (token, model_secret):
            write_atomic(file, secrets.token_hex(32), mode=0o600)
        folder = temp_dir(self.state_file)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        state = ClusterState(
            address=f"{ADDRESSES[Role.HEAD]}:{ports.gcs}",
            dashboard=f"http://127.0.0.1:{ports.dashboard}",
            token_path=token,
            model_secret_path=model_secret,
            vllm=environment_of(self.site, self.checkout),
            serve_port=ports.serve,
            first_port=ports.first,
            site=self.site,
            checkout=self.checkout,
            code=code,
            digest=code.name,
            temp_dir=folder,
        )
        write_state(self.state_file, state)
        return state

    def _plans(self, state: ClusterState) -> tuple[HostPlan, ...]:
        return plan_hosts(measure(), Ports(first=state.first_port), state.temp_dir, state.vllm is not None)

    def _start(self, host: HostPlan, state: ClusterState) -> ClusterState:
        """Start one host (again) and write it into the state."""
        host.temp_dir.mkdir(exist_ok=True)
        programs = state.vllm / "bin" if state.vllm and host.role is Role.LLM else PROGRAMS
        command = start_command(programs / "ray", host, ADDRESSES[Role.HEAD], Ports(first=state.first_port))
        pid = os.posix_spawnp(
            "env",
            ["env", f"--chdir={state.code}", *command],
            host_environment(self.environment, host.role, state, self.state_file, programs),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, _log(state, host.role), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        seen = read_process(pid)
        others = tuple(other for other in state.hosts if other.role != host.role)
        started = HostProcess(role=host.role, pid=pid, started=seen.started if seen else 0.0)
        state = read_state(self.state_file).model_copy(update={"hosts": (*others, started)})
        write_state(self.state_file, state)
        return state

    def _await_gcs(self, state: ClusterState) -> None:
        address, _, port = state.address.partition(":")
        deadline = time.monotonic() + GCS_SECONDS
        while time.monotonic() < deadline and is_alive(state.hosts[0]):
            with suppress(OSError), socket.create_connection((address, int(port)), timeout=1.0):
                return
            time.sleep(0.1)
        raise _did_not_start(state, Role.HEAD)

    def _deploy(self, state: ClusterState) -> ClusterState:
        """Wait until every role answers and deploy the services, from the code's copy; restarts hosts that gave up."""
        command = [sys.executable, "-m", "jobs.deploy", *self.services]
        environment = self._driver_environment(state)
        deploying = subprocess.Popen(command, cwd=state.code, env=environment, stdin=subprocess.DEVNULL)
        tries = dict.fromkeys(Role, 1)
        deadline = time.monotonic() + READY_SECONDS
        try:
            while deploying.poll() is None:
                if time.monotonic() > deadline:
                    raise Unavailable("The cluster was not ready in time.", f"See the logs below {state.temp_dir}.")
                state = self._mend(state, tries)
                with suppress(subprocess.TimeoutExpired):
                    deploying.wait(0.2)
        finally:
            if deploying.poll() is None:
                deploying.kill()
                deploying.wait()
        if deploying.returncode:
            raise Unavailable("The services were not deployed (the reason is above).", "Then type `podium up` again.")
        return read_state(self.state_file)

    def _driver_environment(self, state: ClusterState) -> dict[str, str]:
        inherited = host_environment(self.environment, Role.HEAD, state, self.state_file, PROGRAMS)
        return {**inherited, **ray_environment(state, self.state_file)}

    def _mend(self, state: ClusterState, tries: dict[Role, int]) -> ClusterState:
        for plan in self._plans(state):
            host = next(host for host in state.hosts if host.role == plan.role)
            if is_alive(host):
                continue
            if plan.role is Role.HEAD or tries[plan.role] >= TRIES:
                raise _did_not_start(state, plan.role)
            tries[plan.role] += 1
            self.say(f"The {plan.role} host gave up; starting it again.")
            state = self._start(plan, state)
        return state

    def _end(self, keep_logs: bool = False) -> bool:
        """End what the state file names; without one, what carries this state file's mark."""
        hosts: tuple[HostProcess, ...] = ()
        folder = temp_dir(self.state_file)
        if self.state_file.exists():
            hosts = read_state(self.state_file).hosts
        count = end(hosts, f"{TEMP_VARIABLE}={folder}".encode())
        for path in (self.state_file, *(self.state_file.with_suffix(suffix) for suffix in (".token", ".models"))):
            path.unlink(missing_ok=True)
        if not keep_logs:
            shutil.rmtree(folder, ignore_errors=True)
        return count > 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two `up` or `down` of one state file never work at once."""
        with self.state_file.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("Another `podium up` or `podium down` is at work; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _code_of_hosts(state: ClusterState) -> Path:
    """The copy that the head was started in: a sweep may have replaced the services' code since, but not its own."""
    head = next(host for host in state.hosts if host.role == Role.HEAD)
    return Path(f"/proc/{head.pid}/cwd").readlink()


def _log(state: ClusterState, role: str) -> Path:
    return state.temp_dir / f"{role}.log"


def _did_not_start(state: ClusterState, role: str) -> Unavailable:
    lines = _log(state, role).read_text(errors="replace").splitlines()[-8:]
    return Unavailable(
        f"The {role} host did not start. Its last words:\n" + "\n".join(f"    {line}" for line in lines),
        f"The logs are below {state.temp_dir}; type `podium up` again when the cause is mended.",
    )
