"""Downloads from Kaggle: the real `kaggle` package in a process of its own, against a stand-in (kaggle_server.py).

The stand-in speaks Kaggle's protocol as far as the package uses it here; the real Kaggle was not asked.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import pty
import random
import subprocess
import sys
import termios
import time
import zipfile
from pathlib import Path

import pytest

from podium.errors import UserError
from podium.settings import CHECKOUT
from tasks.preparing import plain_tables
from tasks.preparing.download import check_archive
from tests.unit.kaggle_server import KEY, TOKEN, USER, Kaggle, kaggle_server
from tests.unit.raw_data import SPACESHIP, below, cases, texts

LEGACY = {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}
CHUNK = 1 << 20
"""The package writes in chunks of this size."""


@functools.cache
def archive(padding: int = 0) -> bytes:
    """The recorded raw files as an archive, with a file of random bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name, text in cases()[SPACESHIP]["raw"].items():
            opened.writestr(name, text)
        opened.writestr("padding.bin", random.Random(0).randbytes(padding))
    return packed.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "D"
    folder.mkdir()
    return folder


def command(data: Path, *words: str) -> list[str]:
    script = str(CHECKOUT / "jobs" / "prepare.py")
    return [sys.executable, script, "-c", SPACESHIP, "--data-dir", str(data), "--keep-raw", *words]


def prepare(kaggle: Kaggle, data: Path, *words: str, **credentials: str) -> subprocess.CompletedProcess[str]:
    environment = kaggle.environment(data.parent, **credentials)
    return subprocess.run(
        command(data, *words), cwd=data, env=environment, capture_output=True, text=True, check=False, timeout=200
    )


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A competition's folder after a download that went well."""
    data = tmp_path_factory.mktemp("downloaded") / "D"
    data.mkdir()
    with kaggle_server(archives={SPACESHIP: archive()}) as kaggle:
        done = prepare(kaggle, data, "--skip-verification", **LEGACY)
    assert done.returncode == 0, done.stderr
    return data / SPACESHIP


def test_an_archive_is_downloaded_and_prepared(downloaded: Path) -> None:
    assert texts(downloaded / "prepared/private") == cases()[SPACESHIP]["private"]
    assert (downloaded / f"{SPACESHIP}.zip").read_bytes() == archive()
    assert not (downloaded / ".download").exists()


def test_what_is_downloaded_is_closed_to_others_for_it_holds_the_answers(downloaded: Path) -> None:
    assert [(downloaded / name).stat().st_mode & 0o077 for name in (f"{SPACESHIP}.zip", "raw")] == [0, 0]


@pytest.mark.parametrize("place", ["kaggle.json", "access_token", "KAGGLE_CONFIG_DIR", "KAGGLE_API_TOKEN"])
def test_credentials_are_found_in_their_usual_places(data: Path, place: str) -> None:
    folder, variables = data.parent / ".kaggle", {}
    if place == "KAGGLE_CONFIG_DIR":
        folder = data.parent / "elsewhere"
        variables[place] = str(folder)
    folder.mkdir()
    if place == "KAGGLE_API_TOKEN":
        variables[place] = TOKEN
    elif place == "access_token":
        (folder / place).write_text(TOKEN)
    else:
        (folder / "kaggle.json").write_text(json.dumps({"username": USER, "key": KEY}))
        (folder / "kaggle.json").chmod(0o600)
    with kaggle_server(archives={SPACESHIP: archive()}, listed_bytes=10**18) as kaggle:
        done = prepare(kaggle, data, **variables)
    assert "needs about 3.0 EB" in done.stderr, "Kaggle listed the files"


def test_no_credentials_are_a_sentence_that_says_where_to_put_some(data: Path) -> None:
    with kaggle_server(archives={SPACESHIP: archive()}) as kaggle:
        done = prepare(kaggle, data)
    assert done.returncode == 1
    assert "No valid credentials for Kaggle were found" in done.stderr
    assert "~/.kaggle/access_token" in done.stderr
    assert (done.stdout, kaggle.asked) == ("", [])


def test_wrong_credentials_are_said_to_be_refused(data: Path) -> None:
    with kaggle_server(archives={SPACESHIP: archive()}) as kaggle:
        done = prepare(kaggle, data, KAGGLE_USERNAME=USER, KAGGLE_KEY="wrong")
    assert done.returncode == 1
    assert "Kaggle refused the credentials" in done.stderr


def test_rules_that_were_not_accepted_name_the_page_where_to_accept_them(data: Path) -> None:
    with kaggle_server(archives={SPACESHIP: archive()}, accepted=False) as kaggle:
        done = prepare(kaggle, data, **LEGACY)
    assert done.returncode == 1
    assert "https://www.kaggle.com/c/spaceship-titanic/rules" in done.stderr
    assert "Traceback" not in done.stderr


def test_data_that_kaggle_no_longer_gives_are_a_sentence(data: Path) -> None:
    with kaggle_server() as kaggle:
        done = prepare(kaggle, data, **LEGACY)
    assert done.returncode == 1
    assert "has no data of spaceship-titanic" in done.stderr


def test_room_is_asked_for_before_anything_is_downloaded(data: Path) -> None:
    with kaggle_server(archives={SPACESHIP: archive()}, listed_bytes=10**18) as kaggle:
        done = prepare(kaggle, data, **LEGACY)
    assert done.returncode == 1
    assert "needs about 3.0 EB" in done.stderr
    assert kaggle.asked == ["POST ListDataFiles"]
    assert below(data / SPACESHIP) == ["prepared"]


def test_another_archive_than_the_benchmarks_is_refused_and_kept_for_who_wants_it(data: Path) -> None:
    with kaggle_server(archives={SPACESHIP: archive()}) as kaggle:
        refused = prepare(kaggle, data, **LEGACY)
        assert refused.returncode == 1
        assert "--skip-verification" in refused.stderr
        assert not (data / SPACESHIP / f"{SPACESHIP}.zip").exists()
        assert prepare(kaggle, data, "--skip-verification", **LEGACY).returncode == 0


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(data: Path) -> None:
    whole = archive(3 * CHUNK)
    with kaggle_server(archives={SPACESHIP: whole}, cut_after=2 * CHUNK + 7) as kaggle:
        prepare(kaggle, data, **LEGACY)
    assert [asked for asked in kaggle.asked if asked.startswith("GET")] == [
        f"GET /{SPACESHIP}.zip 0", f"GET /{SPACESHIP}.zip {2 * CHUNK}",
    ]  # fmt: skip
    assert aside(data).read_bytes() == whole


def test_a_killed_download_is_gone_on_with_by_the_next_call(data: Path) -> None:
    whole = archive(3 * CHUNK)
    with kaggle_server(archives={SPACESHIP: whole}, hold_after=2 * CHUNK + 7) as kaggle:
        environment = kaggle.environment(data.parent, **LEGACY)
        with subprocess.Popen(command(data), cwd=data, env=environment, stderr=subprocess.DEVNULL) as first:
            deadline = time.monotonic() + 60
            while not (aside(data).is_file() and os.path.getsize(aside(data)) >= 2 * CHUNK):
                assert time.monotonic() < deadline, "the download did not begin"
                assert first.poll() is None, "the download ended"
                time.sleep(0.02)
            first.kill()
        kaggle.go_on.set()
        prepare(kaggle, data, **LEGACY)
    assert kaggle.asked[-1] == f"GET /{SPACESHIP}.zip {2 * CHUNK}"
    assert aside(data).read_bytes() == whole


def aside(data: Path) -> Path:
    """Where a download lies that is not finished, or that is whole but not the benchmark's archive."""
    return data / SPACESHIP / ".download" / f"{SPACESHIP}.zip"


def test_a_terminal_sees_a_progress_bar(data: Path) -> None:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    with kaggle_server(archives={SPACESHIP: archive(CHUNK)}) as kaggle:
        environment = kaggle.environment(data.parent, **LEGACY)
        subprocess.run(command(data), cwd=data, env=environment, stdout=slave, stderr=slave, check=False, timeout=200)
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError), os.fdopen(master, "rb", buffering=0) as terminal:
        while block := terminal.read(4096):
            seen += block
    assert b"100%" in seen


def test_a_damaged_download_is_removed_and_said(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(archive(CHUNK).replace(b"True", b"Treu", 1))
    with pytest.raises(UserError, match=r"train\.csv is damaged"):
        check_archive(file, plain_tables.tables()[SPACESHIP].zip, verify=False)
    assert not file.exists()
