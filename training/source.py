"""The source of a run: the commit, uncommitted changes, and the network's graph."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

GENERATED = (":!results", ":!plots/figures")  # runs write these


def source(root):
    """Return {"commit": hash, "uncommitted": ["M symbols/layers.py", ...]} of a checkout.

    Both are None without git, and where root is not the top of its own checkout: files unpacked
    inside another checkout do not belong to its commit.
    """
    # GIT_DIR and similar variables would name another repository
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
        )
        return done.stdout.splitlines() if done.returncode == 0 else []

    unknown = {"commit": None, "uncommitted": None}
    if not shutil.which("git"):
        return unknown
    top = git("rev-parse", "--show-toplevel")
    commit = git("rev-parse", "HEAD")
    if not commit or not top or Path(top[0]).resolve() != Path(root).resolve():
        return unknown
    changes = git("status", "--porcelain", "--untracked-files=all", "--", ".", *GENERATED)
    return {
        "commit": commit[0],
        "uncommitted": [" ".join(line.split(maxsplit=1)) for line in changes],
    }


def fingerprint(symbol):
    """Return the SHA-1 of a network's graph, by which a run folder recognizes its network."""
    return hashlib.sha1(symbol.tojson().encode()).hexdigest()
