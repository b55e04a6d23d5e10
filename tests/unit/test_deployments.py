"""What Ray Serve says of its models, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serve.deployments import Deployed, Replica, Step, engine_words, entry_digest, next_step, read_deployed
from serve.models import Entry

ENTRY = Entry(kind="vllm", about="", source="./tiny")
MODELS = Path("/models")

SAID = """\
A replica failed to start with exception. Retrying 2 more time(s). Error:
\x1b[36mray::ServeReplica:bad:ModelServer:bad.initialize_and_get_metadata()\x1b[39m (pid=28447, ip=127.0.0.4)
  File "engine.py", line 222, in _get_vllm_engine_config
    raise RuntimeError(f"Failed to create vLLM engine config: {e}") from None
RuntimeError: Failed to create vLLM engine config: Repo id must be in the form 'repo_name': '/models/nope'.
"""


def details(**changes: Any) -> dict[str, Any]:
    """Serve's details of one model, as its dashboard gives them, with the parts that are read."""
    variables = {"PODIUM_ENTRY": "e1", "PODIUM_CODE": "c1"}
    replica = {"replica_id": "2zyq3qtf", "state": "RUNNING", "actor_id": "3c71", "node_ip": "127.0.0.4"}
    deployment = {
        "name": "ModelServer:tiny",
        "status": "HEALTHY",
        "message": "",
        "deployment_config": {"ray_actor_options": {"runtime_env": {"env_vars": variables}, "num_cpus": 0.0}},
        "replicas": [replica],
    }
    app = {"name": "tiny", "status": "RUNNING", "message": "", "deployments": {"ModelServer:tiny": deployment}}
    return {"applications": {"tiny": {**app, **changes}}}


def running(**changes: Any) -> Deployed:
    values = {"name": "m", "status": "RUNNING", "entry": "e1", "code": "c1", "said": "", "replicas": ()}
    return Deployed.model_validate({**values, **changes})


def test_a_running_model_is_read() -> None:
    seen = read_deployed(details())["tiny"]
    assert seen == Deployed(
        name="tiny",
        status="RUNNING",
        entry="e1",
        code="c1",
        said="",
        replicas=(Replica(id="2zyq3qtf", actor="3c71", state="RUNNING"),),
    )
    assert seen.up


def test_a_model_that_was_just_asked_for_has_nothing_yet() -> None:
    seen = read_deployed(details(status="DEPLOYING", deployments={}))["tiny"]
    assert (seen.up, seen.failed, seen.replicas, seen.entry) == (False, False, (), "")


def test_what_no_entry_deployed_has_no_digests() -> None:
    assert read_deployed({"applications": {"x": {"status": "RUNNING", "deployments": {"X": {}}}}})["x"].entry == ""


def test_serve_that_runs_nothing_is_read_as_nothing() -> None:
    assert read_deployed({}) == {}


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (None, Step.DEPLOY),
        (running(), Step.NONE),
        (running(code="c0"), Step.OTHER_CODE),
        (running(entry="e0"), Step.OTHER_ENTRY),
        (running(entry="e0", code="c0"), Step.OTHER_ENTRY),
        (running(status="DEPLOYING"), Step.NONE),
        (running(status="DEPLOY_FAILED"), Step.DEPLOY),
        (running(status="DELETING", entry="e0"), Step.DEPLOY),
    ],
)
def test_the_next_step_follows_from_what_runs(seen: Deployed | None, step: Step) -> None:
    assert next_step(seen, "e1", "c1") is step


def test_the_engines_own_words_are_found_in_a_traceback() -> None:
    assert engine_words(SAID).startswith("RuntimeError: Failed to create vLLM engine config: Repo id")


def test_an_error_of_several_lines_is_said_to_its_end() -> None:
    said = (
        "RuntimeError: 1 validation error for VllmConfig\n  Value error, no room\n    For further information visit\n"
    )
    assert engine_words(said) == "RuntimeError: 1 validation error for VllmConfig Value error, no room"


def test_without_a_named_error_the_last_line_is_said() -> None:
    assert engine_words("something\nno more room\n") == "no more room"


def test_entries_that_differ_have_other_digests() -> None:
    digests = {
        entry_digest(ENTRY, MODELS),
        entry_digest(ENTRY.model_copy(update={"context": 5}), MODELS),
        entry_digest(ENTRY, Path("/elsewhere")),
    }
    assert len(digests) == 3
