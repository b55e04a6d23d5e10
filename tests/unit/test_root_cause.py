"""What broke an engine is found in what its processes logged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from serve.root_cause import root_cause

AT = "(EngineCore pid=8212) ERROR 11-21 21:43:42 [core.py:1374] "
LOG = f"""\
INFO 11-21 21:43:30 [core.py:3] ValueError: said by the replica, and no error
(EngineCore pid=8212) INFO 11-21 21:43:40 [core.py:12] Loading
{AT}EngineCore failed to start.
{AT}Traceback (most recent call last):
{AT}    raise ValueError(
{AT}ValueError: No available memory for the cache blocks.
{AT}Try less.
{AT.replace("core.py:1374", "multiproc_executor.py:314")}Worker proc VllmWorker-0 died unexpectedly.
{AT}Exception: WorkerProc initialization failed. See stack trace for root cause.
"""


def test_the_first_error_of_an_engines_process_is_said_to_its_end() -> None:
    assert root_cause(LOG.splitlines()) == "ValueError: No available memory for the cache blocks. Try less."


@pytest.mark.parametrize("log", ["", "ValueError: of the replica", f"{AT}EngineCore failed to start."])
def test_where_no_process_of_an_engine_named_an_error_nothing_is_said(log: str) -> None:
    assert root_cause(log.splitlines()) == ""


def test_a_process_reads_what_it_has_written_itself(tmp_path: Path) -> None:
    program = "from serve.root_cause import own_log; print('said', flush=True); assert own_log() == ['said']"
    with (tmp_path / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", program], stdout=log, check=True)


def test_a_process_whose_output_is_no_file_reads_nothing() -> None:
    program = "from serve.root_cause import own_log; assert own_log() == []"
    subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
