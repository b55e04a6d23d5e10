"""The command `podium prepare`, also as `python jobs/prepare.py`: choices, folders, and what is said of failures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.prepare import prepare
from podium.errors import UnknownName, UserError
from podium.settings import CHECKOUT
from tests.unit.raw_data import FOREIGN, SPACESHIP, below, cases, put_archive, put_prepared, put_raw, texts


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "D"
    folder.mkdir()
    return folder


@pytest.fixture
def site(tmp_path: Path) -> str:
    file = tmp_path / "site.toml"
    file.write_text('data = "data"\nprivate = "private"\n')
    return str(file)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(prepare, ["--no-download", *map(str, words)], catch_exceptions=False)


def test_a_data_directory_that_is_named_holds_both_halves_as_the_benchmark_leaves_them(data: Path, site: str) -> None:
    put_raw(data, SPACESHIP)
    run("--competition-id", SPACESHIP, "--data-dir", data, "--site", site)
    for half in ("public", "private"):
        assert texts(data / SPACESHIP / "prepared" / half) == cases()[SPACESHIP][half]


def test_without_one_answers_go_to_the_sites_private_directory(tmp_path: Path, site: str) -> None:
    put_raw(tmp_path / "data", SPACESHIP)
    run("-c", SPACESHIP, "--site", site)
    assert texts(tmp_path / "private" / SPACESHIP / "prepared/private") == cases()[SPACESHIP]["private"]
    assert not (tmp_path / "data" / SPACESHIP / "prepared/private").exists()


def test_split_private_leaves_agents_only_the_public_half(data: Path, site: str, tmp_path: Path) -> None:
    put_raw(data, SPACESHIP)
    run("-c", SPACESHIP, "--data-dir", data, "--site", site, "--split-private")
    assert {path.split("/")[-1] for path in below(data / SPACESHIP)} == {
        "prepared", "public", "description.md", *cases()[SPACESHIP]["public"],
    }  # fmt: skip
    assert texts(tmp_path / "private" / SPACESHIP / "prepared/private") == cases()[SPACESHIP]["private"]
    assert texts(tmp_path / "private" / SPACESHIP / "raw") == cases()[SPACESHIP]["raw"]


def test_split_private_keeps_answers_apart_even_where_the_rest_is_not_prepared(
    data: Path, site: str, tmp_path: Path
) -> None:
    archive = put_archive(data, FOREIGN)
    put_prepared(data, FOREIGN, "test.csv", "sample_submission.csv")
    (data / FOREIGN / "prepared/public/sample_submission.csv").unlink()
    with pytest.raises(UserError):
        run("-c", FOREIGN, "--data-dir", data, "--site", site, "--split-private")
    assert not (data / FOREIGN / "prepared/private").exists()
    assert (tmp_path / "private" / FOREIGN / "prepared/private/test.csv").is_file()
    assert archive.is_file()  # the benchmark's own program looks for it there


def test_record_is_for_our_own_tasks_and_says_so() -> None:
    with pytest.raises(UnknownName, match="no starter task"):
        run("-c", FOREIGN, "--record")


def test_what_was_split_off_is_still_prepared_without_saying_so_again(data: Path, site: str) -> None:
    put_raw(data, SPACESHIP)
    run("-c", SPACESHIP, "--data-dir", data, "--site", site, "--split-private")
    before = below(data.parent)
    assert "used as it is" in run("-c", SPACESHIP, "--data-dir", data, "--site", site).output
    assert below(data.parent) == before


def test_a_data_directory_that_is_not_there_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no data directory"):
        run("-c", SPACESHIP, "--data-dir", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_one_failure_holds_no_other_up_and_the_foreign_ones_are_one_command(data: Path) -> None:
    put_raw(data, SPACESHIP)
    wanted = data.parent / "wanted.txt"
    wanted.write_text(f"{FOREIGN}\nleaf-classification\ntweet-sentiment-extraction\n{SPACESHIP}\n")
    with pytest.raises(UserError, match="3 of 4") as raised:
        run("--list", wanted, "--data-dir", data)
    assert f"scripts/mlebench-prepare.sh {data} {FOREIGN} leaf-classification" in raised.value.remedy
    assert (data / SPACESHIP / "prepared/public/description.md").is_file()


def test_where_all_fail_for_reasons_of_their_own_these_and_no_program_are_named(data: Path) -> None:
    wanted = ["spaceship-titanic", "lmsys-chatbot-arena"]
    with pytest.raises(
        UserError, match=r"2 of 2 tasks are not prepared: spaceship-titanic, lmsys-chatbot-arena\."
    ) as no:
        run("-c", wanted[0], "-c", wanted[1], "--data-dir", data)
    assert no.value.remedy == "The reasons stand above."


def test_nothing_is_downloaded_where_that_is_forbidden(data: Path) -> None:
    with pytest.raises(UserError, match="leave --no-download out"):
        run("-c", SPACESHIP, "--data-dir", data)


@pytest.mark.parametrize(("words", "kept"), [((), False), (("--keep-raw", "--skip-verification"), True)])
def test_an_archive_is_verified_and_its_content_removed_unless_asked_otherwise(
    data: Path, words: tuple[str, ...], kept: bool
) -> None:
    put_archive(data, SPACESHIP)
    said = run("-c", SPACESHIP, "--data-dir", data, *words).output
    assert ("is not the archive that the benchmark was made from" in said) is not kept
    assert (data / SPACESHIP / "raw").exists() is kept


def test_lite_and_a_list_without_common_ids_is_an_error_that_names_both(data: Path) -> None:
    with pytest.raises(UserError, match=r"lite.*dev"):
        run("--lite", "--split", "dev", "--data-dir", data)


def test_all_means_the_competitions_of_the_benchmark(data: Path) -> None:
    with pytest.raises(UserError, match=r"of 82 tasks are not prepared: (\S+, ){4}\S+ and \d+ more\."):
        run("--all", "--data-dir", data)


def test_an_unknown_id_names_the_near_ones_before_anything_is_done(data: Path) -> None:
    put_raw(data, SPACESHIP)
    with pytest.raises(UnknownName, match=SPACESHIP):
        run("-c", SPACESHIP, "-c", "spaceship-titanics", "--data-dir", data)
    assert below(data / SPACESHIP) == ["raw", "raw/train.csv"]


def test_the_cluster_is_asked_for_by_a_flag_and_missed_with_a_sentence(data: Path, tmp_path: Path) -> None:
    words = [sys.executable, "jobs/prepare.py", "--cluster", "-c", FOREIGN, "--data-dir", str(data)]
    environment = {**os.environ, "PODIUM_STATE": str(tmp_path / "none.json")}
    done = subprocess.run(words, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "podium up" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_choice_is_the_users_error(data: Path) -> None:
    words = [sys.executable, "jobs/prepare.py", "--data-dir", str(data)]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--lite, --all or --list FILE" in done.stderr


def test_quiet_says_nothing_where_all_is_well(data: Path) -> None:
    put_prepared(data, FOREIGN, "test.csv", "sample_submission.csv")
    assert run("-c", FOREIGN, "--data-dir", data, "--quiet").output == ""
