"""Grading files by their paths: what is said where answers or folders are not for this user, and reports on disk."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jobs.grade import write_report
from jobs.judge import check_answers
from podium.errors import UserError
from podium.settings import Site
from tasks import registry
from tests.unit.raw_data import FOREIGN, put_prepared, site_below

MOMENT = time.gmtime(0)


def checked(site: Site) -> None:
    check_answers(registry.grading_of(FOREIGN, site), site)


def test_answers_that_are_not_there_name_the_command_and_both_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"podium prepare -c {FOREIGN};.*--data-dir.*--private-dir"):
        checked(site_below(tmp_path))


def test_the_command_names_the_data_directory_that_has_both_halves(tmp_path: Path) -> None:
    site = site_below(tmp_path / "my data")
    with pytest.raises(UserError, match=rf"podium prepare -c {FOREIGN} --data-dir '{site.data}';"):
        checked(site.model_copy(update={"private": site.data}))


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("shut", ["private", "private/aerial-cactus-identification/prepared/private/test.csv"])
def test_answers_that_this_user_may_not_read_are_a_sentence(tmp_path: Path, shut: str) -> None:
    site = site_below(tmp_path)
    put_prepared(site.private, FOREIGN, "test.csv", "sample_submission.csv")
    (tmp_path / shut).chmod(0)
    with pytest.raises(UserError, match="You may not read the answers"):
        checked(site)
    (tmp_path / shut).chmod(0o700)


def test_two_reports_of_one_second_are_both_kept(tmp_path: Path) -> None:
    names = [write_report(tmp_path / "a" / "b", text, MOMENT).name for text in ("1", "2")]
    assert names == ["1970-01-01T00-00-00-GMT_grading_report.json", "1970-01-01T00-00-00-GMT-2_grading_report.json"]
    assert [(tmp_path / "a" / "b" / name).read_text() for name in names] == ["1", "2"]


def test_a_report_that_cannot_be_written_is_a_sentence() -> None:
    with pytest.raises(UserError, match="No report can be written into /proc/made"):
        write_report(Path("/proc/made"), "{}", MOMENT)
