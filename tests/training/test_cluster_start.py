"""How a job of several workers begins and ends, without MXNet's part in it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import mxnet as mx
import pytest
from conftest import ROOT, refusal

from training import cluster
from training.workers import Workers

JOB = ("127.0.0.1", 1, 2, 3)


@pytest.fixture
def begin(monkeypatch):
    """begin(*words, **environment) -> [(role, job)] of the processes that would be started."""
    started = []
    monkeypatch.setattr(
        cluster, "start", lambda words, role, job, *_, **__: started.append((role, job))
    )
    monkeypatch.setattr(cluster, "watch", lambda helpers, workers: 0)
    for name in ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_ID", "SLURM_STEP_ID"):
        monkeypatch.delenv(name, raising=False)

    def call(*words, **environment):
        del started[:]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["cluster", *words, "--", "train_cifar.py"])
        assert cluster.main() == 0
        return list(started)

    return call


def roles(started):
    return [role for role, _ in started]


def test_jobs_of_slurm_have_ports_and_tokens_of_their_own(begin):
    jobs = []
    for number in ("1234", "1235"):
        slurm = {"SLURM_JOB_ID": number, "SLURM_NTASKS": "2"}
        first = begin("--root", "127.0.0.1", **slurm, SLURM_PROCID="0")
        second = begin("--root", "127.0.0.1", **slurm, SLURM_PROCID="1")
        assert roles(first) == ["scheduler", "server", "worker"] and roles(second) == ["worker"]
        assert {job for _, job in first + second} == {first[0][1]}, "tasks of one job disagree"
        jobs.append(first[0][1])
    assert jobs[0][1] != jobs[1][1] and jobs[0][3] != jobs[1][3]
    assert all(10000 <= job[1] < 30000 for job in jobs)


def test_batch_script_without_tasks_starts_its_workers_itself(begin):
    assert roles(begin(SLURM_PROCID="0", SLURM_JOB_ID="7")) == [
        "scheduler",
        "server",
        "worker",
        "worker",
    ]


def test_jobs_of_one_machine_have_tokens_of_their_own(begin):
    assert begin()[0][1][3] != begin()[0][1][3]


def test_port_in_use_is_one_line(begin):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        refusal(lambda: begin("--port", port), f"port {port} is in use", "--port")


@pytest.mark.parametrize("words", [["--root", "203.0.113.7"], ["--root", "no such host"]])
def test_address_of_another_machine_is_one_line(begin, words):
    refusal(lambda: begin(*words), words[1], "--root")


def test_port_that_is_none_is_one_line(begin):
    refusal(lambda: begin("--port", "99999"), "--port 99999")


class Store:
    """A parameter server's answers to worker 1, whose worker 0 is of the job 7."""

    rank = 1
    num_workers = 2

    def init(self, name, array):
        pass

    def pull(self, name, out):
        out[:] = 7


@pytest.mark.parametrize("token, is_ours", [("7", True), ("8", False)])
def test_workers_of_another_job_are_refused(monkeypatch, token, is_ours):
    monkeypatch.setattr(mx.kv, "create", lambda kind: Store())
    for name, value in (
        ("DMLC_ROLE", "worker"),
        ("TRAINING_JOB", token),
        ("MXNET_UPDATE_ON_KVSTORE", "1"),
    ):
        monkeypatch.setenv(name, value)
    if is_ours:
        assert Workers("dist_sync").count == 2
    else:
        refusal(lambda: Workers("dist_sync"), "another job's workers", "--port")


def state(pid):
    """Z or X, or nothing, of a process that has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's prctl")
def test_kill_of_the_program_leaves_no_worker_behind():
    code = (
        f"from training import cluster; print(cluster.start(['sleep', '600'], 'worker', {JOB}).pid,"
        " flush=True); input()"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    pid = int(program.stdout.readline())
    assert state(pid) in ("S", "R", "D")
    program.kill()
    program.communicate()
    assert wait_until(lambda: state(pid) in ("", "Z", "X"))


def test_terminal_that_goes_away_ends_the_job():
    before = {number: signal.getsignal(number) for number in cluster.SIGNALS}
    worker = subprocess.Popen(["sleep", "600"])
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGHUP])
    timer.start()
    try:
        assert cluster.watch({}, {"worker 0": worker}) == 129
        assert worker.poll() is not None
    finally:
        timer.join()
        worker.kill()
        for number, handler in before.items():
            signal.signal(number, handler)


def test_stopped_worker_is_known():
    worker = subprocess.Popen(["sleep", "600"])
    try:
        assert not cluster.is_stopped(worker)
        worker.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: cluster.is_stopped(worker))
        worker.send_signal(signal.SIGCONT)
        assert wait_until(lambda: not cluster.is_stopped(worker))
    finally:
        worker.kill()
        worker.wait()
