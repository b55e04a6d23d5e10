"""Executors and agent actors on a real Ray: the jail runs code, deaths are survived, what is over is given back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import ray
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.actor import start_agent
from agents.executor import open_executor
from agents.order import AttemptOrder
from agents.trial import COLLECT
from containers import backends
from podium.errors import InfrastructureFailure, Unavailable
from podium.records import AttemptRecord, Cause
from podium.spec import Limits
from podium.state import ClusterState
from tests.unit.offstage import order_for

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture
def order(driver: ClusterState, tmp_path: Path) -> AttemptOrder:
    """An order whose sandbox is the default one; skips, with the reason, where that cannot run."""
    scratch = driver.site.scratch_dir()
    try:
        backends.choose("bubblewrap", scratch)
    except Unavailable as error:
        pytest.skip(str(error))
    public = driver.site.data / tmp_path.name
    public.mkdir(parents=True)
    (public / "sample_submission.csv").write_text("id,y\n1,0\n2,0\n")
    made = order_for(tmp_path / "0", "agents.sample:Sample")
    trial = made.trial.model_copy(update={"limits": Limits(memory_mb=1024)})
    return made.model_copy(update={"trial": trial, "data": public, "scratch": scratch})


def test_an_executor_runs_code_in_its_jail_and_is_gone_when_it_is_closed(order: AttemptOrder) -> None:
    async def story() -> None:
        executor = await open_executor(order)
        assert (executor.facts.sandbox, executor.facts.host != "") == ("bubblewrap", True)
        program = "open('submission/a.txt', 'w').write('x'); print(open('input/sample_submission.csv').read())"
        run = await executor.execute(program, 30, COLLECT)
        assert (run.output.split()[0], run.files["submission/a.txt"]) == ("id,y", b"x")
        await executor.close()
        with pytest.raises(InfrastructureFailure):
            await executor.execute("print(1)", 30, COLLECT)

    asyncio.run(story())


def test_a_sandbox_that_this_host_cannot_open_says_what_to_do(order: AttemptOrder) -> None:
    nowhere = order.model_copy(update={"scratch": order.attempt_dir / "nowhere"})
    with pytest.raises(Unavailable, match="rootfs"):
        asyncio.run(open_executor(nowhere))


def test_an_executor_that_is_killed_is_an_infrastructure_failure(order: AttemptOrder) -> None:
    async def story() -> None:
        executor = await open_executor(order)
        running = asyncio.create_task(executor.execute("import time; time.sleep(60)", 60, COLLECT))
        await asyncio.sleep(0)
        ray.kill(executor._handle)
        with pytest.raises(InfrastructureFailure, match="died"):
            await running
        await executor.close()

    asyncio.run(story())


def run_in_actor(order: AttemptOrder) -> AttemptRecord:
    """The order's attempt in an agent actor, with a validator that finds everything valid."""

    async def valid(request: web.Request) -> web.Response:
        return web.json_response({"result": "Submission is valid."})

    async def story() -> AttemptRecord:
        app = web.Application()
        app.router.add_post("/validate", valid)
        async with TestServer(app) as server:
            asked = order.model_copy(update={"validator": str(server.make_url("/"))})
            actor = start_agent(name="agent:sample:made")
            try:
                record: AttemptRecord = await actor.run.remote(asked)
                assert await actor.progress.remote() == {}
                return record
            finally:
                ray.kill(actor)

    return asyncio.run(story())


def test_an_agent_actor_brings_an_order_to_its_record(order: AttemptOrder) -> None:
    record = run_in_actor(order)
    assert record.cause is Cause.OK, record.message
    assert (record.sandbox, record.executions, record.steps) == ("bubblewrap", 1, 1)
    assert (order.attempt_dir / "submission" / "submission.csv").read_text() == "id,y\n1,0\n2,0\n"
