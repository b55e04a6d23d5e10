"""Looking up what a sweep names: options meet the agents that know them, and budgets have an order."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.catalogue import agent_entries, agent_facts, make_plan, task_facts
from podium.errors import UnknownName, UserError
from podium.settings import Site
from podium.spec import Budget, SweepSpec

SWEEP = "6f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"


def spec(**values: object) -> SweepSpec:
    return SweepSpec.model_validate({"agents": ("aide", "sample"), "tasks": ("wine",), **values})


def budget_of(agent: str, asked: SweepSpec) -> Budget:
    return agent_facts(agent_entries(asked)[agent], asked).budget


def test_an_option_goes_to_the_agents_that_know_it() -> None:
    entries = agent_entries(spec(options={"num_drafts": 7}))
    assert entries["aide"].options["num_drafts"] == 7
    assert "num_drafts" not in entries["sample"].options


def test_an_option_that_no_agent_knows_is_answered_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="num_drafts"):
        agent_entries(spec(agents=("aide",), options={"num_draft": 7}))


def test_an_agents_section_wins_over_the_default_and_a_flag_over_both() -> None:
    assert budget_of("aide/dev", spec(agents=("aide/dev",))).steps == 8
    assert budget_of("aide/dev", spec(agents=("aide/dev",), budget=Budget(steps=3))).steps == 3


def test_set_wins_over_all() -> None:
    asked = spec(agents=("aide/dev",), budget=Budget(steps=3), options={"steps": 5})
    assert budget_of("aide/dev", asked).steps == 5


def test_what_was_not_asked_for_leaves_the_agents_budget_alone() -> None:
    assert budget_of("aide/dev", spec(agents=("aide/dev",), budget=Budget(seconds=60))).steps == 8


def test_a_task_without_its_data_is_left_out_with_the_command_that_helps(tmp_path: Path) -> None:
    site = Site(data=tmp_path, private=tmp_path, runs=tmp_path)
    assert "podium prepare -c wine" in task_facts("wine", site).obstacle
    plan = make_plan(spec(), SWEEP, site)
    assert plan.trials == ()
    assert len(plan.misfits) == 2


@pytest.mark.parametrize("wrong", [{"agents": ("aid",)}, {"tasks": ("wines",)}, {"models": ("ofline",)}])
def test_a_wrong_name_is_answered_with_the_near_one(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UnknownName, match="Did you mean"):
        make_plan(spec(**wrong), SWEEP, Site(data=tmp_path, private=tmp_path, runs=tmp_path))


@pytest.mark.parametrize("options", [{"steps": "many"}, {"steps": 0}, {"debug_prob": 2}, {"num_drafts": "x"}])
def test_a_value_that_does_not_fit_is_refused_before_the_start(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(options))):
        make_plan(spec(options=options), SWEEP, Site(data=tmp_path, private=tmp_path, runs=tmp_path))
