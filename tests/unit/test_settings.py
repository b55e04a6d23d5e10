"""The site is read once, from files that answer for their mistakes; secrets never print."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.errors import Unavailable, UserError
from podium.settings import Site, load_secrets, load_site
from podium.state import ClusterState, default_state_file, ray_environment, read_state, write_state


def test_relative_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('data = "d"\nprivate = "/p"\n')
    site = load_site(tmp_path / "site.toml")
    assert (site.data, site.private) == (tmp_path / "d", Path("/p"))
    assert site.public_dir("wine") == tmp_path / "d/wine/prepared/public"
    assert site.private_dir("wine") == Path("/p/wine/prepared/private")


def test_an_unknown_key_names_the_file_and_the_allowed_keys(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('daat = "d"\n')
    with pytest.raises(UserError, match=r"daat.*\n.*data, private, runs"):
        load_site(tmp_path / "site.toml")


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("data = \n")
    with pytest.raises(UserError, match="line 1"):
        load_site(tmp_path / "site.toml")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        load_site(tmp_path / "site.toml")


def test_secrets_come_from_env_file_and_environment_and_never_print(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('OPENAI_API_KEY="sk-file"\nexport GEMINI_API_KEY=g\nOTHER=x\n')
    secrets = load_secrets(tmp_path, {"OPENAI_API_KEY": "sk-env"})
    assert (secrets.get("OPENAI_API_KEY"), secrets.get("GEMINI_API_KEY")) == ("sk-env", "g")
    assert secrets.get("OTHER") is None
    assert "sk-env" not in repr(secrets) + secrets.model_dump_json()


def state(folder: Path) -> ClusterState:
    return ClusterState(
        address="127.0.0.1:6379",
        dashboard="http://127.0.0.1:8265",
        token_path=folder / "token",
        model_secret_path=Path("/secret/models"),
        site=Site().resolved(folder),
        checkout=folder,
        code=folder,
        digest="d",
        temp_dir=folder,
    )


def test_the_state_file_is_private_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "state" / "cluster.json"
    write_state(file, state(tmp_path))
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_state(file) == state(tmp_path)


def test_without_a_cluster_one_is_told_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="podium up"):
        read_state(tmp_path / "cluster.json")


def test_the_environment_names_the_state_file_and_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = ray_environment(state(tmp_path), tmp_path / "cluster.json")
    assert variables["RAY_AUTH_MODE"] == "token"
    assert "RAY_AUTH_TOKEN" not in variables
    monkeypatch.setenv("PODIUM_STATE", variables["PODIUM_STATE"])
    assert default_state_file() == tmp_path / "cluster.json"
