"""The house rules: who may import whom, who may touch Ray, and whose file each module is."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "podium": set(),
    "containers": {"podium"},
    "grading": {"podium", "containers"},
    "serve": {"podium"},
    "cluster": {"podium", "containers"},
    "tasks": {"podium", "grading"},
    "agents": {"podium", "containers", "serve"},
    "jobs": {"podium", "containers", "grading", "serve", "cluster", "tasks", "agents"},
    "bench": {"podium", "containers", "grading", "serve", "cluster", "tasks", "agents", "jobs"},
}
"""Each package and those below it that it may import (itself always)."""

FRONT_DOOR = "podium/__main__.py"
"""The one file below jobs that may import it: the console script."""

RAY_SHELLS: dict[str, str] = {
    "cluster/hosts.py": "asks the cluster about its hosts",
    "serve/app.py": "deploys models under Ray Serve",
    "serve/engine.py": "vLLM as a Serve deployment, and one replica of it",
    "serve/gateway/replicas.py": "asks Serve's controller where replicas listen",
    "serve/gateway/actor.py": "keeps the gateway alive as a detached actor",
    "grading/actor.py": "keeps the grader alone on its host",
    "agents/actor.py": "one actor per agent and competition",
    "agents/executor.py": "owns one sandbox on an agent host",
    "jobs/connection.py": "the driver's connection: Ray's errors become ours, hosts are looked at",
    "jobs/deploy.py": "starts the detached services",
    "jobs/deploy_models.py": "brings models up and reads their logs",
    "jobs/guest.py": "prepares data on the grading host",
    "bench/chaos.py": "kills actors of a running cluster",
    "bench/serving_stock_app.py": "the stock application of ray.serve.llm, to compare",
    "bench/gateway_serve.py": "the gateway's app as a Serve deployment, to compare",
}
"""The only files that import Ray, each with its reason."""


def sources(package: str) -> Iterator[Path]:
    return iter(sorted((ROOT / package).rglob("*.py")))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at any depth of its code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


DOORS = sorted([*ROOT.glob("*.py"), *(ROOT / "experiments").glob("*.py")])
"""Scripts by the names that today's users type."""

ALL = [path for package in MAY_IMPORT for path in sources(package)]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_downward_only(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    package = name.split("/")[0]
    allowed = MAY_IMPORT[package] | {package} | ({"jobs"} if name == FRONT_DOOR else set())
    ours = {module.split(".")[0] for module in imported(path)} & set(MAY_IMPORT)
    assert ours <= allowed, f"{name} may not import {sorted(ours - allowed)}"


def test_ray_lives_in_the_listed_shells_only() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ALL
        if any(module == "ray" or module.startswith("ray.") for module in imported(path))
    }
    assert users <= set(RAY_SHELLS)


def test_the_lowest_floor_uses_pydantic_and_the_standard_library_only() -> None:
    foreign = {
        module.split(".")[0]
        for path in sources("podium")
        for module in imported(path)
        if module.split(".")[0] not in sys.stdlib_module_names | {"podium", "pydantic", "jobs"}
    }
    assert foreign == set()


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_opens_with_a_sentence(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a module opens with what it is"


@pytest.mark.parametrize("path", DOORS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_door_is_a_few_lines_that_open_into_jobs(path: Path) -> None:
    ours = {module.split(".")[0] for module in imported(path)} & set(MAY_IMPORT)
    assert ours == {"jobs"}
    assert ast.get_docstring(ast.parse(path.read_text()))
    assert len(path.read_text().splitlines()) <= 20


def test_no_file_of_jobs_shadows_a_module() -> None:
    taken = set(sys.stdlib_module_names) | set(MAY_IMPORT) | set(packages_distributions())
    names = {path.stem for path in (ROOT / "jobs").glob("*.py")} - {"__init__"}
    assert names & taken == set(), "a job's folder is first on sys.path, so these would hide others"


def test_no_installed_distribution_provides_one_of_our_names() -> None:
    provided = packages_distributions()
    clashes = {name: provided[name] for name in MAY_IMPORT if name in provided and set(provided[name]) != {"podium"}}
    assert clashes == {}


def test_top_level_holds_what_the_readme_lists() -> None:
    listed = set(MAY_IMPORT) - {"bench"} | {"bench", "tests", "requirements", "scripts", "experiments", "docs"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    folders = {name.split("/")[0] for name in tracked if "/" in name and not name.startswith(".")}
    assert folders <= listed


def test_the_readme_names_every_module() -> None:
    tree = (ROOT / "README.md").read_text().split("## Where everything is")[1]
    folders = {name: text for name, _, text in (part.partition("/") for part in tree.split("\n") if part[:1].isalpha())}
    unnamed = [
        path.relative_to(ROOT).as_posix()
        for package in set(MAY_IMPORT) - {"bench"}
        for path in sorted((ROOT / package).glob("*.py"))
        if path.stem != "__init__" and f"  {path.name} " not in _section(tree, package)
    ]
    assert set(MAY_IMPORT) <= set(folders)
    assert unnamed == []


def _section(tree: str, package: str) -> str:
    """The lines below `package/` in the README's tree."""
    below = tree.split(f"\n{package}/", 1)[1].split("\n", 1)[1]
    return "\n" + "\n".join(itertools.takewhile(lambda line: line.startswith("  "), below.split("\n"))) + "\n"


def test_the_help_imports_neither_ray_nor_pandas() -> None:
    program = (
        "import sys\n"
        "sys.argv = ['podium', '--help']\n"
        "from podium.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'ray', 'pandas', 'numpy', 'sklearn', 'fastapi'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sweep" in done.stdout
