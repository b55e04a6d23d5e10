"""The launcher: what root starts through bubblewrap is root in the kernel's eyes, so it refuses to go on as root."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.settings import CHECKOUT
from tests.contracts.trap import Trap

REFUSAL = """
import sys
from containers import launcher
from podium.errors import Unavailable
try:
    launcher.refuse_root()
except Unavailable as error:
    print("refused:", error)
    sys.exit(3)
print("went on")
"""
DROP = """
import os
from containers import launcher
os.setresuid(*{ids})
try:
    launcher.drop_root({uid})
    launcher.refuse_root()
except (launcher.Unavailable, PermissionError):
    print("refused")
else:
    print(*os.getresuid(), *os.getresgid(), os.getgroups())
    try:
        os.setuid(0)
    except PermissionError:
        print("for good")
"""


def ran(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT, check=False, timeout=30
    )


def needs_root() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be refused; we are not root")


def test_the_launcher_refuses_to_go_on_as_root() -> None:
    needs_root()
    done = ran(REFUSAL)
    assert done.returncode == 3, done.stderr
    assert "root" in done.stdout


def test_the_launcher_goes_on_as_an_ordinary_user() -> None:
    drop = "import os\nif os.getuid() == 0:\n    os.setresgid(7, 7, 7)\n    os.setresuid(7, 7, 7)\n"
    program = REFUSAL.replace("import launcher\n", f"import launcher\n{drop}")
    assert ran(program).stdout == "went on\n"


@pytest.mark.parametrize("ids", [(0, 0, 0), (1500, 0, 0), (0, 1500, 0), (1500, 1500, 0)])
def test_root_in_any_place_is_dropped_for_good_or_refused(ids: tuple[int, int, int]) -> None:
    needs_root()
    done = ran(DROP.format(ids=ids, uid=1501))
    assert done.stdout in ("refused\n", "1501 1501 1501 1501 1501 1501 []\nfor good\n"), done.stderr


def test_a_drop_to_root_is_no_drop() -> None:
    needs_root()
    assert ran(DROP.format(ids=(0, 0, 0), uid=0)).stdout == "refused\n"


def test_no_program_is_root_on_the_host(trap: Trap) -> None:
    assert trap.person.uid != 0
    assert trap.person.gid != 0


def status_inside(trap: Trap) -> dict[str, str]:
    output = trap.sandbox.execute("print(open('/proc/self/status').read())").output
    return dict(line.split(":", 1) for line in output.splitlines() if ":" in line)


def test_a_program_has_no_capability_and_can_gain_none(trap: Trap) -> None:
    status = status_inside(trap)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


def test_a_program_that_root_started_is_in_no_other_group(trap: Trap) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give up its groups; we are not root")
    assert status_inside(trap)["Groups"].split() == []


def test_the_groups_of_an_ordinary_user_are_its_own_or_nobodys_inside(trap: Trap) -> None:
    """It cannot give them up: its user namespace must deny setgroups (user_namespaces(7))."""
    if os.getuid() == 0:
        pytest.skip("root gives its groups up; we are root")
    status = status_inside(trap)
    assert set(status["Groups"].split()) <= {status["Gid"].split()[0], "65534"}


def test_a_program_sees_few_processes_and_none_of_the_hosts(trap: Trap) -> None:
    output = trap.sandbox.execute("import os; print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))").output
    assert 1 <= output.count(",") + 1 <= 6
    assert str(trap.bait.pid) not in output


def test_bare_we_would_see_the_hosts_processes(trap: Trap) -> None:
    assert Path(f"/proc/{trap.bait.pid}").exists()
