"""Answers that libraries ship: the tasks are made from them, so they must not be found inside."""

from __future__ import annotations

import subprocess
import sys

import pytest

from containers.sandbox import Ended, Sandbox

ASK = """
import importlib, pkgutil
answered = []
from sklearn import datasets
for name in ("load_digits", "load_iris", "load_wine", "load_breast_cancer", "load_diabetes", "load_linnerud"):
    try:
        if len(getattr(datasets, name)().data):
            answered.append(name)
    except Exception as error:
        print("refused", name, type(error).__name__)
try:
    import statsmodels.datasets as sets
    names = [info.name for info in pkgutil.iter_modules(sets.__path__)]
    names += ["anes96", "fair", "heart", "modechoice", "cancer", "star98", "spector", "co2", "sunspots", "macrodata"]
except ImportError:
    names = []
for name in sorted(set(names)):
    try:
        if len(importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data):
            answered.append(name)
    except Exception as error:
        print("refused", name, type(error).__name__)
print("ANSWERED", *answered)
"""
LOOK = """
import os
TABLES = (".csv", ".csv.gz", ".dta", ".arff", ".arff.gz", ".npz", ".sas7bdat", ".parquet", ".pkl", ".jpg")
CODE = (".py", ".pyc", ".pyi", ".so", ".pyx", ".pxd", ".build", ".typed", ".rst")
found = []
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/home/data", "/home/work"):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith(TABLES):
            found.append(path)
        elif "/datasets/" in path and not name.endswith(CODE):
            found.append(path)
print("FOUND", *found)
"""


def answered(output: str) -> list[str]:
    """The names on the line that the question ends with."""
    return next(line.split()[1:] for line in output.splitlines() if line.startswith(("ANSWERED", "FOUND")))


def test_libraries_answer_where_nothing_is_taken_away() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert {"load_digits", "load_iris", "load_breast_cancer", "fair"} <= set(answered(done.stdout))


def test_no_library_answers_inside(cell: Sandbox) -> None:
    execution = cell.execute(ASK)
    assert execution.ended is Ended.OK, execution
    assert answered(execution.output) == []


NO_ANSWERS = {"/opt/packages/scipy/stats/_sobol_direction_numbers.npz"}
"""Tables that are part of an algorithm."""


def test_no_table_lies_in_the_file_system_inside(cell: Sandbox) -> None:
    assert set(answered(cell.execute(LOOK).output)) - NO_ANSWERS == set()


@pytest.mark.parametrize("module", ["sklearn.datasets", "sklearn.ensemble", "statsmodels.api"])
def test_the_libraries_still_import(cell: Sandbox, module: str) -> None:
    assert cell.execute(f"import {module}; print('ok')").output == "ok\n"


def test_made_data_are_still_made(cell: Sandbox) -> None:
    program = "from sklearn.datasets import make_classification as make; print(make(10, random_state=0)[0].shape)"
    assert cell.execute(program).output == "(10, 20)\n"
