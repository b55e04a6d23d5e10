"""The page of differences says what the catalogue says, in one form."""

from __future__ import annotations

import pytest

from bench.differences import END, MARK, PAGE, main, page
from tasks import registry
from tasks.benchmark_row import BenchmarkRow

ROWS = [registry.benchmark(name).row for name in registry.benchmark_names()]


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0, "type: python -m bench.differences"


def test_a_page_that_lags_behind_is_told_from_one_that_does_not() -> None:
    now = PAGE.read_text(encoding="utf-8")
    before, _, rest = now.partition(MARK)
    stale = f"{before}{MARK}\nof last week\n{END}{rest.partition(END)[2]}"
    assert page(stale, ROWS) == now
    assert page(now, ROWS[1:]) != now


def told(row: BenchmarkRow) -> list[str]:
    """The texts of a row that stand in the page's tables."""
    of_differences = [text for one in row.differences for text in (one.benchmark, one.strict)]
    return [*of_differences, *row.unseen, *(flag.text for flag in row.flags)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_is_said_is_a_sentence_or_a_word_or_two_without_a_full_stop(row: BenchmarkRow) -> None:
    assert [text for text in told(row) if text[0].isupper() != text.endswith(".") or "|" in text] == []
    assert all(one.benchmark.endswith(".") for one in row.differences)
