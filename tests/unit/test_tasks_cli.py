"""The commands `podium tasks` and `podium prepare`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.prepare import prepare
from podium.errors import UnknownName, UserError
from podium.settings import CHECKOUT
from tasks import registry
from tasks.cli import tasks
from tests.unit.raw_data import FOREIGN, put_prepared


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


def test_a_data_directory_in_the_benchmarks_layout_may_be_named(site: str, tmp_path: Path) -> None:
    put_prepared(tmp_path / "D", FOREIGN, "test.csv", "sample_submission.csv")
    words = ["--data-dir", str(tmp_path / "D"), "--site", site, "--json"]
    listed = CliRunner().invoke(tasks, ["list", "--lite", *words], catch_exceptions=False)
    assert [row["id"] for row in json.loads(listed.stdout) if row["prepared"]] == [FOREIGN]
    assert json.loads(CliRunner().invoke(tasks, ["show", FOREIGN, *words]).stdout)["prepared"]
    checked = CliRunner().invoke(tasks, ["check", FOREIGN, *words])
    assert json.loads(checked.stdout)[FOREIGN][0]["holds"]


def test_one_task_that_cannot_be_checked_holds_no_other_up(site: str, tmp_path: Path) -> None:
    put_prepared(tmp_path / "data", FOREIGN, "test.csv", "sample_submission.csv")
    words = ["check", "leaf-classification", FOREIGN, "--site", site, "--json"]
    done = CliRunner().invoke(tasks, words)
    found = json.loads(done.stdout)
    assert done.exit_code == 2
    assert [one["what"] for one in found["leaf-classification"]] == ["it can be looked at"]
    assert "mlebench-prepare.sh" in found["leaf-classification"][0]["seen"]
    assert found[FOREIGN][0]["holds"]
    with pytest.raises(UserError):
        CliRunner().invoke(tasks, ["check", "leaf-classification", "--site", site], catch_exceptions=False)


def test_list_keeps_to_splits_and_lite(site: str) -> None:
    asked = ["list", "--split", "split75", "--split", "dev", "--lite", "--site", site, "--json"]
    done = CliRunner().invoke(tasks, asked, catch_exceptions=False)
    assert {row["id"] for row in json.loads(done.stdout)} == set(registry.split("lite"))


def test_list_tells_how_a_task_is_judged_its_size_and_its_trouble(site: str) -> None:
    done = CliRunner().invoke(tasks, ["list", "--lite", "--site", site], catch_exceptions=False)
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["id", "split", "metric", "better", "size", "data", "known", "trouble"]
    assert len(lines) == 22
    pizza = next(line for line in lines if line.startswith("random-acts-of-pizza "))
    assert pizza.split()[1] == "low"
    assert pizza.endswith("higher  3 MB     -     leak")
    assert pizza.index("higher") == head.index("better")


def test_list_of_a_kind_that_no_task_is_of_is_an_error(site: str) -> None:
    listed = CliRunner().invoke(tasks, ["list", "--kind", "competition", "--site", site, "--json"])
    assert len(json.loads(listed.stdout)) == len(registry.names())
    with pytest.raises(UserError, match="of the kind experiment"):
        CliRunner().invoke(tasks, ["list", "--kind", "experiment", "--site", site], catch_exceptions=False)


def test_list_imports_nothing_heavy(site: str) -> None:
    program = (
        "import sys; from tasks.cli import tasks; tasks(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'numpy', 'pandas', 'sklearn', 'pyarrow', 'ray'} & set(sys.modules), sorted(sys.modules)"
    )
    listed = [sys.executable, "-c", program, "list", "--site", site]
    done = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(registry.names()) + 1


@pytest.mark.parametrize("plain", [False, True])
def test_list_on_a_terminal_is_a_table_and_keeps_to_no_color(site: str, plain: bool) -> None:
    own, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    environment.pop("NO_COLOR", None)
    listed = [sys.executable, "-m", "tasks.cli", "list", "--split", "dev", "--site", site]
    with subprocess.Popen(
        listed, cwd=CHECKOUT, env={**environment, **({"NO_COLOR": "1"} if plain else {})}, stdout=other
    ) as process:
        os.close(other)
        shown = drained(own)
    assert process.returncode == 0
    assert "spaceship-titanic" in shown
    assert "\N{BOX DRAWINGS LIGHT VERTICAL}" in shown
    assert ("\x1b[3" in shown) is not plain


def drained(descriptor: int) -> str:
    """All that is written to the other end of a terminal until that is closed."""
    parts: list[bytes] = []
    with suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(descriptor, 65536):
            parts.append(part)
    os.close(descriptor)
    return b"".join(parts).decode()


def test_show_gives_description_and_thresholds(site: str) -> None:
    done = CliRunner().invoke(tasks, ["show", "wine", "--site", site], catch_exceptions=False)
    assert "## Metric" in done.stdout
    assert "gold 0.00770" in done.stdout
    assert "(from 49 reference entries)" in done.stdout
    assert "-mean(log p of the true class)" in done.stdout


def test_show_tells_of_a_competition_of_the_benchmark_what_the_catalogue_knows(site: str) -> None:
    done = CliRunner().invoke(tasks, ["show", "random-acts-of-pizza", "--site", site], catch_exceptions=False)
    words = " ".join(done.stdout.split())
    for said in (
        "thresholds gold 0.97908, silver 0.76482, bronze 0.69210, median 0.59960 (from the catalogue)",
        "ids request_id targets requester_received_pizza",
        "public sampleSubmission.csv, test.json, train.json private test.csv",
        "(openai/mle-bench#108)",
        "scripts/mlebench-prepare.sh",
    ):
        assert said in words


def test_show_says_whose_thresholds_they_are(site: str, tmp_path: Path) -> None:
    own = tmp_path / "data" / "leaf-classification" / "leaderboard.csv"
    own.parent.mkdir(parents=True)
    own.write_text("score\n0.25\n0.5\n")
    done = CliRunner().invoke(tasks, ["show", "leaf-classification", "--site", site, "--json"], catch_exceptions=False)
    shown = json.loads(done.stdout)
    assert shown["thresholds_from"] == str(own)
    assert shown["thresholds"] == {
        "gold": 0.25, "silver": 0.25, "bronze": 0.25, "median": 0.375, "lower_is_better": True,
    }  # fmt: skip


def test_show_gives_the_description_of_prepared_data(site: str, tmp_path: Path) -> None:
    public = tmp_path / "data/leaf-classification/prepared/public"
    public.mkdir(parents=True)
    (public / "sample_submission.csv").write_text("id\n")
    (public / "description.md").write_text("# Leaves")
    done = CliRunner().invoke(tasks, ["show", "leaf-classification", "--site", site], catch_exceptions=False)
    assert done.stdout.endswith("prepared    yes\n\n# Leaves\n")


def test_show_of_an_unknown_task_names_the_near_ones(site: str) -> None:
    with pytest.raises(UnknownName, match="Did you mean random-acts-of-pizza"):
        CliRunner().invoke(tasks, ["show", "random-acts-of-pizzas", "--site", site], catch_exceptions=False)


def test_a_card_holds_all_that_its_line_holds(site: str) -> None:
    done = CliRunner().invoke(tasks, ["list", "--site", site, "--json"], catch_exceptions=False)
    lines = {row["id"]: row for row in json.loads(done.stdout)}
    for task_id in ("wine", "champs-scalar-coupling"):
        done = CliRunner().invoke(tasks, ["show", task_id, "--site", site, "--json"], catch_exceptions=False)
        shown = json.loads(done.stdout)
        assert {key: shown[key] for key in lines[task_id]} == lines[task_id]


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
