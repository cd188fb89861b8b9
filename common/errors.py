"""What a user sees when something in their hands is wrong: one line, exit code 2, no traceback."""

import errno
import sys

from .screen import survive

FULL = (
    "the memory is full, or a limit of it is reached (ulimit -v): --recompute needs a "
    "fraction of it (make: ARGS=--recompute), --micro-batch takes a batch in parts "
    "(ARGS=--micro-batch=32), and so does a smaller batch"
)


class UserError(Exception):
    """A mistake that the user can mend; its message is one line that names the cause and the
    remedy.
    """


def run_main(main):
    """Call a script's main(); a UserError, or a file that cannot be read or written, is one line
    and exit code 2, Ctrl-C one.
    """
    survive("stderr")
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(_say(error))
    except KeyboardInterrupt as interrupt:  # it may say where
        print(" ".join(["stopped", *map(str, interrupt.args)]), file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # what reads our output has had enough, as in: make plots | head
        sys.stdout = None
        sys.exit(141)
    except MemoryError:
        sys.exit(_say(FULL))
    except OSError as error:
        where = error.filename or (
            "the disk" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else None
        )
        if where is None:  # not about a file
            raise
        sys.exit(_say(f"{where}: {error.strerror}; mend that, and the same command goes on"))
    except Exception as error:
        # MXNet's own kind of error, which tells a full memory by its words alone
        if not any(
            words in str(error) for words in ("Failed to allocate", "out of memory", "bad_alloc")
        ):
            raise
        sys.exit(_say(FULL))


def _say(message):
    print(f"error: {message}", file=sys.stderr)
    return 2
