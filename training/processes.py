"""Train planned runs in processes, several at once."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from common.command import PYTHON
from common.environment import GIVEN, shared_threads
from common.errors import UserError
from common.files import ROOT

from .interrupt import RESUMABLE

TRAIN = ["train_cifar.py"]
# exit codes of a run that was stopped and can be resumed; negative: before it handled the signal
STOPPED = (*RESUMABLE, -signal.SIGINT, -signal.SIGTERM)


def slots(arguments):
    """Return the options of the processes that train at once: equal shares of the GPUs."""
    jobs = arguments.jobs
    if len(arguments.gpus) % jobs:
        raise UserError(
            f"--jobs {jobs} (make: -j{jobs}) does not divide {len(arguments.gpus)} GPUs equally: "
            "choose a divisor"
        )
    if not arguments.gpus:
        return [[]] * jobs
    gpus = list(map(str, arguments.gpus))
    return [["--gpus", ",".join(gpus[i::jobs])] for i in range(jobs)]


def environment(arguments):
    """Return the environment of one of several runs, with its share of the cores."""
    return {**GIVEN, "OMP_NUM_THREADS": shared_threads(arguments.jobs)}


class Trainer:
    """Trains runs in processes, several at once, each with an equal share of cores or GPUs.

    After train(), `failed` has a line for each run that failed, and `stopped` is True if a signal
    or a time limit ended the work.
    """

    def __init__(self, arguments):
        self.failed = []
        self.stopped = False
        self._arguments = arguments
        self._processes = []
        self._free = SimpleQueue()
        for slot in slots(arguments):
            self._free.put(slot)

    def train(self, runs):
        """Train all runs."""
        # SIGTERM reaches this process only; the runs have to write their checkpoints
        handler = signal.signal(signal.SIGTERM, self._stop)
        # SLURM sends it to each process, also to the runs, which save a checkpoint
        usual = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        with ThreadPoolExecutor(self._arguments.jobs) as pool:
            try:
                list(pool.map(self._train, runs))
            except KeyboardInterrupt:  # the runs receive it, too
                self.stopped = True
            finally:
                signal.signal(signal.SIGTERM, handler)
                signal.signal(signal.SIGUSR1, usual)

    def _stop(self, number, frame):
        self.stopped = True
        for process in self._processes:
            process.terminate()

    def _train(self, run):
        if self.stopped:
            return
        slot = self._free.get()
        try:
            fault = self._printed_fault(run, slot)
        except OSError as error:
            fault = ": ".join(filter(None, (error.strerror, error.filename)))
        self._free.put(slot)
        if fault:
            self.failed.append(f"{run}, {fault}")
        if self._arguments.jobs > 1:
            result = "FAILED" if fault else "stopped" if self.stopped else "ends"
            print(f"{result}: {run}", flush=True)

    def _printed_fault(self, run, slot):
        """Train a run, and return the result of _fault().

        The output of a single run at a time is printed. If several runs train at once, it is
        written to files, because several progress bars on one screen are unreadable.
        """
        if self._arguments.jobs == 1:
            return self._fault(run, slot, None)
        print(f"begins: {run}", flush=True)
        path = run.folder / "output.txt"
        run.folder.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as output:
            fault = self._fault(run, slot, output)
        return fault and f"{fault}: see {os.path.relpath(path)}"

    def _fault(self, run, slot, output):
        """Train a run in a process. Returns 'exit code 2', or '' if it ended or was stopped."""
        process = subprocess.Popen(
            [*PYTHON, *TRAIN, *run.options, *slot],
            cwd=ROOT,
            env=environment(self._arguments),
            stdout=output,
            stderr=output,
        )
        self._processes.append(process)
        if self.stopped:  # the signal came while the process began
            process.terminate()
        code = process.wait()
        self._processes.remove(process)
        if code in STOPPED:
            self.stopped = True
        return "" if code == 0 or code in STOPPED else f"exit code {code}"

    def report(self):
        """Print what failed. Returns the exit code."""
        for line in self.failed:
            print(f"failed: {line}", file=sys.stderr)
        if self.stopped:
            print("stopped; re-run the command to resume", file=sys.stderr)
        return 130 if self.stopped else bool(self.failed)
