"""Models that cannot be served: each is refused with the reason and what to do, and the others go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from podium.settings import CHECKOUT
from tests.vllm.stage import Asker, Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]


REASON = "ValueError: No available memory for the cache blocks"
"""vLLM's, in a process below the replica's."""


@pytest.fixture(scope="module")
def given_up(stage: Stage) -> Iterator[CompletedProcess[str]]:
    """What was said of a model that has no room for a single request, until Serve gave it up."""
    stage.write("cramped", context=1024, cache=1 << 12)
    yield stage.serve("cramped")
    assert stage.serve("cramped", "--stop").returncode == 0


def test_an_engine_that_does_not_start_says_why_at_its_first_failure(given_up: CompletedProcess[str]) -> None:
    said = [line for line in given_up.stderr.splitlines() if line.startswith("cramped: it failed")]
    assert REASON in said[0]
    assert "Serve tries again" in said[0]


def test_it_is_given_up_with_the_engines_own_reason(given_up: CompletedProcess[str]) -> None:
    assert given_up.returncode == 1
    last = given_up.stderr.partition("podium: ")[2]
    assert last.startswith("cramped does not start: ")
    assert REASON in last


def test_the_others_answer_all_the_same(given_up: CompletedProcess[str], asker: Asker) -> None:
    assert asker.chat().usage.completion_tokens == 12


def test_weights_that_are_missing_are_refused_with_the_file_and_the_command(stage: Stage) -> None:
    stage.write("gone", weights="tiny-gone")
    done = stage.serve("gone")
    assert (done.returncode, stage.deployed("gone")) == (1, None)
    assert str(CHECKOUT / "models" / "tiny-gone") in done.stderr
    assert "make tiny-models" in done.stderr


def test_weights_that_were_cut_are_refused_before_anything_starts(stage: Stage, tmp_path: Path) -> None:
    weights = tmp_path / "cut"
    shutil.copytree(CHECKOUT / "models" / "tiny-qwen3", weights)
    file = weights / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    stage.write("cut", source=str(weights))
    done = stage.serve("cut")
    assert (done.returncode, stage.deployed("cut")) == (1, None)
    assert "model.safetensors" in done.stderr


def test_a_model_for_which_there_is_no_room_is_refused_with_what_the_cluster_has(stage: Stage) -> None:
    stage.write("wide", cpus=999.0)
    done = stage.serve("wide")
    assert (done.returncode, stage.deployed("wide")) == (1, None)
    assert "999" in done.stderr
    assert "llm" in done.stderr


def test_an_unknown_model_is_answered_with_the_near_ones(stage: Stage) -> None:
    done = stage.serve("tiny-qwen4")
    assert done.returncode == 1
    assert "tiny-qwen3" in done.stderr


def test_an_argument_that_vllm_does_not_know_is_refused_in_its_words(stage: Stage) -> None:
    stage.write("odd", engine="no_such_argument = 1")
    done = stage.serve("odd")
    assert (done.returncode, stage.deployed("odd")) == (1, None)
    assert "no_such_argument" in done.stderr
