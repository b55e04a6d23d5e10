"""`podium site check`: warns while answers lie open, says what is wrong, and changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.sitecheck import Finding, findings, site
from podium.settings import Site
from tasks import registry
from tasks.preparing import separate
from tests.unit.raw_data import FOREIGN, SPACESHIP, below, put_prepared, put_raw, site_below


@pytest.fixture
def place(tmp_path: Path) -> Site:
    """A site with a private directory, and scratch elsewhere."""
    place = site_below(tmp_path).model_copy(update={"scratch": tmp_path / "scratch"})
    place.private.mkdir(mode=0o700)
    return place


def of(level: str, place: Site) -> list[Finding]:
    return [one for one in findings(place) if one.level == level]


def test_a_clean_site_has_no_warning(place: Site) -> None:
    assert of("warning", place) == of("error", place) == []


def test_answers_beside_public_data_are_a_warning_with_the_command_until_they_are_split_off(place: Site) -> None:
    put_prepared(place.data, FOREIGN, "test.csv", "sample_submission.csv")
    (warning,) = of("warning", place)
    assert FOREIGN in warning.text
    folders = f"--data-dir {place.data} --private-dir {place.private}"
    assert f"podium prepare --split-private {folders} -c {FOREIGN}" in warning.remedy
    separate(FOREIGN, place)
    assert of("warning", place) == []


def test_of_many_the_first_five_are_named_and_the_command_names_all(place: Site) -> None:
    for task in (
        "AI4Code",
        "chaii-hindi-and-tamil-question-answering",
        "dog-breed-identification",
        *registry.split("dev")[:3],
    ):
        put_prepared(place.data, task, "test.csv", "sample_submission.csv")
    (warning,) = of("warning", place)
    assert warning.text.endswith(" and 1 more.")
    assert warning.remedy.count("-c ") == 6


def test_raw_data_beside_public_data_are_one_too_for_they_hold_the_answers(place: Site) -> None:
    put_raw(place.data, SPACESHIP)
    assert [SPACESHIP in one.text for one in of("warning", place)] == [True]


def test_a_private_directory_that_is_the_data_directory_is_a_warning(place: Site) -> None:
    assert "`private` is `data`" in of("warning", place.model_copy(update={"private": place.data}))[0].text


def test_a_private_directory_that_others_may_enter_is_a_warning(place: Site) -> None:
    place.private.chmod(0o750)
    (warning,) = of("warning", place)
    assert warning.remedy == f"Type: chmod 700 {place.private}"


@pytest.mark.parametrize("name", ["private", "ledger"])
@pytest.mark.parametrize("outer", ["runs", "scratch"])
def test_private_folders_inside_what_agents_reach_are_errors(place: Site, name: str, outer: str) -> None:
    inside = getattr(place, outer) / "inside"
    (error,) = of("error", place.model_copy(update={name: inside}))
    assert f"`{name}`, {inside}, lies inside `{outer}`" in error.text


def test_a_data_directory_that_is_not_there_is_an_error(place: Site) -> None:
    assert "There is no data directory" in of("error", place.model_copy(update={"data": place.data / "none"}))[0].text


def test_sizes_and_free_room_are_said(place: Site) -> None:
    (place.data / "blob").write_bytes(bytes(2_500_000))
    assert any("holds 2.5 MB" in one.text and "free on its disk" in one.text for one in of("ok", place))


def test_warnings_exit_with_0_and_errors_with_1(place: Site, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('data = "data"\nprivate = "private"\nledger = "ledger"\n')
    put_prepared(place.data, FOREIGN, "test.csv", "sample_submission.csv")
    assert CliRunner().invoke(site, ["check", "--site", str(file)], standalone_mode=False).return_value == 0
    missing = CliRunner().invoke(site, ["check", "--site", str(file), "--data-dir", "none"], standalone_mode=False)
    assert missing.return_value == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root may look everywhere")
def test_a_private_directory_that_this_user_may_not_enter_is_no_fault(place: Site) -> None:
    place.private.chmod(0o000)
    assert of("error", place) == []
    assert of("warning", place) == []


def test_it_changes_nothing(place: Site) -> None:
    put_raw(place.data, SPACESHIP)
    before = below(place.data.parent)
    list(findings(place))
    assert below(place.data.parent) == before


def test_json_has_every_finding(place: Site, tmp_path: Path) -> None:
    words = ["check", "--json", "--data-dir", str(place.data), "--private-dir", str(place.private)]
    done = CliRunner().invoke(site, words, catch_exceptions=False)
    assert {one["level"] for one in json.loads(done.stdout)} >= {"ok"}
