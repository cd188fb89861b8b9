"""What can interrupt a run between two batches: a signal, or the end of its time. Needs no MXNet.

A run leaves one of these exit codes, so that a scheduler knows what to do with it:
    0    finished, or diverged, which is a result too
    2    something is wrong that has to be mended first; one line says what
    75   the time limit came (EX_TEMPFAIL): submit the same command again
    129  SIGHUP (the terminal has gone)   130  SIGINT (Ctrl-C)   143  SIGTERM: the same command goes
         on, too
"""

import re
import signal
import sys
import time

from tqdm import tqdm

from common.errors import UserError

OUT_OF_TIME = 75


class Stopped(Exception):
    """Raised between two batches when the run has to end; a checkpoint has been written."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Interruptions:
    """Within this context SIGINT, SIGTERM and SIGHUP wait for the next look();

    SIGUSR1 asks for a checkpoint there.

    save: writes a checkpoint; done every `seconds`, and whenever something asks for it. deadline:
    time.monotonic() of the end.
    """

    def __init__(self, save, seconds, deadline):
        self._save, self._seconds, self._deadline = save, seconds, deadline
        self._code, self._save_now, self._saved = None, False, time.monotonic()
        self._looked, self._longest = None, 0.0

    def __enter__(self):
        handlers = {
            signal.SIGINT: self._stop,
            signal.SIGTERM: self._stop,
            signal.SIGUSR1: self._ask,
        }
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which nohup asks for
            handlers[signal.SIGHUP] = self._stop
        self._before = {
            number: signal.signal(number, handler) for number, handler in handlers.items()
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number, frame):
        if self._code:
            raise SystemExit(128 + number)
        self._code = 128 + number
        tqdm.write(
            "stopping after this batch (once more: stop at once, and lose what came after the last"
            " checkpoint)",
            file=sys.stderr,
        )

    def _ask(self, number, frame):
        self._save_now = True

    def look(self, last=False):
        """Call this after each batch, of training or of a test.

        Raises Stopped; not after the last one, which only saves.
        """
        now = time.monotonic()
        if self._looked is not None:  # the first step is slow, and says nothing of the next ones
            self._longest = max(self._longest, now - self._looked)
        # the next batch and a checkpoint must still fit in
        if not self._code and now + 1 + 2 * self._longest > self._deadline:
            self._code = OUT_OF_TIME
        if self._code or self._save_now or last or now - self._saved > self._seconds:
            self._save()
            self._saved = time.monotonic()
            self._longest = max(self._longest, self._saved - now)
            if self._save_now:
                self._save_now = False
                tqdm.write("checkpoint written", file=sys.stderr)
        if self._code and not last:
            raise Stopped(self._code)
        self._looked = time.monotonic()


class Never:
    """In Interruptions' place in a worker that writes nothing: it goes on as long as worker 0 does,
    whatever it is sent.
    """

    def __enter__(self):
        self._before = {
            number: signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def look(self, last=False):
        pass


def duration(text):
    """Seconds of '3h', '90m', '1h30m', '45s' or '45'. Raises UserError."""
    parts = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s?)?", text)
    if not parts or not any(parts.groups()):
        raise UserError(
            f"--time-limit {text}: write hours, minutes or seconds, as 3h, 90m, 1h30m or 45s"
        )
    return sum(int(count or 0) * unit for count, unit in zip(parts.groups(), (3600, 60, 1)))
