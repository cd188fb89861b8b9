"""Standard output and standard error, whose reader may be gone: a terminal that was closed, a tee
that
Ctrl-C reached first, a full disk. What nobody can read any more is no reason to lose a run."""

import contextlib
import os
import sys


class Screen:
    """A text stream that keeps its errors to itself."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        try:
            return self._stream.write(text)
        except (OSError, ValueError, RuntimeError):  # gone; closed; in the middle of another write
            return len(text)

    def flush(self):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def survive(name):
    """Make sys.stdout or sys.stderr, by its name, such a stream."""
    if not isinstance(getattr(sys, name), Screen):
        setattr(sys, name, Screen(getattr(sys, name)))


def prepare():
    """Print what the terminal's encoding lacks as \\x.., and open what the shell has closed (2>&-).

    Else the next file that is opened would take the closed one's number, and get our messages.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
