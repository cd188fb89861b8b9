"""Scripts, modules and code in other processes, as a user runs them."""

import os
import subprocess
import sys
import time

from common.files import ROOT


def begin(code, *arguments, **environment):
    """Start Python code in another process, with both of its streams as text."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def start_job(*arguments, options=("--workers", "2"), **environment):
    """A job of train_cifar.py, with its standard output and standard error as text."""
    code = (
        "from common import errors; from training import cluster; cluster.GRACE = 2; "
        "errors.run_main(cluster.main)"
    )
    words = [*options, "--", "train_cifar.py", *arguments]
    return begin(code, *words, **{"OMP_NUM_THREADS": "1", **environment})


def wait_until(condition):
    """Wait until condition() is true. Returns whether it is."""
    for _ in range(90000):  # half an hour, for a busy machine
        if condition():
            return True
        time.sleep(0.02)
    return False


def finish(process, code=0):
    """Standard output and standard error of a job, which must end with this exit code."""
    out, err = process.communicate(timeout=1800)
    assert process.returncode == code, (process.returncode, out, err)
    return out, err
