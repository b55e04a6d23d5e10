"""Honest programs run: what a data scientist writes works inside as it does outside."""

from __future__ import annotations

import pytest

from containers.sandbox import Ended, Sandbox, SandboxSpec
from podium.spec import Limits
from tests.contracts import jails

LIMITS = Limits(memory_mb=1536, disk_mb=64, processes=64, cpus=2, seconds=60)


@pytest.fixture(scope="module")
def desk(jail: str, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """One sandbox with room for real work."""
    data = tmp_path_factory.mktemp("desk") / "data"
    data.mkdir()
    (data / "train.csv").write_text("id,x,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60)))
    (data / "sample_submission.csv").write_text("id,y\n1,0\n")
    (data / "images").mkdir()
    (data / "images" / "one.txt").write_text("one")
    backend, _ = jails.usable(jail)
    with backend.open(SandboxSpec(limits=LIMITS, data=data, scratch=jails.scratch())) as sandbox:
        yield sandbox


FIT = """
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
import pandas as pd
table = pd.read_csv("input/train.csv")
model = RandomForestClassifier(20, n_jobs=2, random_state=0)
print(round(cross_val_score(model, table[["x"]], table["y"], n_jobs=2).mean(), 3) >= 0)
"""
PROGRAMS = {
    "numpy": ("import numpy as np; print(np.linalg.inv(np.eye(3) * 2)[0, 0])", "0.5\n"),
    "pandas reads the input": ("import pandas as pd; print(pd.read_csv('./input/train.csv').shape)", "(60, 3)\n"),
    "pandas reads the data": ("import pandas as pd; print(pd.read_csv('/home/data/train.csv').shape)", "(60, 3)\n"),
    "folders of data": ("print(open('input/images/one.txt').read())", "one\n"),
    "scikit-learn with two jobs": (FIT, "True\n"),
    "scipy": ("from scipy import optimize; print(round(optimize.brentq(lambda x: x - 2, 0, 5), 3))", "2.0\n"),
    "statsmodels": (
        "import statsmodels.api as sm; print(round(sm.OLS([1, 2, 3], [1, 2, 3]).fit().params[0], 3))",
        "1.0\n",
    ),
    "lightgbm": (
        "import numpy, lightgbm\nx = numpy.arange(200.0).reshape(-1, 1)\n"
        "m = lightgbm.LGBMRegressor(n_estimators=5, n_jobs=2, verbose=-1).fit(x, x[:, 0])\nprint(m.predict(x).shape)",
        "(200,)\n",
    ),
    "joblib": (
        "from joblib import Parallel, delayed\nfrom math import sqrt\n"
        "print(sum(Parallel(n_jobs=2)(delayed(sqrt)(n * n) for n in range(5))))",
        "10.0\n",
    ),
    "multiprocessing, fork": (
        "import multiprocessing as mp\ndef f(x): return x * x\n"
        "if __name__ == '__main__':\n    with mp.get_context('fork').Pool(2) as p: print(p.map(f, [1, 2, 3]))",
        "[1, 4, 9]\n",
    ),
    "multiprocessing, spawn": (
        "import multiprocessing as mp\ndef f(x): return x * x\n"
        "if __name__ == '__main__':\n    with mp.get_context('spawn').Pool(2) as p: print(p.map(f, [1, 2, 3]))",
        "[1, 4, 9]\n",
    ),
    "a process pool": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "if __name__ == '__main__':\n    with ProcessPoolExecutor(2) as p: print(list(p.map(abs, [-1, -2])))",
        "[1, 2]\n",
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\nprint(list(ThreadPoolExecutor(4).map(abs, [-1, -2])))",
        "[1, 2]\n",
    ),
    "subprocess": (
        "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(1)'], text=True))",
        "1\n\n",
    ),
    "subprocess with libraries": (
        "import subprocess, sys\ncommand = [sys.executable, '-c', 'import pandas; print(1)']\n"
        "print(subprocess.check_output(command, text=True))",
        "1\n\n",
    ),
    "a shell": ("import os; os.system('echo shell')", "shell\n"),
    "its name": ("print(__name__)", "__main__\n"),
    "its file": ("import os; print(open(__file__).read() != '')", "True\n"),
    "its folder": ("import os; print(os.getcwd() == '/home/work')", "True\n"),
    "its arguments": ("import sys; print(len(sys.argv))", "1\n"),
    "input at its end": ("import sys; print(repr(sys.stdin.read()))", "''\n"),
    "temporary files": ("import tempfile; f = tempfile.NamedTemporaryFile(); f.write(b'x'); print('ok')", "ok\n"),
    "a pickle of its own class": (
        "import pickle\nclass Own: pass\nprint(type(pickle.loads(pickle.dumps(Own()))).__name__)",
        "Own\n",
    ),
    "dataclasses": ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint(P(1))", "P(x=1)\n"),
    "inspecting itself": ("import inspect\ndef f(): return 1\nprint(inspect.getsource(f))", "def f(): return 1\n\n"),
    "no warnings of forks": ("import threading, os; threading.Thread(target=print, args=('t',)).start()", "t\n"),
    "text of the world": ("print('ä€漢'); open('ä.txt', 'w').write('漢')", "ä€漢\n"),
    "warnings and errors in order": (
        "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')",
        "one\ntwo\nthree\n",
    ),
    "time and randomness": (
        "import time, random, uuid; uuid.uuid4(); random.random(); print(time.time() > 1e9)",
        "True\n",
    ),
    "asyncio": ("import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))", "5\n"),
    "its own loopback-free logging": (
        "import logging; logging.basicConfig(); logging.warning('w')",
        "WARNING:root:w\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_honest_program_runs(desk: Sandbox, name: str) -> None:
    program, printed = PROGRAMS[name]
    execution = desk.execute(program)
    assert (execution.ended, execution.output) == (Ended.OK, printed)


def test_a_submission_may_be_written_below_the_working_folder(desk: Sandbox) -> None:
    program = (
        "import os, pandas as pd\nos.makedirs('submission', exist_ok=True)\n"
        "pd.DataFrame({'id': [1], 'y': [0]}).to_csv('./submission/submission.csv', index=False)"
    )
    assert desk.execute(program).files == {"submission/submission.csv": b"id,y\n1,0\n"}


def test_a_submission_may_be_written_below_home(desk: Sandbox) -> None:
    program = (
        "import os, pandas as pd\nos.makedirs('/home/submission', exist_ok=True)\n"
        "pd.DataFrame({'id': [1], 'y': [0]}).to_csv('/home/submission/submission.csv', index=False)"
    )
    assert desk.execute(program).files == {"submission/submission.csv": b"id,y\n1,0\n"}


def test_the_limits_are_told_to_libraries(desk: Sandbox) -> None:
    program = "import os; print(os.environ['OMP_NUM_THREADS'], len(os.sched_getaffinity(0)) >= 1)"
    assert desk.execute(program).output == "2 True\n"


def test_a_second_execution_starts_warm(desk: Sandbox) -> None:
    usage = desk.execute("import numpy, pandas, sklearn.ensemble, sklearn.linear_model; print(1)").usage
    assert usage.seconds < 1.5
    assert usage.cpu_seconds < 1.5


def test_a_data_loader_with_workers_runs(desk: Sandbox) -> None:
    program = (
        "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "if __name__ == '__main__':\n    loader = DataLoader(TensorDataset(torch.arange(8.0)), 4, num_workers=2)\n"
        "    print(sum(batch[0].sum().item() for batch in loader))"
    )
    if desk.execute("import torch").ended is not Ended.OK:
        pytest.skip("torch, an extra, is not in the sandbox's libraries")
    assert desk.execute(program).output == "28.0\n"
