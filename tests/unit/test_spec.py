"""What is asked is typed, frozen and refuses misspelt keys."""

from __future__ import annotations

import uuid

import pytest
from pydantic import ValidationError

from podium.brief import Submission
from podium.spec import Limits, SweepSpec, trial_id

SWEEP = str(uuid.UUID(int=7))


def test_a_misspelt_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="memmory_mb"):
        Limits.model_validate({"memmory_mb": 100})


def test_a_sweep_without_tasks_is_an_error() -> None:
    with pytest.raises(ValidationError, match="tasks"):
        SweepSpec(agents=("aide",), tasks=())


@pytest.mark.parametrize("name", ["", "-rf", "a b", "../x", "a;b", "a\n"])
def test_a_name_cannot_hold_what_a_path_or_a_shell_would_read(name: str) -> None:
    with pytest.raises(ValidationError):
        SweepSpec(agents=(name,), tasks=("wine",))


def test_a_trial_keeps_its_id_and_every_coordinate_counts() -> None:
    first = trial_id(SWEEP, "aide", "wine", "offline", 0)
    assert first == trial_id(SWEEP, "aide", "wine", "offline", 0)
    others = {
        trial_id(SWEEP, "aide", "wine", "offline", 1),
        trial_id(SWEEP, "aide", "iris", "offline", 0),
        trial_id(SWEEP, "base", "wine", "offline", 0),
        trial_id(str(uuid.UUID(int=8)), "aide", "wine", "offline", 0),
    }
    assert len(others | {first}) == 5


def test_a_submission_is_named_by_names_and_bytes() -> None:
    digest = Submission({"a.csv": b"1", "b.csv": b"2"}).digest
    assert digest == Submission({"b.csv": b"2", "a.csv": b"1"}).digest
    assert digest != Submission({"a.csv": b"12", "b.csv": b""}).digest
    assert digest != Submission({"a.csv": b"1"}).digest


@pytest.mark.parametrize("name", ["cpus", "gpus", "seconds"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_limit_is_finite_for_a_record_could_not_hold_another(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits.model_validate({name: value})
