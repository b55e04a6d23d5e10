"""The catalogue of models."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from podium.errors import UnknownName, UserError
from serve.cli import models
from serve.models import entries, find, names


def test_the_catalogue_holds_the_offline_model_and_the_two_providers() -> None:
    assert names() == ["gemini/NAME", "offline", "openai/NAME"]


def test_a_providers_model_is_asked_for_by_the_name_behind_the_slash() -> None:
    model = find("openai/some-model")
    assert (model.upstream, model.entry.secret, model.outside) == ("some-model", "OPENAI_API_KEY", True)


@pytest.mark.parametrize("name", ["oflline", "openai", "openai/", "offline/x", "nobody/x"])
def test_a_wrong_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        find(name)
    assert "offline" in str(caught.value) or "openai/NAME" in str(caught.value)


def test_a_provider_without_a_known_secret_is_refused_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('kind = "provider"\nabout = "x"\nbase_url = "http://x"\nsecret = "NOPE"\n')
    with pytest.raises(UserError, match=r"x\.toml"):
        entries(tmp_path)


def test_the_command_shows_whether_a_key_is_set_and_never_the_key() -> None:
    done = CliRunner().invoke(models, ["show", "openai/m"], env={"OPENAI_API_KEY": "sk-secret"})
    assert '"secret_is_set": true' in done.output
    assert "sk-secret" not in done.output
