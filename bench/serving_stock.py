"""The stock application of `ray.serve.llm` as a server that benches compare with, in a Ray cluster of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.serve_gpu_servers import Endpoint, Ready, plain_environment
from bench.serving_cluster import Say, serving_seconds
from bench.serving_stock_app import Order
from cluster.launcher import TEMP_VARIABLE, HostPlan, start_command
from cluster.layout import temp_dir
from cluster.ports import Ports, choose
from cluster.processes import end, read_process
from podium.errors import Unavailable
from podium.files import write_atomic
from podium.placement import Role
from podium.settings import CHECKOUT
from podium.state import HostProcess
from serve.models import Entry

HOST = "127.0.0.1"
START_SECONDS = 60.0
CPUS = 16
"""Logical ones, so that nothing waits for room."""


@contextmanager
def stock_starting(vllm: Path, name: str, entry: Entry, folder: Path, say: Say, models: Path) -> Iterator[Ready]:
    """The application in front of one replica of the model, asked at Serve's proxy; not yet waited for."""
    began, ports, temporary = time.monotonic(), choose(folder), temp_dir(folder)
    environment = _environment(vllm, folder, ports, temporary)
    order = Order(name=name, entry=entry, models=models, host=HOST, port=ports.serve)
    with _head(vllm, ports, temporary, environment) as leader:
        say("stock: deploying")
        with _deploying(vllm, order, folder, environment) as deployed:

            def ready() -> Endpoint:
                deployed()
                return Endpoint(
                    url=f"http://{HOST}:{ports.serve}/v1",
                    key="none",
                    ready_seconds=time.monotonic() - began,
                    log=lambda: _joined(temporary),
                    cpu_seconds=lambda: serving_seconds([leader], _mark(temporary)),
                )

            yield ready


@contextmanager
def _head(vllm: Path, ports: Ports, temporary: Path, environment: Mapping[str, str]) -> Iterator[HostProcess]:
    """A Ray cluster of one host, and its end. Raises Unavailable."""
    temporary.mkdir(mode=0o700)
    with (temporary / "head.log").open("wb") as log:
        head = subprocess.Popen(
            start_command(vllm / "bin" / "ray", _plan(ports, temporary), HOST, ports),
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    seen = read_process(head.pid)
    leader = HostProcess(role=Role.HEAD, pid=head.pid, started=seen.started if seen else 0.0)
    try:
        _await(ports.gcs, head)
        yield leader
    finally:
        end([leader], _mark(temporary))
        head.wait()
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _deploying(vllm: Path, order: Order, folder: Path, environment: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """The application on its way; what is given waits for it."""
    asked, log = folder / "order.json", folder / "deploy.log"
    asked.write_text(order.model_dump_json())
    command = [str(vllm / "bin" / "python"), "-m", "bench.serving_stock_app", str(asked)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=dict(environment), stdout=file, stderr=file)

    def deployed() -> None:
        if process.wait():
            last = "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-12:])
            raise Unavailable(f"The stock application does not start. Its last words:\n{last}")

    try:
        yield deployed
    finally:
        process.kill()
        process.wait()


def _mark(temporary: Path) -> bytes:
    return f"{TEMP_VARIABLE}={temporary}".encode()


def _environment(vllm: Path, folder: Path, ports: Ports, temporary: Path) -> dict[str, str]:
    """As an engine of ours has it; Ray's authentication is on here too."""
    token = folder / "token"
    write_atomic(token, secrets.token_hex(32), mode=0o600)
    return {
        **plain_environment(os.environ, vllm),
        "RAY_ADDRESS": f"{HOST}:{ports.gcs}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        TEMP_VARIABLE: str(temporary),
    }


def _plan(ports: Ports, temporary: Path) -> HostPlan:
    return HostPlan(
        role=Role.HEAD,
        address=HOST,
        cpus=CPUS,
        memory_mb=4096,
        object_store_mb=200,
        ports=ports.host(Role.AGENT),
        temp_dir=temporary,
    )


def _await(port: int, head: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while head.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
            return
        time.sleep(0.1)
    raise Unavailable("Ray does not start for the stock application.", "Is the machine under load? Try again.")


def _joined(temporary: Path) -> str:
    logs = temporary / "session_latest" / "logs"
    return "\n".join(path.read_text(errors="replace") for path in sorted(logs.glob("worker-*")))
