"""The environment of the llm hosts is found, and refused where its Python or Ray is another."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import pytest

from cluster.engines import environment_of
from podium.errors import Unavailable
from podium.settings import Site


def make(folder: Path, python: str = platform.python_version(), ray: str = metadata.version("ray")) -> Path:
    """An environment as far as it is looked at."""
    libraries = folder / "lib" / "python3.11" / "site-packages" / f"ray-{ray}.dist-info"
    libraries.mkdir(parents=True)
    (libraries / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ray\nVersion: {ray}\n")
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {python}\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "ray").touch()
    return folder


def test_the_checkouts_own_is_found_by_its_real_path(tmp_path: Path) -> None:
    made = make(tmp_path / "cache")
    (tmp_path / ".venv-vllm").symlink_to(made)
    assert environment_of(Site(), tmp_path) == made


def test_without_one_the_llm_hosts_have_none(tmp_path: Path) -> None:
    assert environment_of(Site(), tmp_path) is None


def test_one_that_the_site_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make vllm"):
        environment_of(Site(vllm=tmp_path / "nowhere"), tmp_path)


@pytest.mark.parametrize("other", [{"python": "3.11.999"}, {"ray": "2.59.0"}])
def test_another_patch_of_python_or_ray_is_refused(tmp_path: Path, other: dict[str, str]) -> None:
    with pytest.raises(Unavailable, match="must have the same"):
        environment_of(Site(vllm=make(tmp_path / "vllm", **other)), tmp_path)
