"""Every actor of ours is placed by its role."""

from __future__ import annotations

import pytest

from podium.errors import UnknownName
from podium.placement import Role, options
from podium.plugins import load, names


def test_options_always_carry_the_role_and_explicit_resources() -> None:
    asked = options(Role.AGENT, cpus=2, memory_mb=1024, name="x")
    assert asked == {
        "label_selector": {"role": "agent"},
        "num_cpus": 2,
        "num_gpus": 0.0,
        "memory": 1 << 30,
        "name": "x",
    }


def test_the_grading_role_is_bound_by_its_resource() -> None:
    assert options(Role.GRADING, resources={"grading": 1})["resources"] == {"grading": 1}


def test_no_one_can_place_an_actor_past_its_role() -> None:
    with pytest.raises(TypeError, match="role"):
        options(Role.AGENT, label_selector={"role": "grading"})


def test_a_plug_in_is_found_by_its_files_name() -> None:
    assert "sandbox" in names("containers")
    assert load("podium.placement:Role") is Role


def test_a_wrong_plug_in_answers_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="placement"):
        load("podium.placment:Role")
