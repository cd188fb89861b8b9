"""Keep settings of the user's environment from breaking our packages. Import this before them."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def search_pythonpath_last():
    """Move the folders of PYTHONPATH to the end of sys.path: another NumPy there must not replace
    the locked one.
    """
    names = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = {os.path.abspath(name) for name in names if name} - {str(ROOT)}
    sys.path.sort(key=lambda folder: folder in folders)


def ensure_home():
    """Set HOME to a temporary folder if the user has no home: matplotlib and gluoncv need one."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.path.join(tempfile.gettempdir(), f"home-{os.getuid()}")


search_pythonpath_last()
ensure_home()
