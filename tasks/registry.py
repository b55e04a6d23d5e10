"""Finding tasks by name, and the lists of them in `experiments/splits`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grading.order import GradingTask
from podium.errors import UnknownName, UserError
from podium.settings import CHECKOUT, Site
from tasks.benchmark import BenchmarkCompetition
from tasks.competition import Competition

COMPETITIONS: Final = Path(__file__).resolve().parent / "competitions"
MLEBENCH: Final = Path(__file__).resolve().parent / "mlebench"
SPLITS: Final = CHECKOUT / "experiments" / "splits"
LITE: Final = "lite"
"""The split that `--lite` means."""


def names() -> list[str]:
    """Every task's id, sorted."""
    return sorted([*starter_names(), *benchmark_names()])


def starter_names() -> list[str]:
    """The ids of our own competitions, sorted."""
    return sorted(name for name in os.listdir(COMPETITIONS) if (COMPETITIONS / name / "competition.toml").is_file())


def benchmark_names() -> list[str]:
    """The ids of MLE-bench's competitions, sorted."""
    return _stems(MLEBENCH, ".toml")


def find(task_id: str, site: Site) -> Competition | BenchmarkCompetition:
    """The task of exactly that id, at a site that may bring tasks of its own (none can yet). Raises UnknownName."""
    if task_id in benchmark_names():
        return benchmark(task_id)
    if task_id in starter_names():
        return competition(task_id)
    raise UnknownName("task", task_id, names())


def benchmark(task_id: str) -> BenchmarkCompetition:
    """MLE-bench's competition of that id. Raises UnknownName with the near ones."""
    known = benchmark_names()
    if task_id not in known:
        raise UnknownName("competition of MLE-bench", task_id, known)
    return BenchmarkCompetition(MLEBENCH / f"{task_id}.toml")


def competition(task_id: str) -> Competition:
    """The competition of our own of that id. Raises UnknownName with the near ones."""
    known = starter_names()
    if task_id not in known:
        raise UnknownName("starter task", task_id, known)
    return Competition(COMPETITIONS / task_id)


def grading_of(task_id: str, site: Site, *, strict: bool = False) -> GradingTask:
    """How the task of that id is judged. Raises UnknownName, and UserError for a leaderboard that is none."""
    return find(task_id, site).grading(site, strict=strict)


def selection(splits: Sequence[str], ids: Sequence[str], lite: bool = False) -> list[str]:
    """The tasks of the lists in `splits`, then those in `ids`, each once; with `lite` those of them that are in it.

    `lite` alone is the whole lite split. Raises UnknownName, and UserError where nothing is chosen.
    """
    known = names()
    for task_id in ids:
        if task_id not in known:
            raise UnknownName("task", task_id, known)
    chosen = list(dict.fromkeys([*(task_id for name in splits for task_id in split(name)), *ids]))
    if not lite:
        if not chosen:
            raise UserError("No task was named.", "Give an ID, or a list of them: --split starter.")
        return chosen
    allowed = split(LITE)
    kept = [task_id for task_id in chosen if task_id in allowed] if chosen else allowed
    if not kept:
        raise UserError(
            f"No task is both in {LITE} and in {enumerated([*splits, *ids])}.",
            f"Leave {LITE} out, or name tasks that are in {SPLITS / f'{LITE}.txt'}.",
        )
    return kept


def split_names() -> list[str]:
    """The lists of tasks in `experiments/splits`, sorted."""
    return _stems(SPLITS, ".txt")


def split(name_or_path: str) -> list[str]:
    """The ids that a split lists, in its order: `experiments/splits/<name>.txt`, or any file of that form, taken from
    the working folder, else from the checkout.

    One id a line; `#` begins a comment. Raises UnknownName for an unknown split or id, UserError for an empty one.
    """
    file = _split_file(name_or_path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"The split {file} is no UTF-8 text.", "Write one task id a line.") from None
    except PermissionError:
        raise UserError(f"You may not read the split {file}.", "Name a list of yours.") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    ids = list(dict.fromkeys(line for line in lines if line))
    if not ids:
        raise UserError(f"The split {file} lists no task.", "Write one task id a line.")
    known = names()
    for task_id in ids:
        if task_id not in known:
            raise UnknownName("task", task_id, known)
    return ids


def _split_file(name_or_path: str) -> Path:
    """Raises UnknownName."""
    if name_or_path in split_names():
        return SPLITS / f"{name_or_path}.txt"
    for file in (Path(name_or_path), CHECKOUT / name_or_path):
        if os.path.isfile(file):
            return file
    raise UnknownName("split or file", name_or_path, split_names())


def _stems(folder: Path, ending: str) -> list[str]:
    return sorted(name.removesuffix(ending) for name in os.listdir(folder) if name.endswith(ending))


def enumerated(names: Sequence[str]) -> str:
    """The names in a sentence, the first few of them."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
