"""One real cluster for all tests in this folder, its llm host with vLLM; models come up as the tests serve them."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ray._raylet import AuthenticationTokenLoader, Config

from cluster.code import copy_code
from cluster.engines import FOLDER, REMEDY
from cluster.hosts import connected
from cluster.local import LocalLauncher
from podium.settings import CHECKOUT, Site
from podium.state import ray_environment
from tests.vllm.stage import Asker, Stage

MODELS = CHECKOUT / "models"


@pytest.fixture(scope="session")
def launcher() -> Iterator[LocalLauncher]:
    """A launcher for a site of its own; what it started is ended when the session ends.

    It runs a copy of the checkout, so that an edit while the tests run changes nothing. The folders are readable by
    others on their way (pytest's own are not), as a sandbox's user must reach the data.
    """
    if not (CHECKOUT / FOLDER / "bin" / "ray").exists():
        pytest.skip(f"There is no vLLM. {REMEDY}")
    if not (MODELS / "tiny-qwen3").is_dir():
        pytest.skip("There are no tiny models. Type `make tiny-models`.")
    folder = Path(tempfile.mkdtemp(prefix="podium-vllm-"))
    folder.chmod(0o755)
    (folder / "catalog").mkdir()
    site = Site(
        data=folder / "data",
        private=folder / "private",
        runs=folder / "runs",
        ledger=folder / "private" / ".ledger",
        models=MODELS,
        catalog=folder / "catalog",
        vllm=CHECKOUT / FOLDER,
    )
    checkout = copy_code(CHECKOUT, folder / "checkout")
    launcher = LocalLauncher(folder / "state" / "cluster.json", site, checkout=checkout)
    try:
        yield launcher
    finally:
        launcher.down()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stage(launcher: LocalLauncher) -> Iterator[Stage]:
    """The running cluster; its variables are in this process's environment, and this process is its driver."""
    state = launcher.up()
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if not name.startswith("RAY_")}
    _set_environment({**kept, **ray_environment(state, launcher.state_file)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Serve's own, once: it declares its schema as pydantic 1 did
        importlib.import_module("ray.serve.schema")
    with connected(state, state.code):
        yield Stage(state, launcher.state_file, launcher.checkout)
    _set_environment(before)


@pytest.fixture(scope="session")
def models(stage: Stage) -> None:
    """Models that are up until the cluster ends: a dense one, one of two workers, and one that calls tools and answers
    one request after the other."""
    stage.write("tiny-qwen3", context=2048, keys='tool_parser = "hermes"')
    stage.write("caller", weights="tiny-caller", context=8192, sequences=1, keys='tool_parser = "hermes"')
    stage.bring_up("tiny-qwen3", "tiny-qwen3-next", "caller")


@pytest.fixture
def asker(stage: Stage, models: None) -> Iterator[Asker]:
    """A trial of its own that may ask each of the models."""
    trial = uuid.uuid4().hex
    with stage.client(stage.register(trial, "tiny-qwen3", "tiny-qwen3-next", "caller")) as client:
        yield Asker(stage, trial, client)


def _set_environment(variables: Mapping[str, str]) -> None:
    """Ray reads its mode when it is imported and the token once; here both may have happened before."""
    os.environ.clear()
    os.environ.update(variables)
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
