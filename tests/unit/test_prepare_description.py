"""The description that is made where the competition's own is not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks import registry
from tasks.preparing.description import MOST_COLUMNS, describe

BREEDS = "dog-breed-identification"
"""Its targets are every other column of the sample submission."""


def described(folder: Path, competition: str, **tables: str) -> str:
    for name, header in tables.items():
        (folder / f"{name}.csv").write_text(header + "\n")
    return describe(registry.benchmark(competition).row, folder)


def test_targets_that_the_catalogue_does_not_name_are_read_off_the_sample_submission(tmp_path: Path) -> None:
    text = described(tmp_path, BREEDS, sample_submission="id,beagle,pug")
    assert "exactly the columns `id`, `beagle`, `pug`, and" in text
    assert "`id` names the row; the prediction goes into `beagle`, `pug`." in text


def test_several_columns_name_a_row(tmp_path: Path) -> None:
    assert "`id`, `class` name the row" in described(tmp_path, "uw-madison-gi-tract-image-segmentation")


def test_a_sample_submission_that_is_not_public_does_no_harm(tmp_path: Path) -> None:
    assert "exactly the columns `id`, and" in described(tmp_path, BREEDS)


@pytest.mark.parametrize(("count", "more"), [(MOST_COLUMNS, ""), (MOST_COLUMNS + 2, " and 2 more")])
def test_of_a_very_wide_table_the_first_columns_are_told(tmp_path: Path, count: int, more: str) -> None:
    text = described(tmp_path, BREEDS, train=",".join(f"c{place}" for place in range(count)))
    assert f"`c{MOST_COLUMNS - 1}`{more}\n" in text
    assert f"`c{MOST_COLUMNS}`" not in text


def test_only_tables_at_the_top_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    text = described(tmp_path, BREEDS, train="id")
    assert "- `train.csv`: columns `id`\n" in text
    assert "folder.csv" not in text
    assert "notes.txt" not in text


@pytest.mark.parametrize(("competition", "better"), [("leaf-classification", "lower"), ("spaceship-titanic", "higher")])
def test_the_metric_is_told_with_its_direction(tmp_path: Path, competition: str, better: str) -> None:
    metric = registry.benchmark(competition).row.metric.replace("_", " ")
    assert f"{metric}: {better} is better." in described(tmp_path, competition)
