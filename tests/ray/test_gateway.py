"""The gateway and the offline model on a real Ray cluster: deployed, asked, killed and back with the same keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.ports import Ports, choose
from podium.placement import Role

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = '''
"""Deploys both, asks through the gateway, kills it and asks again; prints what came as JSON."""
import asyncio, json, os, signal, sys, time
from pathlib import Path
import ray
from podium.errors import ModelFailure
from podium.state import NAMESPACE
from podium.settings import load_site
from serve.app import deploy_offline, start
from serve.client.chat_client import ChatClient
from serve.client.retry import Bounds
from serve.gateway.actor import deploy, find_gateway, replace
from serve.gateway.grant import Grant
from podium.keys import key_hash

directory, serve_port = Path(sys.argv[1]), int(sys.argv[2])
ray.init(namespace=NAMESPACE, log_to_driver=False)
start(host="127.0.0.1", port=serve_port)
deploy_offline(python_path=Path(os.environ["PYTHONPATH"]))
secret = Path(os.environ["PODIUM_MODEL_SECRET"])
settings = dict(
    directory=directory, site=load_site(), secrets_folder=directory, secret_file=secret, serve_host="127.0.0.1"
)
address = deploy(digest="one", **settings)
gateway = find_gateway()
grant = Grant(trial_id="trial", key_hash=key_hash("key"), models=("offline",), tokens=100_000)
ray.get(gateway.register.remote(grant))

async def ask():
    async with ChatClient(address, "key", "offline", bounds=Bounds(most_delay=1.0)) as client:
        return await client.chat([{"role": "user", "content": "Hello?"}], seed=0)

async def ask_with(key):
    try:
        async with ChatClient(address, key, "offline") as client:
            await client.chat([{"role": "user", "content": "Hello?"}])
    except ModelFailure as error:
        return str(error)

first = asyncio.run(ask())
stranger = asyncio.run(ask_with("stranger"))
pid = ray.get(gateway.pid.remote())
os.kill(pid, signal.SIGKILL)
second = asyncio.run(ask())
usage = ray.get(gateway.usage.remote("trial"))
again = deploy(digest="two", **settings)
kept = ray.get(find_gateway().digest.remote())
replace()
new = deploy(digest="two", **settings)
print(json.dumps({
    "content": first.content, "tokens": first.prompt_tokens + first.completion_tokens, "stranger": stranger,
    "same": first == second, "restarted": pid != ray.get(find_gateway().pid.remote()), "used": usage.tokens,
    "requests": usage.requests, "replicas": usage.replicas, "kept": kept,
    "replaced": ray.get(find_gateway().digest.remote()),
    "address": address, "again": again,
}))
replace()
'''


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Ray's folder, of this run alone: the path of a socket in it must be short, which a `tmp_path` is not."""
    made = Path(tempfile.mkdtemp(prefix="sv", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def ports(folder: Path) -> Ports:
    return choose(folder)


@pytest.fixture(scope="module")
def cluster(folder: Path, ports: Ports) -> Iterator[dict[str, str]]:
    """A head and an llm host of their own; ended by the processes' own ids."""
    address, workers = f"127.0.0.1:{ports.gcs}", ports.host(Role.HEAD)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
        "RAY_ADDRESS": address,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(workers.last_worker - 20),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(workers.last_worker),
        "PODIUM_MODEL_SECRET": str(folder / "secret"),
        "PYTHONPATH": str(ROOT),
    }
    (folder / "secret").write_text("the models' secret")
    ray = str(Path(sys.executable).parent / "ray")
    common = ["--block", "--num-cpus=0", "--object-store-memory=100000000", "--disable-usage-stats"]
    common += [f"--min-worker-port={workers.first_worker}", f"--max-worker-port={workers.last_worker - 21}"]
    head = [ray, "start", "--head", f"--port={ports.gcs}", f"--temp-dir={folder}", "--include-dashboard=false"]
    head += ["--labels=role=head", f"--ray-client-server-port={ports.client}", *common]
    llm = [ray, "start", f"--address={address}", "--labels=role=llm", *common]
    started = []
    try:
        for command in (head, llm):
            started.append(
                subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            _await_hosts(len(started), environment)
        yield environment
    finally:
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            process.wait(timeout=60)


def _await_hosts(number: int, environment: dict[str, str]) -> None:
    program = (
        "import ray, sys, time\n"
        "end = time.monotonic() + 90\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        ray.init(log_to_driver=False)\n"
        "    except ConnectionError:\n"
        "        continue\n"
        f"    while sum(node['Alive'] for node in ray.nodes()) < {number} and time.monotonic() < end:\n"
        "        time.sleep(0.1)\n"
        "    sys.exit()\n"
        "sys.exit('the cluster did not start')\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)


def test_a_killed_gateway_comes_back_at_its_address_with_keys_and_usage(
    cluster: dict[str, str], ports: Ports, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(ports.serve)],
        env=cluster,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert "no LLM" in told["content"]
    assert "401" in told["stranger"]
    assert told["same"]
    assert told["restarted"]
    assert told["requests"] == 2
    assert len(told["replicas"]) == 1
    assert told["used"] == 2 * told["tokens"]
    assert told["again"] == told["address"]
    assert (told["kept"], told["replaced"]) == ("one", "two")
    assert (tmp_path / "gateway.jsonl").stat().st_mode & 0o077 == 0
    assert "key" not in (tmp_path / "gateway.jsonl").read_text().replace("key_hash", "")
