"""What the documents say is computed, their commands are commands, and their links lead somewhere."""
import subprocess
import sys

from conftest import ROOT


def test_computed_parts_are_up_to_date():
    command = [sys.executable, "-W", "ignore", "-m", "docs.computed", "--check"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
