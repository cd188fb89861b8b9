"""A run's figure, drawn while it trains."""

import contextlib
import math
import subprocess
import sys
import time

from common.files import ROOT

SECONDS = 30  # between two figures, at least


class Figure:
    """Draws curves.png of a run folder in another process, so that training does not wait."""

    MODULE = "plots.curves"

    def __init__(self, folder):
        self.folder = folder
        self._command = [sys.executable, "-m", self.MODULE, folder.resolve()]
        self._process = None
        self._drawn = -math.inf

    def draw(self):
        """Start a process that draws the log, unless one is running or has just been started."""
        running = self._process and self._process.poll() is None
        if not running and time.monotonic() - self._drawn > SECONDS:
            self._drawn = time.monotonic()
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            # A session of its own protects it from Ctrl-C. If the process cannot be started, for
            # example for lack of memory, the next test or finish() draws the figure.
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    self._command, cwd=ROOT, start_new_session=True, **silent
                )

    def finish(self):
        """Draw the complete log. If this fails, print a warning; the run is complete anyway."""
        if self._process:
            self._process.wait()
        try:
            done = subprocess.run(self._command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        except OSError as error:
            reason = error.strerror
        else:
            words = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            reason = words[-1] if done.returncode else None
        if reason:
            print(
                f"warning: the figure cannot be drawn ({reason}); re-run the command to draw it",
                file=sys.stderr,
            )
