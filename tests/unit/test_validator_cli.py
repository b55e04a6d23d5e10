"""`podium validator`: the same endpoint without a cluster, as a process of its own."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from podium.settings import CHECKOUT, Site
from tests.unit.test_oracle_server import prepared
from tests.unit.validator_server import Answer, Served, as_file

COMPETITION = "spaceship-titanic"
SECONDS = 60


@dataclass
class Running:
    """A started validator."""

    process: subprocess.Popen[str]
    port: int
    said: list[str]
    ledger: Path

    def ask(self, key: str = "", path: str = "/validate") -> Answer:
        return Served(self.port, self.ledger).ask(as_file(b"id\n1\n"), key, path=path)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def command(*options: str | Path) -> list[str]:
    return [sys.executable, "-m", "podium", "validator", "--sandbox", "local", *map(str, options)]


@contextmanager
def running(folder: Path, *options: str | Path) -> Iterator[Running]:
    """One with data, ledger and log below `folder`; it has said where it is."""
    (folder / "site.toml").write_text(f'ledger = "{folder}/ledger"\nscratch = "{folder}/scratch"\n')
    (folder / "data").mkdir(exist_ok=True)
    (folder / "scratch").mkdir(exist_ok=True)
    asked = command("--site", folder / "site.toml", "--data-dir", folder / "data", "--port", "0", *options)
    with subprocess.Popen(asked, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(3)]
        try:
            port = int(said[0].split("/validate")[0].rsplit(":", 1)[1])
            yield Running(process, port, said, folder / "ledger" / f"validator-{port}")
        finally:
            process.kill()


def test_it_makes_a_key_says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    prepared(Site(data=tmp_path / "data", private=tmp_path / "data"), COMPETITION)
    with running(tmp_path, "-c", COMPETITION) as validator:
        key_file = Path(validator.said[1].split()[1])
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        key = key_file.read_text().strip()
        assert validator.ask().status == 401
        assert validator.ask(key).json["result"].startswith("Submission invalid!")
        assert validator.ask(key, f"/validate/{COMPETITION}").status == 200
        assert validator.ask(key, "/validate/wine").status == 500
        assert validator.end() == 0
    lines = (validator.ledger / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == [401, 200, 200, 500]


def test_without_a_key_and_without_a_competition_one_is_told_to_name_it(tmp_path: Path) -> None:
    with running(tmp_path, "--no-key") as validator:
        answer = validator.ask()
        assert (answer.status, answer.json["details"]) == (404, "Ask /validate/COMPETITION.")
        assert validator.ask(path=f"/validate/{COMPETITION}").status == 500


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--no-key", "--host", "0.0.0.0"], "can be reached from elsewhere"),
        (["--no-key", "--key-file", "key"], "Give one of them"),
        (["--data-dir", "nowhere"], "There is no data directory"),
        (["--data-dir", ".", "-c", "spaceship-titanik"], "Did you mean spaceship-titanic?"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(options: list[str], words: str, tmp_path: Path) -> None:
    done = subprocess.run(command(*options), cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x" * 64)
    key.chmod(0o644)
    (tmp_path / "site.toml").write_text('ledger = "ledger"\ndata = "."\n')
    asked = command("--site", tmp_path / "site.toml", "--port", "0", "--key-file", key)
    done = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert f"chmod 600 {key}" in done.stderr
