"""Workers of one job make the steps of one process with as many devices; when a worker dies, the job
ends and can be resumed.
"""

import json
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
from commands import finish, start_job
from conftest import SMALL, arrays, rows, same, start, wait_for_row

from training import cluster


def workers_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"train_cifar.py" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def slurm_tasks(*arguments):
    """The processes that srun starts: the same command for each task, with SLURM's variables."""
    port, reservation = cluster.reserve(cluster.LOOPBACK, 0)
    reservation.close()
    slurm = {"SLURM_NTASKS": "2", "SLURM_JOB_ID": str(os.getpid())}
    return [
        start_job(*arguments, options=("--port", port), SLURM_PROCID=str(number), **slurm)
        for number in range(2)
    ]


def test_two_workers_of_slurm_equal_one_process_with_two_devices(images, tmp_path):
    """For a few steps: the order of sums differs, and training amplifies rounding."""
    arguments = ["--data-dir", images, *SMALL, "--iterations", 5, "--log-every", 1, "--output"]
    devices, workers = tmp_path / "devices", tmp_path / "workers"
    process = start(*arguments, devices, "--cpus", 2, OMP_NUM_THREADS="1")
    assert "finished: test error" in finish(process)[0]
    tasks = slurm_tasks(*arguments, workers, "--kv-store", "dist_sync")
    assert "finished: test error" in "".join(finish(task)[0] for task in tasks)
    config = json.loads((workers / "config.json").read_text())
    assert config["recipe"]["workers"] == 2
    assert "-m training.cluster --workers 2 -- train_cifar.py" in config["command"]
    logs = [[row[:4] for row in rows(folder)] for folder in (devices, workers)]
    assert len(logs[0]) == 5 and np.allclose(*logs, rtol=1e-4)
    expected, computed = arrays(devices), arrays(workers)
    for name in expected:
        if name.startswith("arg:"):
            assert np.allclose(expected[name], computed[name], rtol=1e-4, atol=1e-6), name
    assert any(name.startswith("momentum:") for name in computed), "needed to resume"


def test_job_that_is_stopped_and_loses_a_worker_resumes_bit_for_bit(images, tmp_path):
    adam = [
        "--optimizer",
        "adam",
        "--learning-rate",
        "5e-4",
        "--warmup-iterations",
        0,
    ]  # two states
    job = ["--data-dir", images, *SMALL, *adam, "--iterations", 200]
    job += ["--kv-store", "dist_sync", "--output"]
    uninterrupted, folder = tmp_path / "uninterrupted", tmp_path / "interrupted"
    finish(start_job(*job, uninterrupted))

    process = start_job(*job, folder)
    wait_for_row(folder, 20, process)
    process.terminate()
    finish(process, 143)
    stopped = rows(folder)[-1][0]
    assert 20 <= stopped < 200

    process = start_job(*job, folder)
    wait_for_row(folder, stopped + 15, process)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    _, err = finish(process, 1)
    assert "died (exit code -9), so the job ends" in err and "resume" in err

    assert "finished: test error" in finish(start_job(*job, folder))[0]
    assert same(uninterrupted, folder)


@pytest.mark.parametrize(
    "nodes, first", [("node[03-04,07]", "node03"), ("a,b", "a"), ("n-1", "n-1"), ("gpu[7]", "gpu7")]
)
def test_first_of_slurms_nodes_has_scheduler_and_server(monkeypatch, nodes, first):
    monkeypatch.setenv("SLURM_STEP_NODELIST", nodes)
    monkeypatch.setattr(socket, "gethostbyname", lambda name: f"address of {name}")
    assert cluster.slurm_root() == f"address of {first}"
