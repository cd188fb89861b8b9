"""Command lines: arguments become values of their final type, and a mistake is one line."""

import argparse
from pathlib import Path

from .errors import UserError

FLOAT32 = 3.4e38  # the largest float32, rounded down


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UserError and shows its description unformatted."""

    def __init__(self, description, **options):
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,
        )

    def error(self, message):
        raise UserError(f"{message}; --help lists the options")


def folder(text):
    """Path of a file or folder. Shells do not expand ~ after an equals sign, so this does.

    Raises UserError for an empty name and for an unknown home folder.
    """
    if not text.strip():
        raise UserError(
            "an empty name is not a file or folder: leave the option out (make: its variable), or "
            "give a name"
        )
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # an unknown user
        raise UserError(f"{text}: this home folder does not exist") from error
    return path


def new_folder(text):
    """Path of a folder for output. Raises UserError for the root of the disk, too."""
    path = folder(text)
    if path.resolve() == Path(path.resolve().anchor):
        raise UserError(f"{text} is the root of the disk: name a folder below it")
    return path
