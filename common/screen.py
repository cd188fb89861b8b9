"""Standard output and standard error that ignore write errors: a closed terminal, a tee ended by
Ctrl-C, or a full disk. No run is lost because its messages cannot be written.
"""

import contextlib
import os
import sys


class Screen:
    """A text stream that ignores errors of writing."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        try:
            return self._stream.write(text)
        except (OSError, ValueError, RuntimeError):  # lost, closed, or in another write
            return len(text)

    def flush(self):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def survive(name):
    """Wrap sys.stdout or sys.stderr, given by its name, in a Screen."""
    if not isinstance(getattr(sys, name), Screen):
        setattr(sys, name, Screen(getattr(sys, name)))


def prepare():
    """Escape characters that the terminal's encoding lacks, and open streams that the shell closed.

    If the shell has closed a stream (2>&-), the next opened file would get its number, and our
    messages would be written into that file.
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
