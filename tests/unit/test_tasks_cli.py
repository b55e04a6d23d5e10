"""The commands `podium tasks` and `podium prepare`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.prepare import prepare
from podium.errors import UnknownName, UserError
from podium.settings import CHECKOUT
from tasks import registry
from tasks.cli import tasks


@pytest.fixture
def site(tmp_path: Path) -> str:
    file = tmp_path / "site.toml"
    file.write_text('data = "data"\nprivate = "private"\n')
    return str(file)


def test_list_shows_what_is_prepared(site: str) -> None:
    CliRunner().invoke(prepare, ["-c", "wine", "--site", site, "-q"], catch_exceptions=False)
    done = CliRunner().invoke(tasks, ["list", "--site", site, "--json"], catch_exceptions=False)
    state = {row["id"]: row["prepared"] for row in json.loads(done.stdout)}
    assert list(state) == registry.names()
    assert [task_id for task_id, prepared in state.items() if prepared] == ["wine"]


def test_show_gives_description_and_thresholds(site: str) -> None:
    done = CliRunner().invoke(tasks, ["show", "wine", "--site", site], catch_exceptions=False)
    assert "## Metric" in done.stdout
    assert "gold" in done.stdout


def test_check_proves_the_bounds(site: str) -> None:
    CliRunner().invoke(prepare, ["-c", "wine", "--site", site, "-q"], catch_exceptions=False)
    done = CliRunner().invoke(tasks, ["check", "wine", "--site", site], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "the answers handed in take the top" in done.stdout


def test_check_fails_where_the_answers_lie_open(site: str, tmp_path: Path) -> None:
    CliRunner().invoke(prepare, ["-c", "wine", "--site", site, "-q"], catch_exceptions=False)
    (tmp_path / "private/wine/prepared/private").chmod(0o755)
    done = CliRunner().invoke(tasks, ["check", "wine", "--site", site], catch_exceptions=False)
    assert done.exit_code == 2
    assert "FAIL the private half is closed to others" in done.stdout


def test_nothing_named_is_an_error_that_says_what_to_type(site: str) -> None:
    for command, arguments in ((prepare, ["--site", site]), (tasks, ["check", "--site", site])):
        with pytest.raises(UserError, match="starter"):
            CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_preparing_an_unknown_task_names_the_near_ones(site: str) -> None:
    with pytest.raises(UnknownName, match="wine"):
        CliRunner().invoke(prepare, ["-c", "whine", "--site", site], catch_exceptions=False)


def test_the_script_runs_from_anywhere_and_its_errors_are_plain(site: str, tmp_path: Path) -> None:
    script = [sys.executable, str(CHECKOUT / "jobs/prepare.py"), "--site", site, "-c"]
    good = subprocess.run([*script, "wine"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    bad = subprocess.run([*script, "whine"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "Did you mean wine?" in bad.stderr
    assert "Traceback" not in bad.stderr
