"""A copy of the project's source, in which a test may add files, and commands that run in it."""

import os
import shutil
import subprocess
import sys

from common.files import ROOT

ROOMS = ("symbols", "training", "data", "plots", "paper", "analysis", "common")


def source_copy(folder):
    """Fill a folder with the source; returns it."""

    def left_out(_, inside):
        return [
            name
            for name in inside
            if not (name.endswith((".py", ".csv")) or name in ("shortcuts", "activations"))
        ]

    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=left_out)
    shutil.copy(ROOT / "train_cifar.py", folder)
    return folder


def run_in(folder, *command, **environment):
    """(exit code, standard output, standard error) of a Python command in a folder."""
    environment = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, command)],
        cwd=folder,
        text=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr
