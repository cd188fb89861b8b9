"""Stop a run between two batches, after a signal or at its time limit. Does not import MXNet.

docs/RUNNING.md lists the exit codes.
"""

import math
import re
import signal
import sys
import time
from collections import deque

from tqdm import tqdm

BEGAN = time.monotonic()  # when the process began, before the data set is loaded
OUT_OF_TIME = 75  # EX_TEMPFAIL
# A checkpoint takes some hundredths of a second, half a second for 1001 layers.
CHECKPOINT_SECONDS = 60
# timeout, make, shells and SLURM can send one request to stop twice
REPEATED_SECONDS = 2
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESUMABLE = (OUT_OF_TIME, *(128 + number for number in STOPPING))  # exit codes


class Stopped(Exception):
    """Raised with an exit code when the run has to end; a checkpoint has been written."""


class Requests(list):
    """The signals that ask a process to stop, in order. Repetitions soon after one are left out."""

    _time = -math.inf

    def add(self, number):
        """Append a signal. Returns whether it is a new request."""
        now = time.monotonic()
        if now - self._time < REPEATED_SECONDS:
            return False
        self._time = now
        self.append(number)
        return True


class Interruptions:
    """A context in which SIGINT, SIGTERM and SIGHUP take effect at the next look().

    SIGUSR1 requests a checkpoint there.

    save      writes a checkpoint
    deadline  time.monotonic() at which the run must have ended
    follows   whether this worker trains as long as worker 0 does: signals and deadline are ignored
    in_job    whether this is one of several workers. SIGHUP then ends it at once: the connection to
              training.cluster is lost, and it would wait for the others forever
    """

    def __init__(self, save, deadline, follows=False, in_job=False):
        self._save = save
        self._deadline = deadline
        self._follows = follows
        self._in_job = in_job
        self._code = None
        self._requests = Requests()
        self._save_requested = False
        self._saved = time.monotonic()
        self._looked = None
        self._batches = deque([0.0], maxlen=20)  # seconds of recent batches
        self._saving = 0.0  # seconds of the last checkpoint

    def __enter__(self):
        stop = signal.SIG_IGN if self._follows else self._stop
        handlers = {**dict.fromkeys(STOPPING, stop), signal.SIGUSR1: self._request_save}
        if self._in_job or signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # by nohup
            del handlers[signal.SIGHUP]
        self._before = {
            number: signal.signal(number, handler) for number, handler in handlers.items()
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number, frame):
        if not self._requests.add(number):
            return
        if len(self._requests) > 1:
            raise SystemExit(128 + number)
        self._code = self._code or 128 + number
        tqdm.write(
            f"stopping after this batch (another signal after {REPEATED_SECONDS} s stops at once; "
            "iterations since the last checkpoint are then lost)",
            file=sys.stderr,
        )

    def _request_save(self, number, frame):
        self._save_requested = True

    def look(self, last=False):
        """Save a checkpoint if one is due, and stop if a signal or the time limit requires it.

        Call this after each batch, of training or of a test. last: after the last batch, which
        saves and does not stop. Raises Stopped.
        """
        if self._follows:
            return
        now = time.monotonic()
        if self._looked is not None:  # the first step is slow and no measure of the next ones
            self._batches.append(now - self._looked)
        # the next batch and a checkpoint must still fit in; the longest batch may have been a pause
        needed = max(sorted(self._batches)[-2:][0], self._saving)
        if not self._code and now + 1 + 2 * needed > self._deadline:
            self._code = OUT_OF_TIME
        if self._code or self._save_requested or last or now - self._saved > CHECKPOINT_SECONDS:
            self._save()
            self._saved = time.monotonic()
            self._saving = self._saved - now
            if self._save_requested:
                self._save_requested = False
                tqdm.write("checkpoint written", file=sys.stderr)
        if self._code and not last:
            raise Stopped(self._code)
        self._looked = time.monotonic()


def duration(text):
    """Return the seconds of '3h', '90m', '1h30m', '45s' or '45'. Raises ValueError.

    A number after h or m needs a unit, because '1h30' is ambiguous.
    """
    timed = f"{text}s" if text.isdecimal() else text
    parts = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", timed)
    if not parts or not text:
        raise ValueError
    return sum(int(count or 0) * unit for count, unit in zip(parts.groups(), (3600, 60, 1)))
