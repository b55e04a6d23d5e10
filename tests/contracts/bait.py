"""Bait: one secret, laid out on the host in every place from which a sandboxed program could take it.

Everything belongs to the user that the sandboxes run as and is open to all, so that nothing but the sandbox holds
a program off. It lies in many folders, also in such as no sandbox hides by accident.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from multiprocessing import shared_memory
from pathlib import Path

from tests.contracts.bare import Person

FOLDERS = ("/var/tmp", "/tmp", "/dev/shm", "/srv", "/opt", "/var/lib", "/run", "/home", "/mnt")
HOLDER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))  # whoever may trace: also under Yama
kept = ctypes.create_string_buffer(os.environ["PODIUM_BAIT"].encode())
print(ctypes.addressof(kept), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Bait:
    """Where the secret lies; goes to the attacks as JSON."""

    token: str
    secret: str
    files: list[str]
    folders: list[str]
    sockets: list[str]
    setuid: list[str]
    pid: int
    address: int
    """Of the secret in the memory of process `pid`."""
    tcp: int
    udp: int
    abstract: str
    addresses: list[str]
    interfaces: list[str]
    key: int
    """Of System V shared memory and message queue."""
    segment: int
    shared: str
    queue: str
    hostname: str
    home: Path
    """The first of the folders with bait: on the disk, where a program of the same user may work."""
    devices: list[str] = field(default_factory=lambda: ["kmsg", "loop-control", "loop0", "fuse", "vda", "sda", "kvm"])
    numbers: list[tuple[str, int]] = field(
        default_factory=lambda: [("c", os.makedev(1, 11)), ("b", os.makedev(7, 0)), ("c", os.makedev(10, 229))]
    )

    def told(self, *, jail: bool, data: list[str]) -> dict[str, object]:
        """What an attack is told: `jail` frees it to try what harms a host, `data` are the folders given to it."""
        return {**asdict(self), "home": str(self.home), "jail": jail, "data": data}


@dataclass(frozen=True)
class Secret:
    """What is to be taken, and a name that nobody else uses."""

    token: str
    text: str


def new_secret() -> Secret:
    return Secret(secrets.token_hex(6), f"secret-{secrets.token_hex(16)}")


@contextmanager
def laid(person: Person, new: Secret, more: list[Path], folders: list[str]) -> Iterator[Bait]:
    """Lay bait for a sandbox that runs as `person`: files also in `more`; `folders` are to be listed."""
    token, secret = new.token, new.text
    with ExitStack() as stack:
        homes = list(_homes(stack, [*FOLDERS, *map(str, more)], token, secret, person))
        assert homes, "no folder to lay bait in"
        sockets = [path for home in homes[:2] for path in _path_socket(stack, home, secret)]
        pid, address = _holder(stack, homes[0], secret, token, person)
        segment = _system_v(stack, int(token[:7], 16), secret)
        yield Bait(
            token=token,
            secret=secret,
            files=[str(home / "private.csv") for home in homes],
            folders=folders,
            sockets=sockets,
            setuid=_setuid(homes),
            pid=pid,
            address=address,
            tcp=_serve(stack, _Tcp(("", 0), _Tell), secret),
            udp=_serve(stack, _Udp(("", 0), _Tell), secret),
            abstract=_abstract(stack, token, secret),
            addresses=own_addresses(),
            interfaces=[name for _, name in socket.if_nameindex() if name != "lo"],
            key=int(token[:7], 16),
            segment=segment,
            shared=_shared(stack, token, secret),
            queue=_queue(stack, token),
            hostname=os.uname().nodename,
            home=homes[0],
        )


def own_addresses() -> list[str]:
    """This host's own IPv4 addresses other than loopback."""
    lines = Path("/proc/net/fib_trie").read_text().splitlines()
    found = {before.split()[-1] for before, line in pairwise(lines) if "/32 host LOCAL" in line}
    return sorted(address for address in found if not address.startswith("127."))


def _homes(stack: ExitStack, folders: list[str], token: str, secret: str, person: Person) -> Iterator[Path]:
    for folder in folders:
        home = Path(folder) / f"podium-bait-{token}"
        try:
            home.mkdir()
        except OSError:
            continue
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        home.chmod(0o777)
        file = home / "private.csv"
        file.write_text(secret)
        file.chmod(0o666)
        for path in (home, file):
            person.own(path)
        yield home


def _setuid(homes: list[Path]) -> list[str]:
    """Copies of `id` that belong to root with the set-user-id bit, where we are root."""
    if os.getuid() != 0:
        return []
    copies = [home / "id" for home in homes[:2]]
    for copy in copies:
        shutil.copy("/usr/bin/id", copy)
        os.chown(copy, 0, 0)
        copy.chmod(0o4755)
    return list(map(str, copies))


def _holder(stack: ExitStack, home: Path, secret: str, token: str, person: Person) -> tuple[int, int]:
    """A process of the same user with the secret in its environment, its arguments and its memory."""
    process = subprocess.Popen(
        [person.python, "-c", HOLDER, token, secret],
        env={"PODIUM_BAIT": secret},
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **person.starting(),
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    assert process.stdout is not None
    return process.pid, int(process.stdout.readline())


class _Tell(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        secret = self.server.secret.encode()  # type: ignore[attr-defined]
        if isinstance(self.request, tuple):
            self.request[1].sendto(secret, self.client_address)
        else:
            with suppress(OSError):
                self.request.sendall(secret)


class _Tcp(socketserver.TCPServer):
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)


class _Udp(socketserver.UDPServer):
    address_family = _Tcp.address_family
    server_bind = _Tcp.server_bind


def _serve(stack: ExitStack, server: socketserver.BaseServer, secret: str) -> int:
    """Serve the secret in a thread until the stack closes; returns the port."""
    server.secret = secret  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return int(server.server_address[1]) if isinstance(server.server_address, tuple) else 0


def _path_socket(stack: ExitStack, home: Path, secret: str) -> list[str]:
    path = home / "socket"
    _serve(stack, socketserver.UnixStreamServer(str(path), _Tell), secret)
    path.chmod(0o777)
    return [str(path)]


def _abstract(stack: ExitStack, token: str, secret: str) -> str:
    _serve(stack, socketserver.UnixStreamServer(f"\0podium-{token}", _Tell), secret)
    return f"podium-{token}"


def _system_v(stack: ExitStack, key: int, secret: str) -> int:
    """A shared memory segment and a message queue under `key`, open to all; returns the segment's number."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmdt.argtypes = [ctypes.c_void_p]
    segment = libc.shmget(key, 4096, 0o1666)
    queue = libc.msgget(key, 0o1666)
    assert segment >= 0, os.strerror(ctypes.get_errno())
    assert queue >= 0, os.strerror(ctypes.get_errno())
    stack.callback(libc.shmctl, segment, 0, None)
    stack.callback(libc.msgctl, queue, 0, None)
    address = libc.shmat(segment, None, 0)
    ctypes.memmove(address, secret.encode(), len(secret))
    libc.shmdt(address)
    return int(segment)


def _shared(stack: ExitStack, token: str, secret: str) -> str:
    piece = shared_memory.SharedMemory(f"podium-{token}", create=True, size=4096)
    stack.callback(piece.unlink)
    stack.callback(piece.close)
    piece.buf[: len(secret)] = secret.encode()
    Path(f"/dev/shm/podium-{token}").chmod(0o666)
    return f"podium-{token}"


def _queue(stack: ExitStack, token: str) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    name = f"podium-{token}"
    old = os.umask(0)
    try:
        number = libc.mq_open(f"/{name}".encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
    finally:
        os.umask(old)
    assert number >= 0, os.strerror(ctypes.get_errno())
    stack.callback(libc.mq_unlink, f"/{name}".encode())
    stack.callback(libc.mq_close, number)
    return name
