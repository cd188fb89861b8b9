"""Run a script or a module as a user does."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*words, **environment):
    """python -W ignore WORDS in the project's folder, with its output as text."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, words)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
