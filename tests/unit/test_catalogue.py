"""Agents are found by name, with their knobs, and misspelt names are answered with the near ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents import catalogue
from agents.aide import Knobs
from podium.errors import UnknownName, UserError
from podium.plugins import load


def test_every_agent_of_the_catalogue_can_be_made() -> None:
    assert {"sample", "baseline", "aide", "aide/dev"} <= set(catalogue.names())
    for name in catalogue.names():
        entry = catalogue.find(name)
        load(entry.agent_class)(entry.options)


def test_aide_has_aides_own_defaults() -> None:
    entry = catalogue.find("aide")
    assert Knobs.model_validate(entry.options) == Knobs()
    assert entry.options.keys() == Knobs.model_fields.keys()
    assert (entry.options["num_drafts"], entry.options["debug_prob"], entry.options["max_debug_depth"]) == (5, 0.5, 3)
    assert entry.budget == {"steps": 20}
    assert entry.needs_model


def test_a_variant_differs_in_what_it_sets() -> None:
    dev, aide = catalogue.find("aide/dev"), catalogue.find("aide")
    assert dev.agent_class == aide.agent_class
    assert dev.budget == {"steps": 8}
    assert dev.options == {**aide.options, "num_drafts": dev.options["num_drafts"]}


@pytest.mark.parametrize("asked", ["num_drafts", "agent.search.num_drafts", "search.num_drafts"])
def test_an_option_may_be_written_as_aide_writes_it(asked: str) -> None:
    assert catalogue.find("aide", {asked: 2}).options["num_drafts"] == 2


def test_dotted_names_of_models_and_executions_are_known_too() -> None:
    entry = catalogue.find("aide", {"agent.code.temp": 1.0, "exec.timeout": 60, "agent.time_limit": 900})
    assert (entry.options["code_temp"], entry.options["exec_timeout"]) == (1.0, 60)
    assert entry.budget == {"steps": 20, "seconds": 900}


@pytest.mark.parametrize("asked", ["steps", "agent.steps"])
def test_steps_are_the_trials_budget(asked: str) -> None:
    entry = catalogue.find("aide/dev", {asked: 3})
    assert entry.budget == {"steps": 3}
    assert "steps" not in entry.options


def test_an_unknown_agent_is_answered_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean aide"):
        catalogue.find("aid")


def test_an_unknown_option_is_answered_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean num_drafts"):
        catalogue.find("aide", {"agent.search.num_draft": 2})


def test_a_variant_cannot_invent_a_knob(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('class = "m:C"\n[mine]\nwidth = 1\n["mine/wide"]\nwitdh = 2\n')
    with pytest.raises(UnknownName, match="width"):
        catalogue.names(tmp_path)


def test_a_file_without_its_section_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('class = "m:C"\n[other]\n')
    with pytest.raises(UserError, match=r"no \[mine\]"):
        catalogue.names(tmp_path)
