"""Command lines: what was typed becomes values of their last type, and a mistake is one line."""

import argparse
from pathlib import Path

from .errors import UserError

FLOAT32 = 3.4e38  # the largest, a little rounded down


class Parser(argparse.ArgumentParser):
    """argparse's, whose mistakes are UserErrors and whose help shows a docstring as it is."""

    def __init__(self, description, **options):
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,
        )

    def error(self, message):
        raise UserError(f"{message}; --help lists what there is")


def folder(text):
    """A file or folder that was typed; ~ is the home folder, which a shell leaves alone behind an
    equals sign.

    Raises UserError for nothing, and for the root of the disk.
    """
    if not text.strip():
        raise UserError(
            "an empty name is no file or folder: leave the option out (make: its word), or name one"
        )
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # of a user who is not there
        raise UserError(f"{text}: there is no such home folder") from error
    return path


def new_folder(text):
    """A folder that is to be written into."""
    path = folder(text)
    if path.resolve() == Path(path.resolve().anchor):
        raise UserError(f"{text} is the root of the disk: name a folder below it")
    return path
