"""A job of several workers starts and ends its processes, without MXNet."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import commands
import mxnet as mx
import pytest
from cifar_options import read_options
from conftest import refusal, typed

from common.errors import UserError
from training import cluster
from training.devices import check_batch
from training.job import DTYPES, Job, run_job
from training.workers import Workers

JOB = cluster.Address("127.0.0.1", 1, 2, 3)
SCRIPT = ["train_cifar.py", "--kv-store=dist_sync"]


@pytest.fixture
def begin(monkeypatch):
    """begin(*words, **environment) -> [(role, job)] of the processes that main() would start."""
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
        assert typed(monkeypatch, cluster.main, *words, "--", *SCRIPT) == 0
        return list(started)

    usual = signal.getsignal(signal.SIGUSR1)
    yield call
    signal.signal(signal.SIGUSR1, usual)


def roles(started):
    return [role for role, _ in started]


def test_jobs_of_slurm_differ_in_port_and_token(begin):
    jobs = []
    for number in (str(os.getpid()), str(os.getpid() + 1)):  # two suites use different ports
        slurm = {"SLURM_JOB_ID": number, "SLURM_NTASKS": "2"}
        first = begin("--root", "127.0.0.1", **slurm, SLURM_PROCID="0")
        second = begin("--root", "127.0.0.1", **slurm, SLURM_PROCID="1")
        assert roles(first) == ["scheduler", "server", "worker"] and roles(second) == ["worker"]
        assert {job for _, job in first + second} == {first[0][1]}, "tasks of one job disagree"
        jobs.append(first[0][1])
    assert jobs[0].port != jobs[1].port and jobs[0].token != jobs[1].token
    assert all(10000 <= job.port < 30000 for job in jobs)


def test_batch_script_of_slurm_prints_that_it_waits_for_srun(begin, capsys):
    begin(SLURM_PROCID="0", SLURM_NTASKS="2")
    assert "waiting for 2 workers: start this program by srun" in capsys.readouterr().err


def test_workers_of_slurm_are_not_named(begin):
    slurm = {"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}
    refusal(lambda: begin("--workers", "2", **slurm), "srun", "env -u SLURM_PROCID")


def test_batch_script_without_tasks_starts_all_workers(begin):
    started = begin(SLURM_PROCID="0", SLURM_JOB_ID="7")
    assert roles(started) == ["scheduler", "server", "worker", "worker"]


def test_port_of_another_program_is_refused(begin):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        refusal(lambda: begin("--port", port), f"port {port} (", "in use", "--port")
    assert str(begin("--port", port)[0][1].port) == port


def test_port_of_another_job_is_refused_before_its_scheduler_listens(begin):
    port, reservation = cluster.reserve("127.0.0.1", 0)
    refusal(lambda: begin("--port", str(port)), f"port {port} (", "in use", "--port")
    reservation.close()
    assert begin("--port", str(port))[0][1].port == port


@pytest.mark.parametrize(
    "words, remedy",
    [
        (["--root", "203.0.113.7"], "--root"),
        (["--root", "203.0.113.7", "--port", "9999"], "--root"),
        (["--root", "no such host"], "--root"),
        (["--port", "99999"], "--port"),
        (["--hosts", "a,b"], "--root"),
        (["--workers", "1"], "the script itself"),
        (["--workers", "4", "--hosts", "a,b", "--root", "127.0.0.1"], "leave out --workers"),
    ],
)
def test_address_port_or_hosts_that_cannot_be_used_are_one_line(begin, words, remedy):
    refusal(lambda: begin(*words), remedy)


def test_command_that_names_python_is_refused(monkeypatch):
    words = ["--", ".venv/bin/python", "train_cifar.py", "--kv-store", "dist_sync"]
    refusal(lambda: typed(monkeypatch, cluster.main, *words), "is not a script of this folder")


@pytest.mark.parametrize("words", [[], ["--kv-store", "local"]])
def test_command_whose_workers_would_train_alone_is_refused(monkeypatch, words):
    words = ["--", "train_cifar.py", *words]
    refusal(lambda: typed(monkeypatch, cluster.main, *words), "add --kv-store dist_sync")


class Store:
    """A parameter server that answers worker 1; its worker 0 belongs to job 7."""

    rank = 1
    num_workers = 2

    def __init__(self, **answers):
        self._answers = answers

    def init(self, name, array):
        pass

    def pull(self, name, out):
        out[:] = self._answers.get(name.split()[-1], 7)


@pytest.mark.parametrize("token, is_ours", [("7", True), ("8", False)])
def test_workers_of_another_job_are_refused(monkeypatch, token, is_ours):
    monkeypatch.setattr(mx.kv, "create", lambda kind: Store())
    monkeypatch.setenv("DMLC_ROLE", "worker")
    monkeypatch.setenv("TRAINING_JOB", token)
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "1")  # which Workers changes
    if is_ours:
        assert Workers("dist_sync").count == 2
    else:
        refusal(lambda: Workers("dist_sync"), "workers of another job", "--port")


@pytest.mark.parametrize("finished, dtypes", [(1, []), (0, ["bfloat16"])])
def test_worker_ends_with_a_finished_job_and_computes_in_the_dtype_of_worker_0(
    monkeypatch, finished, dtypes
):
    trained = []
    monkeypatch.setattr("training.devices.has_bfloat16", lambda: True)
    monkeypatch.setattr("training.job.Training", lambda job, *_, **__: trained.append(job))
    monkeypatch.setattr("training.job.train", lambda training: 0)
    monkeypatch.setattr(
        mx.kv, "create", lambda kind: Store(finished=finished, dtype=DTYPES.index("bfloat16"))
    )
    for name, value in (("DMLC_ROLE", "worker"), ("TRAINING_JOB", "7")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "1")
    arguments, recipe = read_options(["--kv-store", "dist_sync", "--batch-size", "20"])
    dataset = SimpleNamespace(train_images=range(20), test_images=range(20))
    job = Job("run", recipe, None, {}, {}, dataset, lambda share, size: share, exported=None)
    assert run_job(job, arguments) == 0
    assert [job.recipe.dtype for job in trained] == dtypes
    if dtypes:
        monkeypatch.setattr("training.devices.has_bfloat16", lambda: False)
        refusal(lambda: run_job(job, arguments), "--dtype bfloat16: this processor has no")


def state(pid):
    """State of a process in /proc; Z, X or nothing if it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def test_kill_of_the_program_leaves_no_worker_behind():
    code = (
        "from training import cluster;"
        f"process = cluster.start(['sleep', '600'], 'worker', cluster.Address{tuple(JOB)});"
        "print(process.pid, flush=True); import time; time.sleep(600)"
    )
    program = commands.begin(code)
    pid = int(program.stdout.readline())
    assert state(pid) in ("S", "R", "D")
    program.kill()
    program.communicate()
    assert commands.wait_until(lambda: state(pid) in ("", "Z", "X"))


@contextlib.contextmanager
def closed_terminal():
    """A SIGHUP as soon as watch() has its handler."""
    before = {number: signal.getsignal(number) for number in cluster.STOPPING}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it

    def hang_up():
        commands.wait_until(lambda: signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGHUP)

    timer = threading.Thread(target=hang_up)
    timer.start()
    try:
        yield
    finally:
        timer.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def test_closed_terminal_ends_the_job():
    worker = subprocess.Popen(["sleep", "600"])
    with closed_terminal():
        assert cluster.watch({}, {"worker 0": worker}) == 129
    assert worker.poll() is not None


def test_request_for_a_checkpoint_reaches_the_workers(tmp_path):
    began, saved = tmp_path / "began", tmp_path / "saved"
    loop = f"trap 'echo > {saved}; exit 0' USR1; echo > {began}; while :; do sleep 0.1; done"
    worker = subprocess.Popen(["sh", "-c", loop])
    assert commands.wait_until(began.exists)
    handlers = {number: signal.getsignal(number) for number in (*cluster.STOPPING, signal.SIGUSR1)}
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def request():
        commands.wait_until(lambda: signal.getsignal(signal.SIGUSR1) is not signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGUSR1)

    timer = threading.Thread(target=request)
    timer.start()
    try:
        assert cluster.watch({}, {"worker 0": worker}) == 0 and saved.exists()
    finally:
        timer.join()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_second_signal_ends_a_worker_that_ignores_the_first(monkeypatch, tmp_path):
    began = tmp_path / "began"
    worker = subprocess.Popen(["sh", "-c", f"trap '' TERM; echo > {began}; exec sleep 600"])
    assert commands.wait_until(began.exists)
    monkeypatch.setattr(cluster, "GRACE", 1800)

    def wait(processes, workers, signals):
        signals += [signal.SIGTERM, signal.SIGTERM]
        return 143

    monkeypatch.setattr(cluster, "_wait", wait)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert cluster.watch({}, {"worker 0": worker}) == 143
    assert worker.wait() == -signal.SIGKILL


def test_job_ends_at_the_time_limit_of_worker_0(monkeypatch, tmp_path):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    began = tmp_path / "began"
    follower = subprocess.Popen(["sh", "-c", f"trap '' TERM; echo > {began}; exec sleep 60"])
    assert commands.wait_until(began.exists)
    leader = subprocess.Popen(["sh", "-c", "exit 75"])
    monkeypatch.setattr(cluster, "GRACE", 1800)
    assert cluster.watch({}, {"worker 0": leader, "worker 1": follower}) == 75
    assert follower.wait() == -signal.SIGKILL


# Replaces ssh -tt: runs the last word in a new terminal, and closes that when it ends.
TERMINAL = "import pty, sys; sys.exit(pty.spawn(['sh', '-c', sys.argv[-1]]) >> 8)"
REMOTE = """
import os, signal, sys, time
follows = sys.argv[2] == "1"
def stop(*_):
    open(sys.argv[1], "a").write(" saved")
    sys.exit(130)
signal.signal(signal.SIGINT, signal.SIG_IGN if follows else stop)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""


def test_workers_on_hosts_save_and_end(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "SSH", [sys.executable, "-c", TERMINAL])
    notes = [tmp_path / "0", tmp_path / "1"]
    workers = {
        note.name: cluster.start(
            [sys.executable, "-c", REMOTE, str(note), note.name], "worker", JOB, "a"
        )
        for note in notes
    }
    assert commands.wait_until(lambda: all(note.exists() and note.read_text() for note in notes))
    pids = [note.read_text() for note in notes]
    with closed_terminal():
        assert cluster.watch({}, workers) == 129
    assert notes[0].read_text() == f"{pids[0]} saved"
    assert commands.wait_until(lambda: all(state(pid) in ("", "Z", "X") for pid in pids))


@pytest.mark.parametrize("error", [UserError("no such weights"), PermissionError("no such right")])
def test_mistake_ends_all_workers(monkeypatch, error):
    sent = {}
    store = Store()
    store.rank = 0
    store.init = lambda name, array: sent.update({name: int(array.sum().asscalar())})
    store.pull = lambda name, out: None
    monkeypatch.setattr(mx.kv, "create", lambda kind: store)
    for name, value in (("DMLC_ROLE", "worker"), ("TRAINING_JOB", "7")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "1")

    def mistake(*_):
        raise error

    monkeypatch.setattr("training.job._initial_weights", mistake)
    arguments, recipe = read_options(["--kv-store", "dist_sync", "--batch-size", "20"])
    dataset = SimpleNamespace(train_images=range(20), test_images=range(20))
    job = Job("run", recipe, None, {}, {}, dataset, lambda share, size: share, exported=None)
    with pytest.raises(type(error), match="no such"):
        run_job(job, arguments)
    assert sent["from worker 0: finished"] == 1


def test_micro_batch_divides_the_part_of_each_worker():
    check_batch(128, 1, 2, 64)
    for size, micro_batch in ((96, 32), (128, 128)):
        refusal(lambda: check_batch(size, 1, 2, micro_batch), "of each worker")  # noqa: B023
