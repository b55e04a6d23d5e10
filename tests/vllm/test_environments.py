"""The hosts of the cluster: the llm host runs from vLLM's environment, with the Python and the Ray of all others."""

from __future__ import annotations

import platform
import sys

import pytest
import ray

from podium.placement import Role, options
from podium.settings import CHECKOUT
from tests.vllm import spy
from tests.vllm.stage import SECONDS, Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

Hosts = dict[Role, tuple[str, str, str, bool]]


@pytest.fixture(scope="module")
def hosts(stage: Stage) -> Hosts:
    """What each role's host says of its environment."""
    asked = {role: ray.remote(spy.environment).options(**options(role)).remote() for role in Role}
    return {role: ray.get(answer, timeout=SECONDS) for role, answer in asked.items()}


def test_all_hosts_have_the_same_python_and_ray(hosts: Hosts) -> None:
    assert {host[:2] for host in hosts.values()} == {(platform.python_version(), ray.__version__)}


def test_only_the_llm_host_runs_from_the_environment_of_vllm(hosts: Hosts) -> None:
    theirs, ours = str((CHECKOUT / ".venv-vllm").resolve()), sys.prefix
    assert {role: host[2:] for role, host in hosts.items()} == {
        role: (theirs, True) if role is Role.LLM else (ours, False) for role in Role
    }
