"""What happens to a grading actor, as a driver of its own: `python -m tests.ray.grading_scene STATE` prints what came
of each act as one line of JSON. A program by itself, for Ray settles its authentication once a process."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray

from grading import actor
from grading.order import GradeOrder, GradingTask
from podium.brief import OutputFile, Submission
from podium.errors import PodiumError
from podium.keys import key_hash
from podium.state import NAMESPACE, ClusterState, read_state

GOOD = b"id,y\n2,20.5\n1,10\n3,30\n"
BETTER = b"id,y\n2,20\n1,10\n3,30\n"
LARGE = b"id,y\n" + b"".join(b"%d,0.5\n" % row for row in range(200_000))
SPY = "tests.ray.spy:spy"
CATALOGUE = "tasks.registry:grading_of"
SECONDS = 90


def task(**changes: Any) -> GradingTask:
    plain: dict[str, Any] = {
        "id": "small",
        "grader": "grading.competition:competition",
        "options": {"metric": "mae", "targets": ["y"]},
        "outputs": (OutputFile(),),
        "thresholds": {"gold": 0.1, "silver": 0.1, "bronze": 0.2, "median": 0.5, "lower_is_better": True},
    }
    return GradingTask.model_validate({**plain, **changes})


def order(trial: str, content: bytes = GOOD, **changes: Any) -> GradeOrder:
    files = {"submission.csv": content}
    return GradeOrder(
        trial_id=trial,
        sweep_id="s",
        run_group="g",
        task=task(**changes),
        digest=Submission(files).digest,
        files=files,
    )


def ask(method: str, *arguments: Any) -> Any:
    """Call the grader; while it restarts, again. A PodiumError is given back as its text."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            answer = ray.get(getattr(actor.find_grader(), method).remote(*arguments), timeout=SECONDS)
            return answer.model_dump(mode="json") if hasattr(answer, "model_dump") else answer
        except PodiumError as error:
            return str(error)
        except (ray.exceptions.ActorUnavailableError, ray.exceptions.ActorDiedError):
            if time.monotonic() > deadline:
                raise


def died(asked: GradeOrder) -> bool:
    """Whether the actor died under this order."""
    try:
        ray.get(actor.find_grader().grade.remote(asked), timeout=SECONDS)
    except (ray.exceptions.ActorUnavailableError, ray.exceptions.ActorDiedError):
        return True
    return False


def post(validator: str, key: str, content: bytes, task_id: str = "") -> Any:
    """The JSON of a verdict, or the status of a refusal."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="submission.csv"\r\n\r\n'
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "multipart/form-data; boundary=b"}
    url = f"{validator}/validate/{task_id}".rstrip("/")
    asked = urllib.request.Request(url, head + content + b"\r\n--b--\r\n", headers)
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code


def audit(state: ClusterState) -> list[list[Any]]:
    """Task, status and verdict of every call so far."""
    lines = (state.site.ledger / "audit.jsonl").read_text().splitlines()
    return [[call["task"], call["status"], call["valid"]] for call in map(json.loads, lines)]


def spying(state: ClusterState, strangers: list[Path]) -> dict[str, Any]:
    """What the spy looks for and where it writes: `strangers` lie in the home and in `/var/tmp`.

    `/home` and `/var/tmp` must not be there at all, unless what the actor needs lies below them, as an ordinary user's
    checkout and scratch folder do.
    """
    site, home = state.site, Path.home()
    look = [site.runs, home / ".ssh", home / ".cache", state.checkout.parent / "runs", *strangers]
    needed = [Path(sys.prefix), Path(sys.base_prefix), state.code, site.scratch_dir()]
    for folder in (Path("/home"), Path("/var/tmp")):
        if not any(path.is_relative_to(folder) for path in needed):
            look.append(folder)
    write = [site.private, site.data, site.private_dir("small"), state.code, Path("/usr"), Path("/etc"), site.ledger]
    return {"look": [str(path) for path in look], "write": [str(path) for path in write]}


def play(state: ClusterState) -> dict[str, Any]:
    """Every act, in order."""
    seen: dict[str, Any] = {"address": actor.deploy(state, catalogue=CATALOGUE)}
    seen["good"] = ask("grade", order("good"))
    seen["hostile"] = ask("grade", order("hostile", b"id,y\n1,\xff\n"))
    seen["after hostile"] = ask("grade", order("after hostile"))
    seen["large"] = ask("grade", order("large", LARGE))
    seen["other digest"] = ask("grade", order("good", BETTER))
    with ExitStack() as stack:
        made = [TemporaryDirectory(prefix="podium-bait-", dir=folder) for folder in (Path.home(), "/var/tmp")]
        strangers = [Path(stack.enter_context(one)) for one in made]
        view = order("view", grader=SPY, options=spying(state, strangers))
        seen["view"] = json.loads(ask("grade", view)["message"])
    ask("register", key_hash("key"), task())
    seen["valid"] = post(seen["address"], "key", GOOD)
    seen["invalid"] = post(seen["address"], "key", b"id,z\n1,2\n")
    seen["stranger"] = post(seen["address"], "another", GOOD)
    seen["not prepared"] = post(seen["address"], "key", GOOD, "wine")
    seen["unknown"] = post(seen["address"], "key", GOOD, "vine")
    seen["audit"] = audit(state)
    deadly = order("deadly", grader=SPY, options={"die_once": str(state.site.ledger / "died")})
    seen["died"] = died(deadly)
    seen["good again"] = ask("grade", order("good"))
    seen["deadly again"] = ask("grade", deadly)
    seen["address again"] = ask("address")
    seen["valid again"] = post(seen["address"], "key", GOOD)
    seen["rows"] = [json.loads(row)["trial_id"] for row in ask("rows", "g")]
    actor.deploy(state.model_copy(update={"digest": "second"}))
    seen["replaced"] = ask("digest")
    seen["good from the second"] = ask("grade", order("good"))
    return seen


if __name__ == "__main__":
    standing = read_state(Path(sys.argv[1]))
    ray.init(standing.address, namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR")
    print(json.dumps(play(standing)))
