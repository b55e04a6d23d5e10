"""The benchmark's grading server, request by request over real HTTP: our status, JSON and verdict are its own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from grading.parse import OpenParser
from grading.registration import open_door
from grading.validator import VALID, Validator
from podium.settings import Site
from tasks import registry
from tests.unit.test_oracle_metrics import ANSWERS, CASES, lines
from tests.unit.validator_server import Answer, Served, as_file, serve, upload

INVALID = "Submission invalid! "
SERVER = lines("server_cases.jsonl")
NO_SUBMISSION = {
    "get": None,
    None: None,
    "empty_body": b"",
    "wrong_field": upload(("other", "submission.csv", b"id\n1\n")),
}


def name(case: dict[str, Any]) -> str:
    return f"{case['competition_id']}-{'prepared' if case['data_dir_prepared'] else 'not'}-{case['case']}"


def submission(competition: str, case: str) -> str:
    """The recorded submission of that name; for three that are not recorded here, one that is what its name says."""
    if case == "zero_byte_file":
        return ""
    if case == "missing_id_column":
        place = registry.benchmark(competition).outputs()[0].columns[0].name
        rows = list(csv.DictReader(io.StringIO(submission(competition, "gold"))))
        names = [column for column in rows[0] if column != place]
        return "\n".join([",".join(names), *(",".join(row[column] for column in names) for row in rows), ""])
    recorded = "noisy_reversed_rows" if case == "noisy" else case
    return next(str(found["submission_csv"]) for found in CASES[competition] if found["case"] == recorded)


def prepared(site: Site, competition: str) -> None:
    """The competition's two halves, with the best submission as the sample."""
    row = registry.benchmark(competition).row
    for folder, file, text in (
        (site.public_dir(competition), row.sample, submission(competition, "gold")),
        (site.private_dir(competition), row.answers, str(ANSWERS[competition]["text"])),
    ):
        folder.mkdir(parents=True)
        (folder / file).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, bool], Served]]:
    """One server for each competition, with its data and without."""
    with ExitStack() as stack:
        found = {}
        for competition, ready in dict.fromkeys((case["competition_id"], case["data_dir_prepared"]) for case in SERVER):
            folder: Path = tmp_path_factory.mktemp("server")
            site = Site(data=folder, private=folder)
            if ready:
                prepared(site, competition)
            task = registry.benchmark(competition).grading(site)
            asked = Validator(site, open_door(task), OpenParser())
            found[competition, ready] = stack.enter_context(serve(asked, folder / "ledger"))
        yield found


def ask(served: Served, case: dict[str, Any]) -> Answer:
    """The recorded request."""
    kind = case["submission_case"]
    if kind in NO_SUBMISSION:
        return served.ask(NO_SUBMISSION[kind], "", case["method"], case["path"])
    return served.ask(as_file(submission(case["competition_id"], kind).encode()), "", case["method"], case["path"])


@pytest.mark.parametrize("case", SERVER, ids=name)
def test_a_request_is_answered_as_by_the_benchmark(case: dict[str, Any], servers: dict[Any, Served]) -> None:
    answer = ask(servers[case["competition_id"], case["data_dir_prepared"]], case)
    assert answer.status == case["status"]
    assert case["allow"] is None or answer.headers["Allow"] == case["allow"]
    assert answer.body.endswith("}\n")
    if case["content_type"] == "application/json":
        theirs = json.loads(case["body"])
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json) == set(theirs)
        assert verdict(answer.json) == verdict(theirs)


def verdict(answer: dict[str, str]) -> dict[str, str]:
    """The answer without what only its words say."""
    said = {key: value for key, value in answer.items() if key != "details"}
    if said.get("result", VALID) != VALID:
        assert said["result"].startswith(INVALID)
        said["result"] = INVALID
    return said
