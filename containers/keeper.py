"""One sandbox from outside: its namespaces, control group, workspace and jail, and each execution in it.

Lives in the keeper process (`containers.supervisor`), which is root if its owner is.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from containers import cgroup, collect, launcher, seccomp, stage, workspace
from containers.jail import Jail
from containers.report import exception, parse
from containers.sandbox import DATA, Ended, Execution, Usage
from containers.verdict import Seen, judge
from containers.watchdog import Watchdog, Watched
from podium.errors import PodiumError
from podium.spec import Limits, Spec

OWNER = 0
FIRST_UID, UIDS = 64_000, 1_000
"""Host user ids, of nobody and in no group, that sandboxes started by root become."""
FURNITURE = ("submission", "working")
"""Empty folders that programs written for MLE-bench's agents expect in their working directory."""
SPARE_FORKS = 16
"""Between the control group's process limit and the resource limit behind it."""
SPARE_DATA = 256 << 20


class KeeperOrder(Spec):
    """What a keeper is started with; paths are absolute."""

    bwrap: str
    rootfs: Path
    data: Path | None
    scratch: Path
    limits: Limits
    max_collect_mb: int
    warm: tuple[str, ...] | None = None
    """Libraries to import beforehand; None: those that agents use."""
    needed: tuple[Path, ...]
    """Paths that the stage may not cover."""


class Keeper:
    """One sandbox's namespaces, group, workspace and jail."""

    def __init__(self, order: KeeperOrder) -> None:
        self.limits, self._order = order.limits, order
        self.uid = FIRST_UID + os.getpid() % UIDS if os.geteuid() == 0 else os.geteuid()
        self._filter = seccomp.program()
        self._jail: Jail | None = None
        self._broken = False
        hierarchies = cgroup.find()
        cgroup.sweep(hierarchies)
        self.group = cgroup.create(hierarchies, os.getpid())
        try:
            self._set_up(order)
        except BaseException:
            self.close()
            raise

    def _set_up(self, order: KeeperOrder) -> None:
        self._enter()
        place = stage.choose(order.needed)
        self._stage = stage.Stage(place, order.rootfs, order.data, self.uid)
        self.storage = workspace.mount(self._stage.work, self.limits, order.scratch, self.uid)
        self._work = os.open(self._stage.work, os.O_RDONLY | os.O_DIRECTORY)
        self._cpus = self._pinned()
        self._warm_up()

    def _enter(self) -> None:
        """Namespaces of our own; a root without CAP_SYS_ADMIN goes on as the unprivileged user."""
        try:
            stage.enter()
        except PodiumError:
            if os.geteuid() != 0:
                raise
            launcher.drop_root(self.uid)
            stage.enter()

    def _has(self, controller: str) -> bool:
        return self.group is not None and controller in self.group.folders

    def _pinned(self) -> tuple[int, ...]:
        """CPUs to stay on where no group shares them out."""
        if self._has("cpu"):
            return ()
        own = sorted(os.sched_getaffinity(0))
        count = min(len(own), max(1, math.ceil(self.limits.cpus)))
        return tuple(random.SystemRandom().sample(own, count))

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Limits that hold only roughly here, and why."""
        rough = {
            "memory_mb (polled)": not self._has("memory"),
            "cpus (pinned to whole ones)": not self._has("cpu"),
        }
        return tuple(name for name, is_rough in rough.items() if is_rough)

    def _warm_up(self) -> Jail:
        """The jail, started if there is none."""
        if self._jail is not None:
            return self._jail
        limits = self.limits
        if self.group is not None:
            self.group.bound(limits.memory_mb, limits.processes + 256, limits.cpus)
        launch = launcher.Launch(
            bwrap=self._order.bwrap,
            root=self._stage.root,
            data=self._stage.data,
            work=self._stage.work,
            program=self._stage.program,
            tmp_bytes=limits.memory_mb << 19,
            shm_bytes=limits.memory_mb << 19 if limits.shm_mb is None else limits.shm_mb << 20,
            environment=launcher.environment(limits.cpus),
            warm=launcher.warm(limits.memory_mb) if self._order.warm is None else self._order.warm,
            uid=self.uid,
            cgroup_procs=self.group.procs if self.group else (),
            cpus=self._cpus,
        )
        self._jail = Jail(launch, self._filter)
        if self.group is not None:
            self.group.bound(limits.memory_mb, limits.processes + self.group.processes_now(), limits.cpus)
        return self._jail

    def _cool(self) -> None:
        if self._jail is not None:
            self._jail.stop()
            self._jail = None

    def close(self) -> None:
        """End what is inside and remove the group; mounts go with this process. May be called twice."""
        self._cool()
        if self.group is not None:
            self.group.remove()

    def execute(
        self, request: dict[str, Any], blobs: list[bytes], pipes: Sequence[int] = ()
    ) -> tuple[Execution, dict[str, bytes]]:
        """Run one program (the first blob; the others are the files named) and collect what it left.

        With two `pipes`, which are closed here, it answers questions over them for as long as there are any.
        """
        jail = self._warm_up()
        self._lay_out(dict(zip(request["files"], blobs[1:], strict=True)), blobs[0])
        before = self.group.counters() if self.group else cgroup.Counters()
        if self.group:
            self.group.reset_peak()
        polled = None if self._has("memory") else (*jail.shared, *((self._work,) if self.storage == "tmpfs" else ()))
        watchdog = Watchdog(jail, self.limits, polled, OWNER)
        jail.order(self._rlimits(jail, bool(pipes)), pipes)
        for pipe in pipes:
            os.close(pipe)
        watched = watchdog.follow(math.inf if pipes else min(request["seconds"], self.limits.seconds))
        if not jail.settle() or watched.answer is None:
            self._silence(jail)
        watchdog.drain(watched)
        after = self.group.counters() if self.group else cgroup.Counters()
        execution = self._record(watched, before, after)
        collected = collect.collect(self._work, request["collect"], self._bounds(), ignore=self._furniture())
        execution = execution.model_copy(update={"dropped": tuple(collected.dropped)})
        return execution, collected.files

    def _silence(self, jail: Jail) -> None:
        """The interpreter is gone or something stays: end the namespace, but keep the pipes for what is in them."""
        if jail.processes is not None:
            jail.processes.end()
            while jail.processes.all():
                time.sleep(0.001)
        self._broken = True

    def tidy(self) -> None:
        """Empty everything writable, and be warm for the next program. Raises OSError, Unavailable."""
        if self._broken:
            self._cool()
            self._broken = False
        workspace.empty(self._work, 0o755)
        for folder in self._jail.shared if self._jail else ():
            workspace.empty(folder, 0o1777)
        self._warm_up()

    def _furniture(self) -> tuple[str, ...]:
        """What `_lay_out` put into the workspace, where it is still that."""
        with suppress(OSError):
            if os.readlink(workspace.INPUT, dir_fd=self._work) == DATA:
                return (workspace.INPUT,)
        return ()

    def _lay_out(self, files: dict[str, bytes], program: bytes) -> None:
        self._stage.solution.write_bytes(program)
        workspace.fill(self._work, files, self.uid)
        workspace.make_folders(self._work, FURNITURE, self.uid)
        with suppress(FileExistsError):
            os.symlink(DATA, workspace.INPUT, dir_fd=self._work)

    def _rlimits(self, jail: Jail, converses: bool) -> dict[str, int]:
        """`converses`: a fork that wants too much memory is to be told so, not to be killed, for it is not alone."""
        limits = self.limits
        spare = SPARE_FORKS if self._has("pids") else 0
        result = {
            "NPROC": limits.processes + jail.threads + 1 + spare,
            "FSIZE": limits.file_mb << 20,
            "NOFILE": 4096,
            "CORE": 0,
            "MEMLOCK": 1 << 20,
            "MSGQUEUE": 0,
        }
        if not self._has("memory"):
            result["DATA"] = (limits.memory_mb << 20) + SPARE_DATA
        if converses:
            result["DATA"] = (limits.memory_mb << 20) * 7 // 8
        return result

    def _bounds(self) -> collect.Bounds:
        total = self._order.max_collect_mb << 20
        return collect.Bounds(total, min(total, self.limits.file_mb << 20), self.limits.files)

    def _record(self, watched: Watched, before: cgroup.Counters, after: cgroup.Counters) -> Execution:
        said = parse(bytes(watched.report))
        state = os.fstatvfs(self._work)
        shared = [os.fstatvfs(folder) for folder in (self._jail.shared if self._jail else ())]
        if watched.stopped is None and len(watched.output) > self.limits.output_bytes:
            watched.stopped = Ended.OUTPUT
        answer = watched.answer or {}
        verdict = judge(
            Seen(
                stopped=watched.stopped,
                status=answer.get("status"),
                hints=said.hints,
                raised=said.raised,
                oom_kills=after.oom_kills - before.oom_kills,
                forks_refused=after.forks_refused - before.forks_refused,
                bytes_left=state.f_bavail * state.f_frsize,
                inodes_left=state.f_favail,
                tmp_left=min((one.f_bavail * one.f_frsize for one in shared), default=1 << 40),
            )
        )
        peak = (self.group.peak_bytes() if self.group else 0) or watched.peak_bytes
        usage = Usage(
            seconds=round(watched.seconds, 4),
            cpu_seconds=round(after.cpu_seconds - before.cpu_seconds or answer.get("cpu", 0.0), 4),
            memory_mb=round((peak or answer.get("rss_kb", 0) << 10) / (1 << 20), 1),
            output_bytes=len(watched.output),
        )
        return Execution(
            ended=verdict.ended,
            detail=verdict.detail,
            exit_code=verdict.exit_code,
            signal=verdict.signal,
            output=bytes(watched.output[: self.limits.output_bytes]).decode("utf-8", "replace"),
            exception=exception(said),
            usage=usage,
        )
