"""The command and the environment of a `ray start`, and the plan of a cluster on one machine."""

from __future__ import annotations

from pathlib import Path

from cluster.launcher import host_environment, start_command
from cluster.layout import ADDRESSES, make_site, plan_hosts, temp_dir
from cluster.machine import Machine, measure
from cluster.ports import Ports
from podium.placement import Role
from podium.settings import Site
from podium.state import ClusterState

PORTS = Ports(first=23_000)
HOSTS = plan_hosts(Machine(cpus=8, memory_mb=32_000), PORTS, Path("/tmp/p"))
STATE = ClusterState(
    address="127.0.0.2:23000",
    dashboard="http://127.0.0.1:23001",
    token_path=Path("/s/cluster.token"),
    model_secret_path=Path("/s/cluster.models"),
    first_port=23_000,
    site=Site(),
    checkout=Path("/c"),
    code=Path("/s/code/abc"),
    digest="abc",
    temp_dir=Path("/tmp/p"),
)

GRADING = """\
env --default-signal=INT /v/bin/ray start --block --disable-usage-stats --address=127.0.0.2:23000
--include-log-monitor=false --node-ip-address=127.0.0.3 --node-name=grading --labels=role=grading --num-cpus=0
--num-gpus=0 --resources={"grading": 1.0} --memory=1073741824 --object-store-memory=104857600 --temp-dir=/tmp/p/grading
--node-manager-port=23030 --object-manager-port=23031 --dashboard-agent-listen-port=23032
--dashboard-agent-grpc-port=23033 --runtime-env-agent-port=23034 --metrics-export-port=23035 --min-worker-port=23300
--max-worker-port=23349
"""


def environment(role: Role, **inherited: str) -> dict[str, str]:
    return host_environment(inherited, role, STATE, Path("/s/cluster.json"), Path("/v/bin"))


def test_the_grading_host_is_started_so() -> None:
    host = next(host for host in HOSTS if host.role is Role.GRADING)
    command = start_command(Path("/v/bin/ray"), host, ADDRESSES[Role.HEAD], PORTS)
    assert " ".join(command) == " ".join(GRADING.split())


def test_only_the_head_is_a_head_and_comes_first() -> None:
    commands = [start_command(Path("ray"), host, ADDRESSES[Role.HEAD], PORTS) for host in HOSTS]
    assert ["--head" in command for command in commands] == [True, False, False, False]
    assert "--dashboard-host=127.0.0.1" in commands[0]


def test_head_and_grading_offer_no_cpu_and_agents_get_all() -> None:
    assert {host.role: host.cpus for host in HOSTS} == {"head": 0, "grading": 0, "llm": 1, "agent": 8}


def test_the_hosts_together_offer_no_more_memory_than_the_machine_has() -> None:
    assert sum(host.memory_mb for host in HOSTS) <= 32_000


def test_this_machine_has_cpus_and_memory() -> None:
    machine = measure()
    assert machine.cpus >= 1
    assert machine.memory_mb >= 256


def test_every_host_has_an_address_and_a_folder_of_its_own() -> None:
    assert len({host.address for host in HOSTS}) == len({host.temp_dir for host in HOSTS}) == len(Role)


def test_nothing_of_another_cluster_comes_through() -> None:
    given = environment(Role.AGENT, RAY_ADDRESS="elsewhere:1", RAY_AUTH_TOKEN="other", PODIUM_STATE="/other", A="b")
    assert given["RAY_AUTH_MODE"] == "token"
    assert given["RAY_AUTH_TOKEN_PATH"] == "/s/cluster.token"
    assert given["PODIUM_STATE"] == "/s/cluster.json"
    assert given["A"] == "b"
    assert "RAY_ADDRESS" not in given
    assert "RAY_AUTH_TOKEN" not in given


def test_the_keys_of_providers_stay_on_the_head() -> None:
    key = {"OPENAI_API_KEY": "k"}
    assert environment(Role.HEAD, **key)["OPENAI_API_KEY"] == "k"
    assert not any("OPENAI_API_KEY" in environment(role, **key) for role in set(Role) - {Role.HEAD})


def test_workers_import_the_copy_and_run_this_python() -> None:
    given = environment(Role.LLM, PATH="/usr/bin", PYTHONPATH="/elsewhere")
    assert given["PYTHONPATH"] == "/s/code/abc"
    assert given["PATH"] == "/v/bin:/usr/bin"


def test_loopback_goes_past_a_proxy() -> None:
    assert environment(Role.AGENT, no_proxy="a.b")["no_proxy"] == "a.b,127.0.0.1,localhost"


def test_the_temporary_folder_leaves_room_for_the_names_of_sockets() -> None:
    longest = temp_dir(Path("/a/very/long/way/" * 10 + "cluster.json")) / "grading"
    assert len(str(longest)) + 66 <= 107


def test_private_data_and_ledger_are_for_their_owner_only(tmp_path: Path) -> None:
    site = Site(private=Path("p"), ledger=Path("p/.ledger")).resolved(tmp_path)
    (tmp_path / "p").mkdir(mode=0o755)
    make_site(site)
    modes = [path.stat().st_mode & 0o777 for path in (site.data, site.private, site.ledger)]
    assert modes == [0o755, 0o700, 0o700]
