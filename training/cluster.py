#!/usr/bin/env python
"""Train one network with several workers, on this machine or on others, through MXNet's parameter
server.

    .venv/bin/python -m training.cluster --workers 2 -- train_cifar.py 20 --kv-store dist_sync
    .venv/bin/python -m training.cluster --hosts a,b --root 10.0.0.1 -- \\
        train_cifar.py --kv-store dist_sync
    srun --ntasks=4 --kill-on-bad-exit \\
        .venv/bin/python -m training.cluster -- train_cifar.py --kv-store dist_sync

The first command starts all workers on this machine. The second starts one worker on each host by
ssh. In the third, SLURM starts the workers.

The program starts a scheduler, a server and the workers. If one of these processes dies, the
program ends all others, because MXNet's workers would wait for it forever. Run the command again to
resume from the last checkpoint. The project must have the same path on all machines; a shared
folder is best. The worker with MXNet's rank 0 writes the run folder.
"""

import contextlib
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
from collections import namedtuple

from common.command import PYTHON, Parser
from common.environment import GIVEN, end_with_parent, shared_threads
from common.errors import UserError, run_main
from common.files import ROOT

from .interrupt import RESUMABLE, STOPPING, Requests

LOOPBACK = "127.0.0.1"
SERVE = "import common, mxnet"  # with this DMLC_ROLE, importing MXNet runs the server
# The keep-alive options end ssh when its host has died.
SSH = "ssh -tt -o BatchMode=yes -o ServerAliveInterval=10 -o ServerAliveCountMax=3".split()
GRACE = 10  # seconds between SIGTERM (by ssh: Ctrl-C) and SIGKILL, for a checkpoint
EXPLAINED = (2, *RESUMABLE)  # exit codes of a worker that has printed the reason
TOKENS = 2**24  # the parameter server sends float32, which holds integers up to here
# root: address of the scheduler; workers: their number; token: the same in all workers of the job
Address = namedtuple("Address", "root port workers token")


def parser():
    cluster_parser = Parser(__doc__)
    add = cluster_parser.add_argument
    add("--workers", type=int, help="number of workers on this machine (2)")
    add(
        "--hosts", help="machines that ssh reaches without a password, e.g. a,b: one worker on each"
    )
    add("--root", help="address of this machine, as the hosts see it")
    add("--port", type=int, default=0, help="port of the scheduler (default: a free port)")
    add("command", nargs="+", help="after --: a script with its options and --kv-store dist_sync")
    return cluster_parser


def slurm_root():
    """Return the address of SLURM's first node, which runs task 0, scheduler and server.

    SLURM writes its nodes as node[03-04,07] or a,b.
    """
    nodes = os.environ.get("SLURM_STEP_NODELIST") or os.environ.get("SLURM_JOB_NODELIST", LOOPBACK)
    prefix, first = re.match(r"([^\[,]*)(?:\[(\d*))?", nodes).groups()
    try:
        return socket.gethostbyname(prefix + (first or ""))
    except OSError as error:
        raise UserError(
            f"the first of SLURM's nodes, {nodes}, has no address here ({error}): set it with --root"
        ) from error


def slurm_job(arguments, tasks):
    """Return the Address of SLURM's job.

    Each task computes the same port and token from the job's number. The port is below the range
    from which systems assign free ports.
    """
    step = f"{os.environ.get('SLURM_JOB_ID', 0)}.{os.environ.get('SLURM_STEP_ID', 0)}"
    number = zlib.crc32(step.encode())
    port = arguments.port or 10000 + number % 20000
    return Address(arguments.root or slurm_root(), port, tasks, number % TOKENS)


def reserve(root, port):
    """Return (port, socket): a free port of this machine, and a socket that reserves it.

    port: the port to reserve; 0 means any free port. Until the socket is closed, no other job gets
    the port, even before the scheduler binds it. Raises UserError if it cannot be used.
    """
    reservation = socket.socket(socket.AF_UNIX)
    try:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((root, port))
            port = listener.getsockname()[1]
        reservation.bind(f"\0training.cluster:{port}")  # an abstract name: Linux makes no file
        return port, reservation
    except (OSError, OverflowError) as error:
        raise UserError(
            f"the scheduler cannot use {root}, port {port} ({error}): set an address of this "
            "machine with --root (hostname -I lists them), and a free port with --port"
        ) from error


def start(words, role, job, host=None, **variables):
    """Start a process of a job on this machine or, by ssh, on a host, where it ends with ssh."""
    variables = {
        "DMLC_ROLE": role,
        "DMLC_PS_ROOT_URI": job.root,
        "DMLC_PS_ROOT_PORT": str(job.port),
        "DMLC_NUM_WORKER": str(job.workers),
        "DMLC_NUM_SERVER": "1",
        "TRAINING_JOB": str(job.token),
        **variables,
    }
    settings = dict(start_new_session=True, preexec_fn=end_with_parent)
    if host is None:
        return subprocess.Popen(words, cwd=ROOT, env={**GIVEN, **variables}, **settings)
    assignments = [f"{name}={value}" for name, value in variables.items()]
    remote = f"cd {shlex.quote(str(ROOT))} && exec env {shlex.join([*assignments, *words])}"
    return subprocess.Popen([*SSH, host, remote], stdin=subprocess.PIPE, **settings)


def watch(helpers, workers):
    """Wait until all workers have ended, one has failed, or a signal arrives; end the others.

    helpers, workers: {name: process}. Returns the job's exit code. SIGUSR1 requests a checkpoint.
    """

    def request_save(number, frame):
        for process in workers.values():
            if not process.stdin:  # ssh passes no signals on
                process.send_signal(number)

    signals = Requests()
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, lambda number, frame: signals.add(number))
    signal.signal(signal.SIGUSR1, request_save)
    processes = {**helpers, **workers}
    code = _wait(processes, workers, signals)
    # Worker 0 stops between two iterations, after a signal or at the time limit, and needs the
    # others until then. They ignore SIGTERM and SIGINT: only SIGKILL ends them.
    _stop(workers)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and len(signals) < 2:
        ended = [process.poll() is not None for process in workers.values()]
        if all(ended) or (code in RESUMABLE and any(ended)):
            break
        time.sleep(0.1)
    for process in processes.values():
        process.kill()
    return code if code >= 0 else 1


def _wait(processes, workers, signals):
    """Return the exit code with which the job ends: of a signal, of a failed process, or 0."""
    while True:
        time.sleep(0.2)
        codes = {name: process.poll() for name, process in processes.items()}
        if signals:
            return 128 + signals[0]
        for name, code in codes.items():
            if code and code not in EXPLAINED:
                print(
                    f"error: {name} died (exit code {code}), so the job ends; run the command "
                    "again to resume from the last checkpoint",
                    file=sys.stderr,
                )
            if code:
                return code
        if all(codes[name] == 0 for name in workers):
            return 0


def _stop(workers):
    """Send SIGTERM to the workers here, and Ctrl-C to those on hosts: SIGTERM would end only ssh."""
    for process in workers.values():
        if not process.stdin:
            process.terminate()
            continue
        with contextlib.suppress(OSError):  # it has ended
            process.stdin.write(b"\x03")
            process.stdin.flush()


def main():
    arguments = parser().parse_args()
    script = arguments.command[0]
    if not script.endswith(".py") or not (ROOT / script).is_file():
        raise UserError(
            f"{script} is not a script of this folder: "
            ".venv/bin/python -m training.cluster --workers 2 -- train_cifar.py ..."
        )
    if "--kv-store dist_sync" not in " ".join(arguments.command).replace("=", " "):
        raise UserError(f"each worker would train alone: add --kv-store dist_sync after {script}")
    tasks = int(os.environ.get("SLURM_NTASKS", 1))
    if "SLURM_PROCID" in os.environ and tasks > 1:  # srun starts this program once for each worker
        if arguments.workers is not None or arguments.hosts:
            raise UserError(
                f"SLURM starts a worker for each of its {tasks} tasks: leave out --workers and "
                "--hosts, and start this by srun; or begin the command with env -u SLURM_PROCID"
            )
        number = int(os.environ["SLURM_PROCID"])
        job = slurm_job(arguments, tasks)
        hosts = {number: None}
        if number == 0:  # a batch script without srun starts only task 0, which then waits forever
            print(f"waiting for {tasks} workers: start this program by srun", file=sys.stderr)
    else:
        number = 0
        job, hosts = job_of(arguments)
    # the processes inherit this, until they are ready to save
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    variables = {}
    if not arguments.hosts:
        variables["OMP_NUM_THREADS"] = shared_threads(len(hosts))
    helpers = {}
    if number == 0:
        port, reservation = reserve(job.root, job.port)
        job = job._replace(port=port)
        for role in ("scheduler", "server"):
            helpers[role] = start([*PYTHON, "-c", SERVE], role, job)
    words = [*PYTHON, *arguments.command]
    workers = {
        f"worker {number}": start(words, "worker", job, host, **variables)
        for number, host in hosts.items()
    }
    return watch(helpers, workers)


def job_of(arguments):
    """Return (Address, {number of a worker: host}) of a job that this program starts completely."""
    workers = 2 if arguments.workers is None else arguments.workers
    hosts = arguments.hosts.split(",") if arguments.hosts else [None] * workers
    if arguments.hosts and arguments.workers not in (None, len(hosts)):
        raise UserError(
            f"--workers {workers} differs from the {len(hosts)} machines of --hosts, which run a "
            "worker each: leave out --workers"
        )
    if len(hosts) < 2:
        raise UserError("a single worker needs no cluster: run the script itself")
    if arguments.hosts and not arguments.root:
        raise UserError(
            "--hosts needs the address of this machine as the hosts see it: --root 10.0.0.1"
        )
    root = arguments.root or LOOPBACK
    job = Address(root, arguments.port, len(hosts), secrets.randbelow(TOKENS))
    return job, dict(enumerate(hosts))


if __name__ == "__main__":
    run_main(main)
