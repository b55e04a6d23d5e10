"""When tiny models are made anew, and what tiny-caller is taught."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from serve.tiny import recipe
from serve.tiny.lessons import CALLS, lesson


def written(folder: Path) -> None:
    (folder / "model.safetensors").write_text("weights")


def broken(folder: Path) -> None:
    written(folder)
    raise RuntimeError("it did not learn")


def test_a_model_that_is_put_is_made(tmp_path: Path) -> None:
    recipe.put(tmp_path / "tiny", "one", written)
    assert recipe.is_made(tmp_path / "tiny", "one")


def test_a_model_of_another_recipe_is_not_made(tmp_path: Path) -> None:
    recipe.put(tmp_path / "tiny", "one", written)
    assert not recipe.is_made(tmp_path / "tiny", "two")


def test_a_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    recipe.put(tmp_path / "tiny", "one", lambda folder: (folder / "left.txt").touch())
    recipe.put(tmp_path / "tiny", "two", written)
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["model.safetensors", recipe.MARK]


def test_a_model_that_failed_leaves_the_one_before(tmp_path: Path) -> None:
    recipe.put(tmp_path / "tiny", "one", written)
    with pytest.raises(RuntimeError, match="learn"):
        recipe.put(tmp_path / "tiny", "two", broken)
    assert recipe.is_made(tmp_path / "tiny", "one")


def test_what_a_killed_maker_left_is_no_obstacle(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        recipe.put(tmp_path / "tiny", "one", broken)
    recipe.put(tmp_path / "tiny", "one", written)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_lessons_are_the_same_for_the_same_seed() -> None:
    assert [lesson(Random(1)) for _ in range(2)] == [lesson(Random(1)) for _ in range(2)]


def test_a_lesson_calls_only_what_it_offers() -> None:
    for seed in range(300):
        one = lesson(Random(seed))
        offered = {tool["function"]["name"] for tool in one.tools}
        called = {call["function"]["name"] for call in one.answer.get("tool_calls", [])}
        assert called <= offered & set(CALLS)
