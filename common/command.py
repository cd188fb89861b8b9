"""Command lines: arguments are converted to their final types; a mistake is a one-line error."""

import argparse
import subprocess
import sys
from pathlib import Path

from .errors import UserError
from .files import ROOT

FLOAT32 = 3.4e38  # the largest float32, rounded down
PYTHON = (sys.executable, "-W", "ignore")  # starts a script of this project


def option_name(field):
    """Return '--batch-size' for the field batch_size of a recipe."""
    return f"--{field.replace('_', '-')}"


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UserError and shows its description unformatted."""

    def __init__(self, description):
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message):
        raise UserError(f"{message}; --help lists the options")


def folder(text):
    """Return the path of a file or folder. Expands ~, which shells do not expand in --option=~/x.

    Raises UserError for an empty name and for an unknown home folder.
    """
    if not text.strip():
        raise UserError(
            "an empty name is not a file or folder: leave the option out (make: its variable), or "
            "give a name"
        )
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # an unknown user
        raise UserError(f"{text}: this home folder does not exist") from error


def new_folder(text):
    """Return the path of a folder for output. Raises UserError for the root of the disk, too."""
    path = folder(text)
    if path.resolve() == Path(path.resolve().anchor):
        raise UserError(f"{text} is the root of the disk: name a folder below it")
    return path


def positive(text):
    """Convert text to a positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive integer")
    return int(text)


def last_line(*words, environment=None):
    """Run a script of this project. Returns the last line of its output.

    Raises UserError with the last line of its errors if it fails.
    """
    command = [*PYTHON, *words]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, env=environment)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it was killed: is the memory full?"]
        raise UserError(lines[-1])
    return done.stdout.splitlines()[-1]
