"""Errors that a user can fix: one line, exit code 2, no traceback."""

import errno
import sys

from .screen import survive

FULL = (
    "the memory is full, or its limit is reached (ulimit -v). To train with less, use --recompute, "
    "which needs a fraction of it (make: ARGS=--recompute), --micro-batch, which trains a batch in "
    "parts (ARGS=--micro-batch=32), or a smaller batch"
)
FULL_IN_MXNET = ("Failed to allocate", "out of memory", "bad_alloc")
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A mistake that the user can fix. Its message is one line with the cause and the remedy."""


def run_main(main):
    """Run a script's main() and exit with its exit code.

    A UserError, a full memory, and a file that cannot be read or written end with one line and exit
    code 2; Ctrl-C ends with one line and 130.
    """
    survive("stderr")
    try:
        sys.exit(main())
    except UserError as error:
        _stop(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has ended, as in: make plots | head
        sys.stdout = None
        sys.exit(141)
    except MemoryError:
        _stop(FULL)
    except OSError as error:
        place = error.filename or ("the disk" if error.errno in FULL_DISK else None)
        if place is None:  # not about a file
            raise
        _stop(f"{place}: {error.strerror}; fix this and run the command again")
    except Exception as error:
        # MXNet has one type of error; only the text says that the memory is full
        if not any(text in str(error) for text in FULL_IN_MXNET):
            raise
        _stop(FULL)


def _stop(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
