"""The plan is a pure function of what was asked; what was asked is resolved once and may only grow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.asked import ask, parse_duration, parse_limit, parse_option, resolve
from jobs.plan import NO_MODEL, AgentFacts, Host, TaskFacts, check_room, plan
from podium.errors import SpecChanged, UnknownName, UserError
from podium.spec import Budget, Limits, SweepSpec

SWEEP = "6f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"
AGENTS = {
    "aide": AgentFacts(name="aide", needs_model=True, options={"num_drafts": 3}, budget=Budget(steps=8)),
    "sample": AgentFacts(name="sample", needs_model=False),
}
TASKS = {"wine": TaskFacts(id="wine"), "digits": TaskFacts(id="digits")}


def select(splits: Sequence[str], ids: Sequence[str], lite: bool) -> list[str]:
    """One list, `starter`, whose `wine` is in the lite one."""
    chosen = [*(task for _ in splits for task in ("wine", "digits")), *ids]
    return ["wine"] if lite else list(dict.fromkeys(chosen))


def spec(**values: object) -> SweepSpec:
    return SweepSpec.model_validate({"agents": ("aide", "sample"), "tasks": ("wine", "digits"), **values})


def test_a_plan_has_every_agent_task_model_and_seed_once() -> None:
    made = plan(spec(models=("offline", "openai/x"), seeds=2), SWEEP, AGENTS, TASKS)
    found = [(trial.agent, trial.task, trial.model, trial.seed) for trial in made.trials]
    assert len(found) == len(set(found)) == 2 * 2 * 2 + 2 * 2
    assert {trial.model for trial in made.trials if trial.agent == "sample"} == {NO_MODEL}


def test_all_pairs_of_a_seed_come_before_the_next_seed() -> None:
    made = plan(spec(seeds=3), SWEEP, AGENTS, TASKS)
    seeds = [trial.seed for trial in made.trials]
    assert seeds == sorted(seeds)


def test_a_trial_has_the_same_name_when_the_sweep_grows() -> None:
    small = plan(spec(), SWEEP, AGENTS, TASKS)
    large = plan(spec(seeds=2, models=("offline", "openai/x")), SWEEP, AGENTS, TASKS)
    assert {trial.trial_id for trial in small.trials} < {trial.trial_id for trial in large.trials}


def test_a_trial_carries_its_agents_options_and_budget() -> None:
    trial = plan(spec(), SWEEP, AGENTS, TASKS).trials[0]
    assert trial.options == {"num_drafts": 3}
    assert trial.budget.steps == 8


def test_what_does_not_fit_is_left_out_with_its_reason() -> None:
    tasks = {
        "wine": TaskFacts(id="wine", obstacle="The data of wine are not prepared."),
        "digits": TaskFacts(id="digits", kind="technique"),
    }
    made = plan(spec(), SWEEP, AGENTS, tasks)
    assert made.trials == ()
    assert [(pair.agent, pair.task) for pair in made.misfits] == [
        ("aide", "wine"), ("aide", "digits"), ("sample", "wine"), ("sample", "digits"),
    ]  # fmt: skip
    assert made.misfits[0].reason == "The data of wine are not prepared."
    assert "of kind technique" in made.misfits[1].reason


def test_resources_are_those_of_the_trials_at_once() -> None:
    asked = plan(
        spec(parallel=3, executors=2, limits=Limits(cpus=2, memory_mb=1024), seeds=2), SWEEP, AGENTS, TASKS
    ).resources
    assert (asked.trials, asked.parallel, asked.executors) == (8, 3, 6)
    assert (asked.cpus, asked.memory_mb, asked.agent_actors) == (12.0, 6144, 4)


def test_no_more_is_asked_than_there_are_trials() -> None:
    asked = plan(spec(agents=("aide",), tasks=("wine",), parallel=16), SWEEP, AGENTS, TASKS).resources
    assert asked.executors == 1


def test_flags_win_over_the_file_and_limits_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('agents = ["aide"]\nsplits = ["starter"]\nseeds = 3\n[limits]\nmemory_mb = 1024\ncpus = 2\n')
    asked = ask(file, {"seeds": 5, "limits": {"memory_mb": 4096.0}, "tasks": ()})
    resolved = resolve(asked, select)
    assert (resolved.seeds, resolved.tasks) == (5, ("wine", "digits"))
    assert (resolved.limits.memory_mb, resolved.limits.cpus) == (4096, 2)


def test_lite_keeps_of_a_list_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('agents = ["aide"]\nsplits = "starter"\nlite = true\n')
    assert resolve(ask(file, {}), select).tasks == ("wine",)
    assert resolve(ask(None, {"agents": ("aide",), "lite": True}), select).tasks == ("wine",)


def test_a_misspelt_key_of_the_file_is_answered_with_the_near_one(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('agent = ["aide"]\n')
    with pytest.raises(UnknownName, match="agents"):
        ask(file, {})


def test_a_sweep_without_an_agent_or_a_task_says_how_to_name_one() -> None:
    with pytest.raises(UserError, match="podium agents"):
        resolve(ask(None, {"tasks": ("wine",)}), select)
    with pytest.raises(UserError, match="--split starter"):
        resolve(ask(None, {"agents": ("aide",)}), select)


@pytest.mark.parametrize("name", ["api_key", "token", "WANDB_API_KEY", "password"])
def test_a_secret_is_refused_as_an_option(name: str) -> None:
    with pytest.raises(UserError, match=r"\.env"):
        ask(None, {"options": {name: "x"}})


def test_an_option_that_counts_tokens_is_no_secret() -> None:
    assert ask(None, {"options": {"max_tokens": 5}}).values == {"options": {"max_tokens": 5}}


def test_a_resume_may_add_tasks_seeds_and_agents_and_loses_none() -> None:
    before = spec(agents=("aide",), tasks=("wine",))
    now = resolve(ask(None, {"agents": ("sample",), "tasks": ("digits",), "seeds": 2, "parallel": 9}), select, before)
    assert now.agents == ("aide", "sample")
    assert now.tasks == ("wine", "digits")
    assert (now.seeds, now.parallel) == (2, 9)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"limits": {"memory_mb": 4096}}, "limits.memory_mb"),
        ({"budget": {"steps": 5}}, "budget.steps"),
        ({"options": {"num_drafts": 9}}, "options.num_drafts"),
        ({"sandbox": "local"}, "sandbox"),
        ({"strict": True}, "strict"),
        ({"seeds": 1}, "seeds"),
    ],
)
def test_a_resume_that_changes_the_sweep_is_refused_naming_the_key(values: dict[str, object], key: str) -> None:
    with pytest.raises(SpecChanged) as caught:
        resolve(ask(None, values), select, spec(seeds=2))
    assert caught.value.key == key


def test_a_resume_keeps_which_keys_of_the_budget_were_asked_for() -> None:
    before = spec(budget=Budget(seconds=60))
    assert resolve(ask(None, {}), select, before).budget.model_fields_set == {"seconds"}


def test_options_are_json_where_they_read_as_such() -> None:
    assert parse_option("a=0.5") == ("a", 0.5)
    assert parse_option("a=true") == ("a", True)
    assert parse_option("a=text") == ("a", "text")
    with pytest.raises(UserError, match="KEY=VALUE"):
        parse_option("a")


def test_a_limit_must_be_known_and_a_number() -> None:
    assert parse_limit("memory_mb=512") == ("memory_mb", 512.0)
    with pytest.raises(UnknownName, match="memory_mb"):
        parse_limit("memory=512")
    with pytest.raises(UserError, match="number"):
        parse_limit("cpus=two")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400)])
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_wrong_duration_says_how_to_write_one() -> None:
    with pytest.raises(UserError, match="30m"):
        parse_duration("soon")


HOSTS = [Host(name="wide", cpus=8, memory_mb=2000, gpus=0), Host(name="tall", cpus=2, memory_mb=9000, gpus=1)]


@pytest.mark.parametrize("limits", [Limits(cpus=8, memory_mb=2000), Limits(cpus=2, memory_mb=9000, gpus=1)])
def test_a_sandbox_that_just_fits_on_one_host_is_let_through(limits: Limits) -> None:
    check_room(HOSTS, limits)


@pytest.mark.parametrize(
    "limits", [Limits(cpus=9), Limits(memory_mb=9001), Limits(gpus=2), Limits(cpus=8, memory_mb=9000)]
)
def test_a_sandbox_larger_than_any_host_is_refused_naming_the_sizes(limits: Limits) -> None:
    with pytest.raises(UserError, match="wide: 8 CPUs, 2000 MiB; tall: 2 CPUs, 9000 MiB, 1 GPUs"):
        check_room(HOSTS, limits)
