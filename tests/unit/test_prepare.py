"""Preparing competitions of MLE-bench: plain tables byte for byte as the benchmark does, and what is there stays."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from podium.errors import UserError
from podium.settings import Site
from tasks import registry
from tasks.preparing import NotPrepared, Ways, prepare
from tasks.preparing.plain_tables import tables
from tests.unit.raw_data import FOREIGN, SPACESHIP, below, cases, put_archive, put_prepared, put_raw, site_below, texts

OFFLINE = Ways(download=False)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_below(tmp_path)


def make(competition: str, site: Site, ways: Ways = OFFLINE) -> list[str]:
    """Prepare it; gives what was said."""
    said: list[str] = []
    prepare(registry.benchmark(competition).row, site, ways, said.append)
    return said


@pytest.mark.parametrize("competition", sorted(cases()))
def test_both_halves_are_those_of_the_benchmark_byte_for_byte(competition: str, site: Site) -> None:
    put_raw(site.data, competition)
    make(competition, site)
    assert texts(site.public_dir(competition)) == cases()[competition]["public"]
    assert texts(site.private_dir(competition)) == cases()[competition]["private"]


def test_every_plain_table_has_the_files_that_the_catalogue_names() -> None:
    for competition, table in tables().items():
        row = registry.benchmark(competition).row
        assert set(table.public) == set(row.public) == {row.sample, "test.csv", "train.csv"}
        assert set(table.private) == set(row.private) == {row.answers}
        assert set(row.targets) == set(table.sample)


def test_other_numbers_of_rows_missing_cells_and_long_decimals_are_split_as_pandas_and_scikit_learn_do(
    site: Site,
) -> None:
    raw = site.data / SPACESHIP / "raw"
    raw.mkdir(parents=True)
    rows = [f'{n:04}_01,,{n / 7!r},"a, ""{n}""",{n % 3 == 0}' for n in range(137)]
    (raw / "train.csv").write_text("PassengerId,HomePlanet,Age,Name,Transported\n" + "\n".join(rows) + "\n")
    make(SPACESHIP, site)
    frame = pd.read_csv(raw / "train.csv")
    train, test = train_test_split(frame, test_size=0.1, random_state=0)
    assert texts(site.public_dir(SPACESHIP))["train.csv"] == train.to_csv(index=False)
    assert texts(site.private_dir(SPACESHIP)) == {"test.csv": test.to_csv(index=False)}
    assert len(test) == 14


def test_the_private_half_is_closed_and_the_public_one_open_whatever_the_umask(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    before = os.umask(0o077)
    try:
        make(SPACESHIP, site)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for half in ("public", "private") for path in half_of(site, half)}
    assert {modes[path] for path in half_of(site, "public")} == {0o755, 0o644}
    assert {modes[path] for path in half_of(site, "private")} == {0o700, 0o600}


def test_a_private_directory_that_is_made_is_closed_from_the_top(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    make(SPACESHIP, site)
    made = (site.private, site.private / SPACESHIP, site.private_dir(SPACESHIP).parent)
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 3


def half_of(site: Site, half: str) -> list[Path]:
    folder = site.public_dir(SPACESHIP) if half == "public" else site.private_dir(SPACESHIP)
    return [folder, *folder.iterdir()]


def test_an_archive_is_extracted_and_what_was_extracted_goes_again(site: Site) -> None:
    put_archive(site.data, SPACESHIP)
    make(SPACESHIP, site)
    assert texts(site.public_dir(SPACESHIP)) == cases()[SPACESHIP]["public"]
    assert not (site.data / SPACESHIP / "raw").exists()
    assert (site.data / SPACESHIP / f"{SPACESHIP}.zip").exists()


def test_with_keep_raw_it_stays(site: Site) -> None:
    put_archive(site.data, SPACESHIP)
    make(SPACESHIP, site, Ways(download=False, keep_raw=True))
    assert texts(site.data / SPACESHIP / "raw") == cases()[SPACESHIP]["raw"]


def test_raw_files_that_lay_there_before_always_stay(site: Site) -> None:
    raw = put_raw(site.data, SPACESHIP)
    make(SPACESHIP, site)
    assert texts(raw) == cases()[SPACESHIP]["raw"]


def test_preparing_again_changes_no_file(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    make(SPACESHIP, site)
    before = {path: path.stat().st_mtime_ns for path in site.data.rglob("*")}
    assert make(SPACESHIP, site) == []
    assert {path: path.stat().st_mtime_ns for path in site.data.rglob("*")} == before


def test_a_half_that_a_death_left_behind_is_made_again(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    aside = site.public_dir(SPACESHIP).with_name(".public")
    aside.mkdir(parents=True)
    (aside / "train.csv").write_text("half of i")
    make(SPACESHIP, site)
    assert texts(site.public_dir(SPACESHIP)) == cases()[SPACESHIP]["public"]
    assert not aside.exists()


def test_other_data_than_the_benchmarks_is_said(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    assert any(line.startswith("WARNING") and "test.csv" in line for line in make(SPACESHIP, site))


def test_what_the_benchmark_prepared_is_used_as_it_is(site: Site) -> None:
    put_prepared(site.data, FOREIGN, "test.csv", "sample_submission.csv")
    before = below(site.data)
    assert make(FOREIGN, site) == []
    assert below(site.data) == before


def test_a_missing_description_is_made_from_the_files_and_says_what_it_is(site: Site) -> None:
    put_prepared(site.data, FOREIGN, "test.csv", "sample_submission.csv")
    file = site.public_dir(FOREIGN) / "description.md"
    file.unlink()
    make(FOREIGN, site)
    text = file.read_text()
    assert "not the competition's own description" in text
    assert "`sample_submission.csv`: columns `id`, `label`" in text


def test_a_description_among_the_raw_files_is_taken(site: Site) -> None:
    theirs = b"# As the hosts wrote it, caf\xe9 in Latin-1\r\n"
    (put_raw(site.data, SPACESHIP) / "description.md").write_bytes(theirs)
    make(SPACESHIP, site)
    assert (site.public_dir(SPACESHIP) / "description.md").read_bytes() == theirs


def test_our_description_names_columns_metric_and_sample(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    make(SPACESHIP, site)
    text = (site.public_dir(SPACESHIP) / "description.md").read_text()
    for said in ("`PassengerId`, `Transported`", "`sample_submission.csv`", "## Metric", "higher is better"):
        assert said in text


def test_what_cannot_be_prepared_here_names_the_program_that_can_and_leaves_nothing(site: Site) -> None:
    with pytest.raises(NotPrepared, match=rf"mlebench-prepare.sh {site.data} {FOREIGN}"):
        make(FOREIGN, site)
    assert below(site.data) == []


def test_no_raw_data_and_no_download_is_an_error_that_leaves_nothing(site: Site) -> None:
    with pytest.raises(UserError, match="Put Kaggle's archive there"):
        make(SPACESHIP, site)
    assert below(site.data) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PassengerId,Age\n1,2\n", "lacks the columns Transported"),
        ("PassengerId,Transported\n1,True\n1,False\n", "twice"),
        ("PassengerId,Transported\n1,True\n", "too few"),
        ("", "cannot be read as a table"),
        ("a\n1,2,3\n4\n5,6,7,8\n", "cannot be read as a table"),
    ],
)
def test_a_raw_file_that_is_not_the_table_is_refused_with_nothing_half_written(
    site: Site, text: str, said: str
) -> None:
    raw = site.data / SPACESHIP / "raw"
    raw.mkdir(parents=True)
    (raw / "train.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        make(SPACESHIP, site)
    assert below(site.data / SPACESHIP) == ["prepared", "raw", "raw/train.csv"]


def test_a_damaged_archive_is_refused_with_nothing_half_written(site: Site) -> None:
    archive = put_archive(site.data, SPACESHIP)
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(UserError, match="no whole zip archive"):
        make(SPACESHIP, site)
    assert below(site.data / SPACESHIP) == ["prepared", archive.name]


def test_an_archive_of_something_else_is_refused_and_leaves_nothing(site: Site) -> None:
    with zipfile.ZipFile(put_archive(site.data, SPACESHIP), "w") as other:
        other.writestr("test.csv", "id\n")
    with pytest.raises(UserError, match=r"holds no train\.csv"):
        make(SPACESHIP, site)
    assert below(site.data / SPACESHIP) == ["prepared", f"{SPACESHIP}.zip"]


def test_several_archives_are_refused_by_name(site: Site) -> None:
    archive = put_archive(site.data, SPACESHIP)
    archive.with_name("other.zip").write_bytes(archive.read_bytes())
    with pytest.raises(UserError, match=r"other\.zip, spaceship-titanic\.zip"):
        make(SPACESHIP, site)


def test_a_file_in_the_folders_place_is_an_error_that_names_it(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    (site.data / SPACESHIP / "prepared").write_text("")
    with pytest.raises(UserError, match=r"prepared.* cannot be written"):
        make(SPACESHIP, site)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_an_error_that_names_it(site: Site) -> None:
    put_raw(site.data, SPACESHIP)
    (site.data / SPACESHIP).chmod(0o555)
    with pytest.raises(UserError, match="cannot be written"):
        make(SPACESHIP, site)
