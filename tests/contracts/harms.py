"""Harm done to the sandbox itself: programs that break, stop or deceive what keeps them, or leave things behind.

They are run in jails only: outside a namespace of their own some would kill what is theirs on the host.
"""

from __future__ import annotations

from textwrap import dedent

OTHERS = """
import os, resource, signal, time
others = [int(n) for n in os.listdir('/proc') if n.isdigit() and int(n) != os.getpid()]
def each(call):
    for pid in others:
        try: call(pid)
        except (OSError, ValueError): pass
"""


def _others(line: str) -> str:
    return OTHERS + line


def _descriptors(line: str) -> str:
    return f"import os\nfor fd in range(3, 256):\n    try: {line}\n    except OSError: pass\n"


HARM = {
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "kills its parent and stays": "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)",
    "kills the first process": "import os, signal; os.kill(1, signal.SIGKILL); os.kill(2, signal.SIGKILL)",
    "kills all that it may": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "kills each that it sees": _others("each(lambda pid: os.kill(pid, signal.SIGKILL))"),
    "stops its parent": "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)",
    "stops each that it sees": _others("each(lambda pid: os.kill(pid, signal.SIGSTOP))"),
    "stops all and itself": _others("each(lambda pid: os.kill(pid, signal.SIGSTOP)); os.kill(os.getpid(), 19)"),
    "signals each that it sees": _others("each(lambda pid: [os.kill(pid, n) for n in (15, 2, 1, 10, 12, 3)])"),
    "takes descriptors from others": _others("each(lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)))"),
    "takes processes from others": _others("each(lambda pid: resource.prlimit(pid, resource.RLIMIT_NPROC, (0, 0)))"),
    "takes memory from others": _others("each(lambda pid: resource.prlimit(pid, resource.RLIMIT_AS, (4096, 4096)))"),
    "takes file size from others": _others("each(lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0)))"),
    "takes time from others": _others("each(lambda pid: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))"),
    "makes others slow": _others("each(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19))"),
    "makes its user slow": "import os; os.setpriority(os.PRIO_USER, 0, 19); os.setpriority(os.PRIO_PGRP, 0, 19)",
    "offers others to the memory killer": _others(
        "each(lambda pid: open(f'/proc/{pid}/oom_score_adj', 'w').write('1000'))"
    ),
    "writes rubbish to every descriptor": _descriptors("os.write(fd, b'{\"x\": 1}\\n' * 100)"),
    "reads from every descriptor": _descriptors("os.set_blocking(fd, False); os.read(fd, 9999)"),
    "claims to be well": _descriptors("""os.write(fd, b'{"ended": "ok", "status": 0}\\n')""") + "os._exit(9)",
    "claims to be well on others' pipes": _others(
        "for pid in others:\n    for fd in range(16):\n"
        "        try: os.write(os.open(f'/proc/{pid}/fd/{fd}', 1), b'{\"status\": 0}\\n')\n"
        "        except OSError: pass\nos._exit(9)"
    ),
    "closes every descriptor": "import os; os.closerange(0, 4096)",
    "breaks its libraries": dedent("""
        import builtins, json, numpy, os
        numpy.array = json.dumps = json.loads = os.fork = os.waitpid = None
        builtins.open = builtins.print = builtins.compile = None
        """),
    "leaves no room": dedent("""
        for folder in ('/tmp', '/dev/shm', '.'):
            try:
                with open(f'{folder}/fill', 'wb') as file:
                    for _ in range(1000): file.write(b'x' * 100_000)
            except OSError: pass
        """),
    "fills every table of files": dedent("""
        for folder in ('/tmp', '/dev/shm', '.'):
            try:
                for number in range(30_000): open(f'{folder}/{number}', 'w').close()
            except OSError: pass
        """),
    "locks its folders": dedent("""
        import os
        for folder in ('.', '/tmp', '/dev/shm', os.path.expanduser('~')):
            try: os.chmod(folder, 0)
            except OSError: pass
        """),
}

LEFT = {
    "a module in the working folder": dedent("""
        for name in ('csv', 'numpy', 'json', 'sitecustomize', 'usercustomize', 'pandas'):
            open(name + '.py', 'w').write('raise SystemExit(77)')
        """),
    "customization in the home": dedent("""
        import os, site
        for folder in {site.getusersitepackages(), os.path.expanduser('~')}:
            try:
                os.makedirs(folder, exist_ok=True)
                open(folder + '/usercustomize.py', 'w').write('raise SystemExit(77)')
                open(folder + '/evil.pth', 'w').write('import os; os._exit(77)')
            except OSError: pass
        """),
    "customization in the libraries": dedent("""
        import sys
        for folder in sys.path:
            try:
                open(folder + '/sitecustomize.py', 'w').write('raise SystemExit(77)')
                open(folder + '/evil.pth', 'w').write('import os; os._exit(77)')
            except OSError: pass
        """),
    "its variables": "import os\nfor n in ('PYTHONSTARTUP', 'PYTHONPATH', 'LEFT'): os.environ[n] = '/tmp'",
    "its imports": "import sys, types; sys.modules['csv'] = types.ModuleType('csv'); sys.path.insert(0, '/tmp')",
    "its mask and folder": "import os; os.umask(0o777); os.makedirs('/tmp/d', exist_ok=True); os.chdir('/')",
    "its handlers": dedent("""
        import atexit, os, signal, sys
        sys.excepthook = lambda *a: os._exit(77)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        atexit.register(os._exit, 77)
        """),
    "System V memory": "import ctypes; print(ctypes.CDLL(None).shmget(4242, 4096, 0o1666))",
    "hidden files": "[open(f'{d}/.hidden', 'w').close() for d in ('.', '/tmp', '/dev/shm')]",
    "a tree that cannot be walked": dedent("""
        import os
        for top in ('/tmp', '/dev/shm', '.'):
            os.chdir('/home/work'); os.chdir(top)
            for _ in range(60):
                os.mkdir('d' * 200); os.chdir('d' * 200)
            os.chmod('.', 0)
        """),
}

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('/proc/self/comm', 'w').write({name!r})
        os.chdir('/')
        {before}
        print('daemon', flush=True)
        while True:
            for folder in ('/home/work', '/tmp', '/dev/shm'):
                try: open(folder + '/ghost', 'w').close()
                except OSError: pass
            time.sleep(0.01)
    os._exit(0)
os.wait()
time.sleep(0.2)
"""
"""Leaves a daemon by the name `name`, which does `before` first and then writes into each folder for ever."""
