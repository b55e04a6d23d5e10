"""The keeper: a process of ours that owns one sandbox, between its user and the code inside.

Started by `containers.bubblewrap` with pipes as standard input and output. When its owner dies the input ends, and
it takes everything with it; when it is killed itself, the kernel does (parent-death signals, a private mount
namespace, self-freeing loop devices), and only empty control groups stay for the owner or the next start to sweep.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from containers import channel
from containers.channel import Closed
from containers.keeper import OWNER, Keeper, KeeperOrder
from podium.errors import PodiumError, UserError


def serve(replies: int) -> None:
    """Open one sandbox as the owner's first message says, then answer each further one, until the owner is gone."""
    keeper: Keeper | None = None
    try:
        order, _ = channel.receive(OWNER)
        keeper = Keeper(KeeperOrder.model_validate(order))
        group = keeper.group
        folders = {name: str(path) for name, path in group.folders.items()} if group else {}
        about = {"name": group.name, "version": group.version, "folders": folders} if group else None
        channel.send(replies, {"unbounded": keeper.unbounded, "group": about, "storage": keeper.storage})
        while True:
            request, blobs = channel.receive(OWNER)
            try:
                pipes = channel.take(OWNER, 2) if request["converse"] else ()
                execution, files = keeper.execute(request, blobs, pipes)
            except UserError as error:
                _refuse(replies, error)
            else:
                message = {"execution": execution.model_dump(mode="json", exclude={"files"}), "names": list(files)}
                channel.send(replies, message, list(files.values()))
            keeper.tidy()
    except Closed:
        pass
    except PodiumError as error:
        with suppress(Closed):
            _refuse(replies, error)
    finally:
        if keeper is not None:
            keeper.close()


def _refuse(replies: int, error: PodiumError) -> None:
    channel.send(replies, {"error": type(error).__name__, "message": error.message, "remedy": error.remedy})


def _stop(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def main() -> None:
    """Standard output becomes standard error, so that only messages reach the owner."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    replies = os.dup(1)
    os.dup2(2, 1)
    serve(replies)


if __name__ == "__main__":
    main()
