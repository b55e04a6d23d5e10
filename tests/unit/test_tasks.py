"""Finding tasks, the lists of them, and what is said of data that are not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.catalogue import task_facts
from podium.brief import Hardware
from podium.errors import UnknownName, UserError
from podium.settings import Site
from podium.spec import Budget
from tasks import registry
from tasks.competition import Competition
from tasks.task import Task


def site_in(folder: Path) -> Site:
    return Site(data=folder / "data", private=folder / "private").resolved(folder)


def briefed(task: Task, site: Site) -> object:
    return task.brief(site, budget=Budget(), hardware=Hardware(), seed=0, execution_seconds=10.0)


def test_the_starter_split_names_six_tasks_or_more() -> None:
    assert len(registry.split("starter")) >= 6
    assert {"breast-cancer", "diabetes", "wine", "digits"} <= set(registry.split("starter"))


def test_an_unknown_task_is_answered_with_the_near_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="breast-cancer"):
        registry.find("brest-cancer", site_in(tmp_path))


def test_an_unknown_split_is_answered_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="starter"):
        registry.split("startre")


def test_a_split_may_be_any_file_with_comments_and_empty_lines(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("# mine\n\nwine  # small\ndigits\nwine\n")
    assert registry.split(str(file)) == ["wine", "digits"]


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "none.txt"
    file.write_text("# nothing yet\n")
    with pytest.raises(UserError, match="lists no task"):
        registry.split(str(file))


def test_a_split_with_an_unknown_task_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("wine\nwhine\n")
    with pytest.raises(UnknownName, match="whine"):
        registry.split(str(file))


def test_a_list_with_the_line_ends_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(b"wine\r\n\r\nAI4Code\r\n")
    assert registry.split(str(tmp_path / "mine.txt")) == ["wine", "AI4Code"]


def test_a_list_that_the_checkout_has_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert registry.split("experiments/splits/dev.txt") == registry.split("dev")
    (tmp_path / "experiments/splits").mkdir(parents=True)
    (tmp_path / "experiments/splits/dev.txt").write_text("wine\n")
    assert registry.split("experiments/splits/dev.txt") == ["wine"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_list_that_this_user_may_not_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("wine\n")
    (tmp_path / "mine.txt").chmod(0)
    with pytest.raises(UserError, match="may not read"):
        registry.split(str(tmp_path / "mine.txt"))


def test_a_split_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(b"wine\n\xff\n")
    with pytest.raises(UserError, match="no UTF-8 text"):
        registry.split(str(file))


def test_names_are_matched_exactly(tmp_path: Path) -> None:
    for name in ("ai4code", "AI4Code ", "../competitions/wine/competition", ""):
        with pytest.raises(UnknownName):
            registry.find(name, site_in(tmp_path))
    with pytest.raises(UnknownName, match="AI4Code"):
        registry.benchmark("ai4code")
    with pytest.raises(UnknownName):
        registry.split("../splits/lite")


def test_lists_and_ids_are_chosen_together_each_task_once() -> None:
    chosen = registry.selection(["spaceship-titanic", "dev"], ["wine", "spaceship-titanic"])
    dev = [name for name in registry.split("dev") if name != "spaceship-titanic"]
    assert chosen == ["spaceship-titanic", *dev, "wine"]


def test_lite_keeps_those_of_a_list_that_are_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("wine\nspooky-author-identification\nAI4Code\nleaf-classification\n")
    assert registry.selection([str(file)], [], lite=True) == ["spooky-author-identification", "leaf-classification"]
    assert registry.selection(["split75"], [], lite=True) == [
        name for name in registry.split("split75") if name in registry.split("lite")
    ]


def test_lite_alone_is_the_whole_of_it() -> None:
    assert registry.selection([], [], lite=True) == registry.split("lite")


def test_an_empty_choice_names_both_lists() -> None:
    with pytest.raises(UserError, match="No task is both in lite and in medium, high"):
        registry.selection(["medium", "high"], [], lite=True)
    with pytest.raises(UserError, match="No task is both in lite and in wine"):
        registry.selection([], ["wine"], lite=True)


def test_nothing_chosen_is_an_error_that_says_what_to_type() -> None:
    with pytest.raises(UserError, match="--split starter"):
        registry.selection([], [])


def test_an_unknown_id_is_answered_wherever_it_stands(tmp_path: Path) -> None:
    site, asked = site_in(tmp_path), "spaceship-titanik"
    for ask in (
        lambda: registry.find(asked, site),
        lambda: registry.grading_of(asked, site),
        lambda: registry.selection([], [asked]),
        lambda: registry.selection([], [asked], lite=True),
        lambda: task_facts(asked, site),
    ):
        with pytest.raises(UnknownName, match="Did you mean spaceship-titanic"):
            ask()


def test_a_starter_competition_is_judged_the_same_strictly_or_not(tmp_path: Path) -> None:
    task = registry.find("wine", site_in(tmp_path))
    assert task.grading(site_in(tmp_path), strict=True) == task.grading(site_in(tmp_path))


def test_data_that_are_not_prepared_are_named_with_the_command_that_helps(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    task = registry.find("wine", site)
    for ask in (lambda: task.check_prepared(site), lambda: briefed(task, site)):
        with pytest.raises(UserError, match="podium prepare -c wine"):
            ask()


def test_changed_data_are_named(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    task = registry.find("wine", site)
    task.prepare(site)
    task.check_prepared(site)
    (site.public_dir("wine") / "train.csv").write_text("id\n")
    (site.public_dir("wine") / "answers.csv").write_text("id\n")
    with pytest.raises(UserError, match=r"answers\.csv, train\.csv differ"):
        task.check_prepared(site)


def test_preparing_again_mends_what_differs_and_touches_nothing_else(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    task = registry.find("wine", site)
    task.prepare(site)
    train, test = (site.public_dir("wine") / name for name in ("train.csv", "test.csv"))
    before = test.stat().st_mtime_ns
    train.write_text("id\n")
    (site.public_dir("wine") / "answers.csv").write_text("id\n")
    task.prepare(site)
    task.check_prepared(site)
    assert test.stat().st_mtime_ns == before


def test_data_and_private_may_be_one_folder(tmp_path: Path) -> None:
    site = Site(data=tmp_path / "all", private=tmp_path / "all").resolved(tmp_path)
    task = registry.find("wine", site)
    task.prepare(site)
    task.check_prepared(site)
    assert sorted(path.name for path in (tmp_path / "all/wine/prepared").iterdir()) == [".lock", "private", "public"]


def test_bytes_other_than_the_recorded_ones_are_not_written(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    folder = tmp_path / "wine"
    folder.mkdir()
    for name in ("competition.toml", "leaderboard.csv", "digests.json"):
        (folder / name).write_text((registry.COMPETITIONS / "wine" / name).read_text())
    (folder / "description.md").write_text("another text")
    with pytest.raises(UserError, match="not those recorded"):
        Competition(folder).prepare(site)
    assert not site.public_dir("wine").exists()


def test_a_misspelt_key_of_a_competition_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "wine"
    folder.mkdir()
    text = (registry.COMPETITIONS / "wine/competition.toml").read_text()
    (folder / "competition.toml").write_text(text.replace("metric =", "metrik ="))
    with pytest.raises(UserError, match="metrik"):
        Competition(folder)
