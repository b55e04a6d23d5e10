"""Makes namespaces of its own, in which it would hold every capability."""

import ctypes
import os
import subprocess


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long

    def apart(call):
        """Run `call` in a child, which alone changes; its exit code is the error number."""
        child = os.fork()
        if child == 0:
            os._exit(0 if call() == 0 else ctypes.get_errno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            raise OSError(abs(code), os.strerror(abs(code)))
        return "namespace"

    def cloned():
        child = libc.syscall(56, 0x10000000 | 17, None, None, None, None)  # clone(CLONE_NEWUSER | SIGCHLD)
        if child == 0:
            os._exit(0)
        if child < 0:
            return -1
        os.waitpid(child, 0)
        return 0

    def cloned3():
        arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
        child = libc.syscall(435, arguments, 88)
        if child == 0:
            os._exit(0)
        if child < 0:
            return -1
        os.waitpid(child, 0)
        return 0

    def joined():
        fd = os.open(f"/proc/{os.getppid()}/ns/user", os.O_RDONLY)
        return libc.setns(fd, 0)

    flags = (0x10000000, 0x10020000, 0x50000000, 0x30000000)
    ways = [lambda flag=flag: apart(lambda: libc.unshare(flag)) for flag in flags]
    ways += [lambda: apart(cloned), lambda: apart(cloned3)]
    if bait["jail"]:
        ways.append(lambda: apart(joined))
    ways.append(
        lambda: subprocess.run(["unshare", "-Ur", "id", "-u"], check=False, capture_output=True, text=True).stdout
    )
    return first(ways)
