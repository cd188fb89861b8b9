#!/usr/bin/env python
"""Train one network with several workers, here or on other machines, through MXNet's own parameter
server.

    python -m training.cluster --workers 2 -- train_cifar.py --depth 20 --kv-store dist_sync
    python -m training.cluster --hosts a,b --root 10.0.0.1 -- train_cifar.py --kv-store dist_sync
    srun --ntasks=4 --kill-on-bad-exit \\
        python -m training.cluster -- train_cifar.py --kv-store dist_sync

The first starts all on this machine, the second a worker on each host, by ssh; SLURM starts the
workers itself.

It starts a scheduler, a server and the workers, and ends them all when one dies: MXNet's workers
would wait for it for ever. The same command goes on from the last checkpoint. On other machines the
project lies in the same folder, best a shared one, and is set up. The worker that MXNet numbers 0
writes the run's folder.
"""

import ctypes
import errno
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path

from common.command import Parser
from common.environment import GIVEN, physical_cores
from common.errors import UserError, run_main
from common.files import ROOT

LOOPBACK = "127.0.0.1"
# With DMLC_ROLE set, importing MXNet would be the whole program, and a server could not unpack an
# optimizer of ours.
SERVE = [
    sys.executable,
    "-W",
    "ignore",
    "-c",
    """
import os
role = os.environ.pop("DMLC_ROLE")
import training.recipe, mxnet
from mxnet.kvstore.kvstore_server import KVStoreServer
os.environ["DMLC_ROLE"] = role
KVStoreServer(mxnet.kv.create("dist")).run()""",
]
# a dead host ends it
SSH = [
    "ssh",
    "-tt",
    "-o",
    "BatchMode=yes",
    "-o",
    "ServerAliveInterval=10",
    "-o",
    "ServerAliveCountMax=3",
]
GRACE = 10  # seconds for a checkpoint, between SIGTERM and SIGKILL
SAYS_ITSELF = (2, 75, 129, 130, 143)  # exit codes of a worker that has printed why it ends
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # of Linux's prctl
TOKENS = 2**24  # what a float32 of the parameter server can tell apart


def options():
    parser = Parser(__doc__)
    parser.add_argument(
        "--workers",
        type=int,
        default=2,
        help="workers on this machine, each on its share of the cores (2)",
    )
    parser.add_argument(
        "--hosts", help="machines that ssh reaches without a password, as a,b: a " "worker on each"
    )
    parser.add_argument("--root", help="this machine's address, as the hosts see it")
    parser.add_argument(
        "--port", type=int, help="of the scheduler (a free one; by the job's number under SLURM)"
    )
    parser.add_argument(
        "command",
        nargs="+",
        help="after --: a script of this folder and its " "options, with --kv-store dist_sync",
    )
    return parser


def slurm_root():
    """Address of the node of task 0, which starts scheduler and server: the first of the nodes, as
    node[03-04,07] or a,b."""
    nodes = (
        os.environ.get("SLURM_STEP_NODELIST") or os.environ.get("SLURM_JOB_NODELIST") or LOOPBACK
    )
    prefix, first = re.match(r"([^\[,]*)(?:\[(\d*))?", nodes).groups()
    try:
        return socket.gethostbyname(prefix + (first or ""))
    except OSError as error:
        raise UserError(
            f"the first of SLURM's nodes, {nodes}, has no address here ({error}): name "
            "it by --root"
        ) from error


def slurm_job():
    """'1234.0': SLURM's numbers of this job and step, the same for all its tasks and no other
    job's.
    """
    return f"{os.environ.get('SLURM_JOB_ID', 0)}.{os.environ.get('SLURM_STEP_ID', 0)}"


def slurm_port():
    """A port that all tasks of a job can tell without asking, below those that systems give away."""
    return 10000 + zlib.crc32(slurm_job().encode()) % 20000


def check_place(root, port):
    """Raise UserError if the scheduler cannot listen at an address of this machine and a port."""
    for number in (0, port):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((root, number))
            except (OSError, OverflowError) as error:
                if number and getattr(error, "errno", None) == errno.EADDRINUSE:
                    raise UserError(
                        f"port {port} is in use here, by another job perhaps: name a "
                        "free one by --port"
                    ) from error
                if number:
                    raise UserError(f"--port {port}: {error}") from error
                raise UserError(
                    f"{root} is no address of this machine ({error}): name one that the "
                    "others see by --root, as hostname -I lists them"
                ) from error


def free_port():
    with socket.socket() as found:
        found.bind(("", 0))
        return found.getsockname()[1]


def start(words, role, job, host=None, **variables):
    """A process here or, by ssh, on a host; its terminal over there ends with ssh.

    job: (root, port, workers, token), the last for workers to know each other by.
    """
    variables = {
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": job[0],
        "DMLC_PS_ROOT_PORT": str(job[1]),
        "DMLC_NUM_WORKER": str(job[2]),
        "DMLC_NUM_SERVER": "1",
        "TRAINING_JOB": str(job[3]),
        **variables,
    }
    if host is None:
        return subprocess.Popen(
            words,
            cwd=ROOT,
            env={**GIVEN, **variables},
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    assignments = [f"{name}={value}" for name, value in variables.items()]
    remote = f"cd {shlex.quote(str(ROOT))} && exec env {shlex.join([*assignments, *words])}"
    return subprocess.Popen(
        [*SSH, host, remote],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )


def _end_with_parent():
    """Whatever ends this program, kill -9 too, leaves no worker that trains on (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_stopped(process):
    """Whether a process has been stopped (SIGSTOP, Ctrl-Z), so that all others wait for it (Linux)."""
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    except (OSError, IndexError):
        return False


def watch(helpers, workers):
    """Wait until all workers have ended, or one has failed, and end what is left.

    helpers, workers: {name: process}. Returns the job's exit code.
    """
    stopped = []
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # which nohup asks for
            signal.signal(number, lambda number, frame: stopped.append(number))
    every = {**helpers, **workers}
    told = set()
    code = None
    while code is None:
        time.sleep(0.2)
        for name, process in every.items():
            if name not in told and is_stopped(process):
                told.add(name)
                print(
                    f"warning: {name} is stopped, and the job waits for it: kill -CONT "
                    f"{process.pid} lets it go on",
                    file=sys.stderr,
                    flush=True,
                )
        codes = {name: process.poll() for name, process in every.items()}
        failed = [name for name in codes if codes[name]]
        if stopped:
            code = 128 + stopped[0]
        elif failed:
            code = codes[failed[0]]
            if code not in SAYS_ITSELF:
                print(
                    f"error: {failed[0]} died (exit code {code}), so the job ends; the same "
                    "command "
                    "goes on from the last checkpoint",
                    file=sys.stderr,
                    flush=True,
                )
        elif all(codes[name] == 0 for name in workers):
            code = 0
    # The writing worker stops between two iterations, for which it needs the others: they heed
    # SIGKILL alone.
    _end(workers, signal.SIGTERM, until=lambda: stopped and any(_has_ended(workers)))
    _end(every, signal.SIGKILL, until=lambda: True)
    return code if code >= 0 else 1


def _has_ended(processes):
    return [process.poll() is not None for process in processes.values()]


def _end(processes, number, until):
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(number)
    latest = time.monotonic() + GRACE
    while time.monotonic() < latest and not until() and not all(_has_ended(processes)):
        time.sleep(0.1)


def main():
    arguments = options().parse_args()
    if not (ROOT / arguments.command[0]).is_file():
        raise UserError(
            f"{arguments.command[0]} is no script here: python -m training.cluster "
            "--workers 2 -- train_cifar.py ..."
        )
    words = [sys.executable, "-W", "ignore", *arguments.command]
    tasks = int(os.environ.get("SLURM_NTASKS", 1))
    if "SLURM_PROCID" in os.environ and tasks > 1:  # this program runs once for each worker already
        token = zlib.crc32(slurm_job().encode()) % TOKENS
        job = arguments.root or slurm_root(), arguments.port or slurm_port(), tasks, token
        number = int(os.environ["SLURM_PROCID"])
        if number == 0:
            check_place(*job[:2])
        helpers = (
            {} if number else {role: start(SERVE, role, job) for role in ("scheduler", "server")}
        )
        return watch(helpers, {f"worker {number}": start(words, "worker", job)})
    hosts = arguments.hosts.split(",") if arguments.hosts else [None] * arguments.workers
    if len(hosts) < 2:
        raise UserError("a single worker needs no cluster: run the script by itself")
    if arguments.hosts and not arguments.root:
        raise UserError(
            "--hosts needs --root, this machine's address as the hosts see it: --root " "10.0.0.1"
        )
    job = (
        arguments.root or LOOPBACK,
        arguments.port or free_port(),
        len(hosts),
        secrets.randbelow(TOKENS),
    )
    check_place(*job[:2])
    helpers = {role: start(SERVE, role, job) for role in ("scheduler", "server")}
    share = (
        {}
        if arguments.hosts or "OMP_NUM_THREADS" in GIVEN
        else {"OMP_NUM_THREADS": str(max(1, physical_cores() // len(hosts)))}
    )
    workers = {
        f"worker {number}": start(words, "worker", job, host, **share)
        for number, host in enumerate(hosts)
    }
    return watch(helpers, workers)


if __name__ == "__main__":
    run_main(main)
