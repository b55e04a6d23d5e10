"""Finding tasks by name, and the lists of them in `experiments/splits`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from podium.errors import UnknownName, UserError
from podium.settings import CHECKOUT, Site
from tasks.benchmark import BenchmarkCompetition
from tasks.competition import Competition

COMPETITIONS: Final = Path(__file__).resolve().parent / "competitions"
MLEBENCH: Final = Path(__file__).resolve().parent / "mlebench"
SPLITS: Final = CHECKOUT / "experiments" / "splits"


def names() -> list[str]:
    """Every task's id, sorted."""
    return sorted([*(path.parent.name for path in COMPETITIONS.glob("*/competition.toml")), *benchmark_names()])


def benchmark_names() -> list[str]:
    """The ids of MLE-bench's competitions, sorted."""
    return sorted(path.stem for path in MLEBENCH.glob("*.toml"))


def find(task_id: str, site: Site) -> Competition | BenchmarkCompetition:
    """The task of that id, at a site that may bring tasks of its own (none can yet). Raises UnknownName."""
    if task_id not in names():
        raise UnknownName("task", task_id, names())
    return benchmark(task_id) if task_id in benchmark_names() else competition(task_id)


def benchmark(task_id: str) -> BenchmarkCompetition:
    """MLE-bench's competition of that id. Raises UnknownName with the near ones."""
    known = benchmark_names()
    if task_id not in known:
        raise UnknownName("competition of MLE-bench", task_id, known)
    return BenchmarkCompetition(MLEBENCH / f"{task_id}.toml")


def competition(task_id: str) -> Competition:
    """The competition of our own of that id. Raises UnknownName with the near ones."""
    known = sorted(path.parent.name for path in COMPETITIONS.glob("*/competition.toml"))
    if task_id not in known:
        raise UnknownName("task", task_id, known)
    return Competition(COMPETITIONS / task_id)


def split(name_or_path: str) -> list[str]:
    """The ids that a split lists, in its order: `experiments/splits/<name>.txt`, or any file of that form.

    One id a line; `#` begins a comment. Raises UnknownName for an unknown split or id, UserError for an empty one.
    """
    file = SPLITS / f"{name_or_path}.txt"
    if not file.is_file():
        file = Path(name_or_path)
    if not file.is_file():
        raise UnknownName("split", name_or_path, (path.stem for path in SPLITS.glob("*.txt")))
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    ids = list(dict.fromkeys(line for line in lines if line))
    if not ids:
        raise UserError(f"The split {file} lists no task.", "Write one task id a line.")
    known = names()
    for task_id in ids:
        if task_id not in known:
            raise UnknownName("task", task_id, known)
    return ids
