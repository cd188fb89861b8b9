"""Workers of one job make the steps of one process with as many devices; when one dies, the job
ends and can go on.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SMALL, refused, rows, same, start

from training import checkpoint
from training import cluster as launcher
from training.log import read_log


def cluster(*arguments, **options):
    command = [
        sys.executable,
        "-m",
        "training.cluster",
        "--workers",
        "2",
        "--",
        "train_cifar.py",
        *map(str, arguments),
    ]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", **options},
    )


def weights(folder):
    arrays, _ = checkpoint.load(checkpoint.found(folder)[-1])
    return {
        name: array.asnumpy()
        for name, array in arrays.items()
        if name.startswith(("arg:", "momentum:"))
    }


def wait_for_row(folder, iteration, process):
    for _ in range(6000):
        if any(row["iteration"] >= iteration for row in read_log(folder)):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the job never got there")


def workers_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"train_cifar.py" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_two_workers_are_one_process_with_two_devices(images, tmp_path):
    """A few steps only: rounding differs, and a training makes much of it in the end."""
    arguments = ["--data-dir", images, *SMALL, "--iterations", 20]
    for name, process in (
        (
            "devices",
            start(*arguments, "--cpus", 2, "--output", tmp_path / "devices", OMP_NUM_THREADS="1"),
        ),
        (
            "workers",
            cluster(*arguments, "--kv-store", "dist_sync", "--output", tmp_path / "workers"),
        ),
    ):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0 and "finished: test error" in out, (name, out, err)
    one, other = ([row[:4] for row in rows(tmp_path / name)] for name in ("devices", "workers"))
    assert len(one) == 4 and np.allclose(one, other, rtol=1e-4)


def test_job_that_is_stopped_and_loses_a_worker_ends_as_an_unbroken_one(images, tmp_path):
    job = ["--data-dir", images, *SMALL, "--iterations", 200, "--kv-store", "dist_sync", "--output"]
    process = cluster(*job, tmp_path / "whole")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, (out, err)

    process = cluster(*job, tmp_path / "broken")
    wait_for_row(tmp_path / "broken", 20, process)
    process.terminate()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 143 and "the same command goes on" in out, (
        process.returncode,
        out,
        err,
    )
    stopped = rows(tmp_path / "broken")[-1][0]
    assert 20 <= stopped < 200

    process = cluster(*job, tmp_path / "broken")
    wait_for_row(tmp_path / "broken", stopped + 15, process)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert (
        "died (exit code -9), so the job ends; the same command goes on from the last checkpoint"
        in err
    )

    for _ in range(2):  # the second time it has nothing left to do
        process = cluster(*job, tmp_path / "broken")
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0 and "finished: test error" in out, (out, err)
        assert same(tmp_path / "whole", tmp_path / "broken")


def test_parameters_of_two_workers_are_those_of_two_devices(images, tmp_path):
    arguments = ["--data-dir", images, *SMALL, "--iterations", 5]
    for name, process in (
        (
            "devices",
            start(*arguments, "--cpus", 2, "--output", tmp_path / "devices", OMP_NUM_THREADS="1"),
        ),
        (
            "workers",
            cluster(*arguments, "--kv-store", "dist_sync", "--output", tmp_path / "workers"),
        ),
    ):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, (name, err)
    one, other = weights(tmp_path / "devices"), weights(tmp_path / "workers")
    compared = [name for name in one if name.startswith("arg:")]
    assert compared and all(
        np.allclose(one[name], other[name], rtol=1e-4, atol=1e-6) for name in compared
    )
    assert any(
        name.startswith("momentum:") for name in other
    ), "workers that update themselves have what it takes to go on"


@pytest.mark.parametrize("rate", [0.1, 0])
def test_workers_that_do_not_keep_step_train_by_the_same_schedule(images, tmp_path, rate):
    process = cluster(
        "--data-dir",
        images,
        *SMALL,
        "--kv-store",
        "dist_async",
        "--output",
        tmp_path / "run",
        "--warmup-iterations",
        40,
        "--warmup-learning-rate",
        rate,
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and rows(tmp_path / "run")[-1][0] == 40, err
    first, last = (checkpoint.load(path)[0] for path in checkpoint.found(tmp_path / "run"))
    same_weights = all(
        (first[name].asnumpy() == last[name].asnumpy()).all()
        for name in first
        if name.startswith("arg:")
    )
    assert same_weights == (rate == 0)


@pytest.mark.parametrize("store", ["dist_sync", "dist_async"])
def test_worker_without_a_cluster_is_refused(train, store):
    assert refused(train("--kv-store", store), "training.cluster starts")


@pytest.mark.parametrize(
    "nodes, first", [("node[03-04,07]", "node03"), ("a,b", "a"), ("n-1", "n-1"), ("gpu[7]", "gpu7")]
)
def test_first_of_slurms_nodes_has_scheduler_and_server(monkeypatch, nodes, first):
    monkeypatch.setenv("SLURM_STEP_NODELIST", nodes)
    monkeypatch.setattr(socket, "gethostbyname", lambda name: f"address of {name}")
    assert launcher.slurm_root() == f"address of {first}"


def test_hosts_must_know_where_to_report():
    done = subprocess.run(
        [sys.executable, "-m", "training.cluster", "--hosts", "a,b", "--", "train_cifar.py"],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    assert refused((done.returncode, done.stdout, done.stderr), "--root")


def test_cluster_under_slurm_starts_one_worker_for_each_task(images, tmp_path):
    """What srun does, without SLURM: the same command once for each task, with its variables."""
    port = "19" + str(os.getpid())[-3:].zfill(3)
    command = [
        sys.executable,
        "-m",
        "training.cluster",
        "--port",
        port,
        "--",
        "train_cifar.py",
        "--data-dir",
        str(images),
        *SMALL,
        "--iterations",
        "10",
        "--kv-store",
        "dist_sync",
        "--output",
        str(tmp_path / "run"),
    ]
    tasks = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "SLURM_PROCID": str(number),
                "SLURM_NTASKS": "2",
            },
        )
        for number in range(2)
    ]
    outs = [task.communicate(timeout=300) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], outs
    assert rows(tmp_path / "run")[-1][0] == 10
