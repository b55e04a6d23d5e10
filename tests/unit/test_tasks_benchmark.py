"""A competition of MLE-bench at a site: what agents are told of it, and what is said where its data are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.brief import Brief, Hardware
from podium.errors import UserError
from podium.settings import Site
from podium.spec import Budget
from tasks import registry
from tasks.bounds import check
from tasks.task import Task
from tests.unit.test_oracle_metrics import ANSWERS, CASES

OTHER_NAME, PACKED = "random-acts-of-pizza", "statoil-iceberg-classifier-challenge"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(data=tmp_path / "data", private=tmp_path / "private").resolved(tmp_path)


def lay_out(site: Site, task_id: str, **content: str) -> Path:
    """A public half of these files (`__` for a dot) beside a description; gives its folder."""
    public = site.public_dir(task_id)
    public.mkdir(parents=True)
    for name, text in {"description__md": "# Predict", **content}.items():
        (public / name.replace("__", ".")).write_text(text)
    return public


def brief(task: Task, site: Site) -> Brief:
    return task.brief(site, budget=Budget(), hardware=Hardware(), seed=5, execution_seconds=9.0)


def obstacle(task_id: str, site: Site) -> str:
    task = registry.find(task_id, site)
    with pytest.raises(UserError) as refusal:
        task.check_prepared(site)
    with pytest.raises(UserError):
        brief(task, site)
    return str(refusal.value)


def test_a_missing_data_directory_is_named_and_how_another_is_given(site: Site) -> None:
    said = obstacle("leaf-classification", site)
    assert f"there is no {site.data}." in said
    assert "--data-dir" in said


def test_data_that_we_can_make_are_made_by_our_own_command(site: Site) -> None:
    site.data.mkdir()
    said = obstacle("spaceship-titanic", site)
    assert f"there is no {site.public_dir('spaceship-titanic')}." in said
    assert said.endswith("Type: podium prepare -c spaceship-titanic")


def test_other_data_are_made_by_the_benchmarks_own_preparation(site: Site) -> None:
    site.data.mkdir()
    said = obstacle("leaf-classification", site)
    assert said.endswith(f"mlebench-prepare.sh {site.data} leaf-classification")


def test_a_public_half_without_its_sample_submission_is_not_prepared(site: Site) -> None:
    public = lay_out(site, OTHER_NAME, sample_submission__csv="request_id,requester_received_pizza\n")
    assert f"there is no {public / 'sampleSubmission.csv'}." in obstacle(OTHER_NAME, site)


def test_a_public_half_without_a_description_is_mended_by_our_own_command(site: Site) -> None:
    (lay_out(site, OTHER_NAME, sampleSubmission__csv="request_id\n") / "description.md").unlink()
    assert obstacle(OTHER_NAME, site).endswith(f"Type: podium prepare -c {OTHER_NAME}")


def test_an_agent_is_told_the_public_half_and_nothing_else(site: Site) -> None:
    lay_out(site, OTHER_NAME, sampleSubmission__csv="request_id,requester_received_pizza\nt3_1,0.5\n", train__json="[]")
    told = brief(registry.find(OTHER_NAME, site), site)
    assert told.text == "# Predict"
    assert [file.name for file in told.files] == ["description.md", "sampleSubmission.csv", "train.json"]
    assert (told.seed, told.execution_seconds, told.lower_is_better) == (5, 9.0, False)
    (output,) = told.outputs
    assert output.sample == "sampleSubmission.csv"
    assert [column.name for column in output.columns] == ["request_id", "requester_received_pizza"]
    assert "private" not in told.model_dump_json()


def test_a_packed_sample_submission_is_named_as_it_lies_there(site: Site) -> None:
    public = lay_out(site, PACKED, sample_submission__csv__7z="7z")
    told = brief(registry.find(PACKED, site), site)
    assert told.outputs[0].sample == "sample_submission.csv.7z"
    (public / "sample_submission.csv").write_text("id,is_iceberg\n")
    assert brief(registry.find(PACKED, site), site).outputs[0].sample == "sample_submission.csv"


def test_where_no_sample_submission_is_public_none_is_named(site: Site) -> None:
    lay_out(site, PACKED)
    assert brief(registry.find(PACKED, site), site).outputs[0].sample == ""


def test_a_description_in_another_encoding_is_told_all_the_same(site: Site) -> None:
    (lay_out(site, PACKED) / "description.md").write_bytes("caf\xe9".encode("latin-1"))
    assert brief(registry.find(PACKED, site), site).text == "caf\N{REPLACEMENT CHARACTER}"


def with_answers(site: Site, task_id: str) -> Path:
    """The oracle's competition, prepared: its answers, and a sample submission that is wrong in every row."""
    gold = next(case["submission_csv"] for case in CASES[task_id] if case["case"] == "gold")
    lay_out(
        site, task_id, sample_submission__csv=gold.replace("True", "?").replace("False", "True").replace("?", "False")
    )
    private = site.private_dir(task_id)
    private.mkdir(parents=True, mode=0o700)
    (private / "test.csv").write_text(ANSWERS[task_id]["text"])
    (private / "test.csv").chmod(0o600)
    return private


def test_its_bounds_are_proved_by_grading(site: Site) -> None:
    with_answers(site, "spaceship-titanic")
    findings = {finding.what: finding for finding in check(registry.find("spaceship-titanic", site), site)}
    failed = [what for what, finding in findings.items() if not finding.holds]
    assert len(findings) == 5
    assert failed == ["the sample submission scores what the benchmark records for Kaggle's data"]
    assert findings["the answers handed in take gold"].seen == "1.0"


def test_answers_that_are_not_there_fail_the_proof(site: Site) -> None:
    (with_answers(site, "spaceship-titanic") / "test.csv").unlink()
    (finding,) = check(registry.find("spaceship-titanic", site), site)
    assert (finding.holds, finding.seen) == (False, "test.csv, test.csv")
