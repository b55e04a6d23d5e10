"""What a running cluster says of itself over HTTP: which services answer, which jobs run. Needs no Ray."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cluster.processes import is_alive, read_process
from podium.errors import Unavailable
from podium.placement import Role
from podium.records import Record
from podium.state import ClusterState

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it for a submitted job's driver; its metadata hold the submission's id."""
OWN_JOB_VARIABLE = "PODIUM_OWN_JOB"
"""The submission for which a process works that is not its driver."""


class Part(Record):
    """One part of the cluster: a role's host or a service."""

    name: str
    alive: bool
    address: str = ""
    detail: str = ""


def parts(state: ClusterState) -> list[Part]:
    """Every role and every service with whether it lives; a service lives when it answers."""
    hosts = {host.role: host for host in state.hosts}
    found = []
    for role in Role:
        host = hosts.get(role)
        found.append(
            Part(
                name=role,
                alive=host is not None and is_alive(host),
                detail=f"pid {host.pid}" if host else "not started",
            )
        )
    found.append(_service("dashboard", state.dashboard, "/api/gcs_healthz"))
    found.append(_service("models", f"http://127.0.0.1:{state.serve_port}", "/-/healthz"))
    found += _models(state)
    found.append(_service("gateway", state.gateway.removesuffix("/v1"), "/health", shown=state.gateway))
    found.append(_service("grader", state.validator, "/health"))
    return found


def _models(state: ClusterState) -> list[Part]:
    """Each model that Serve runs; none where it does not say."""
    try:
        applications = serve_details(state).get("applications") or {}
    except (Unavailable, ValueError, OSError):
        return []
    return [model_part(name, application) for name, application in sorted(applications.items())]


def model_part(name: str, application: Mapping[str, Any]) -> Part:
    """One model, from Serve's details of its application: whether it runs or comes, and its replicas by state."""
    replicas = [
        replica["state"]
        for deployment in (application.get("deployments") or {}).values()
        for replica in deployment.get("replicas") or ()
    ]
    counted = ", ".join(f"{replicas.count(state)} {state.lower()}" for state in sorted(set(replicas)))
    status = str(application["status"])
    detail = f"{status.lower()}, replicas: {counted or 'none'}"
    return Part(name=f"model {name}", alive=status in ("RUNNING", "DEPLOYING"), detail=detail)


def running_jobs(state: ClusterState) -> list[str]:
    """The live drivers besides this process and its parents, by submission id (or Ray's job id). Raises Unavailable."""
    return others(_ask(state, "/api/jobs/"), own_submission(os.environ), _lineage(os.getpid()))


def serve_details(state: ClusterState) -> dict[str, Any]:
    """What Ray Serve says of its applications (ray.serve.schema.ServeInstanceDetails). Raises Unavailable."""
    return dict(_ask(state, "/api/serve/applications/"))


def _ask(state: ClusterState, path: str) -> Any:
    """The dashboard's answer as JSON. Raises Unavailable."""
    token = state.token_path.read_text().strip()
    try:
        status, body = _get(f"{state.dashboard}{path}", {"Authorization": f"Bearer {token}"}, seconds=60.0)
    except OSError as error:
        raise Unavailable(
            f"The dashboard at {state.dashboard} does not answer: {error}.", "See `podium status`."
        ) from None
    if status != 200:
        raise Unavailable(f"The dashboard at {state.dashboard} answers {status}.", "See `podium status`.")
    return json.loads(body)


def others(jobs: list[dict[str, Any]], own_submission: str, own_pids: set[int]) -> list[str]:
    """Names of the jobs that are pending or running and not our own. `jobs` as Ray's Jobs API gives them."""
    names = []
    for job in jobs:
        pid = int((job.get("driver_info") or {}).get("pid") or 0)
        own = (own_submission and job.get("submission_id") == own_submission) or pid in own_pids
        if job.get("status") in ("PENDING", "RUNNING") and not own:
            names.append(str(job.get("submission_id") or f"driver {job.get('job_id')}"))
    return sorted(names)


def own_submission(environment: Mapping[str, str]) -> str:
    """Id of the submission that a process with this environment works for; empty: none."""
    if environment.get(OWN_JOB_VARIABLE):
        return environment[OWN_JOB_VARIABLE]
    config = json.loads(environment.get(JOB_VARIABLE) or "{}")
    return str((config.get("metadata") or {}).get("job_submission_id", ""))


def _lineage(pid: int) -> set[int]:
    """The process and all its ancestors."""
    found: set[int] = set()
    while pid > 1 and pid not in found and (process := read_process(pid)):
        found.add(pid)
        pid = process.parent
    return found


def _service(name: str, base: str, path: str, shown: str = "") -> Part:
    if not base:
        return Part(name=name, alive=False, detail="not deployed")
    try:
        status, _ = _get(base + path, {})
    except OSError as error:
        return Part(name=name, alive=False, address=shown or base, detail=str(error))
    return Part(name=name, alive=status == 200, address=shown or base, detail="" if status == 200 else f"HTTP {status}")


def _get(url: str, headers: Mapping[str, str], seconds: float = 5.0) -> tuple[int, bytes]:
    parsed = urlsplit(url)
    connection = http.client.HTTPConnection(parsed.hostname or "", parsed.port or 80, timeout=seconds)
    try:
        connection.request("GET", parsed.path or "/", headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
