"""Ports: a cluster's block has room for all of it, and a taken block is not used."""

from __future__ import annotations

import socket
from itertools import pairwise
from pathlib import Path

import pytest

from cluster.ports import BLOCK, HIGHEST, LOWEST, Ports, choose, is_free
from podium.errors import Unavailable, UserError
from podium.placement import Role

PLACE = Path("/x/cluster.json")


def test_no_port_is_given_twice() -> None:
    ports = Ports(first=20_000)
    single = [ports.gcs, ports.dashboard, ports.client, ports.serve, ports.gateway, ports.validator]
    single += [ports.autoscaler_metrics, ports.dashboard_metrics]
    ranges = []
    for role in Role:
        values = ports.host(role).model_dump()
        ranges.append((values.pop("first_worker"), values.pop("last_worker")))
        single += list(values.values())
    assert len(set(single)) == len(single)
    assert max(single) < min(first for first, _ in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(sorted(ranges)))
    assert max(last for _, last in ranges) < ports.first + BLOCK


def test_the_same_cluster_gets_the_same_block_again() -> None:
    assert choose(PLACE, free=lambda port: True) == choose(PLACE, free=lambda port: True)


def test_a_block_with_a_taken_port_is_passed_over() -> None:
    usual = choose(PLACE, free=lambda port: True).first
    other = choose(PLACE, free=lambda port: port != usual + BLOCK - 1).first
    assert other != usual
    assert LOWEST <= other <= HIGHEST - BLOCK


def test_an_asked_block_that_is_taken_is_refused_by_the_port() -> None:
    with pytest.raises(UserError, match="20007"):
        choose(PLACE, 20_000, free=lambda port: port != 20_007)


def test_no_free_block_says_how_to_name_one() -> None:
    with pytest.raises(Unavailable, match="--ports"):
        choose(PLACE, free=lambda port: False)


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        assert not is_free(port)
    assert is_free(port)
