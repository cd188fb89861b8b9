"""Which source made a run: the commit, what was changed since, and the network's graph."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

GENERATED = (":!results", ":!plots/figures")  # what runs write themselves
# layers.concat's axis and layers.zero_padding's subsampling, and how runs from before have them:
# the same to the bit
NOW_AND_BEFORE = [
    (r'"dim": "-3"', r'"dim": "1"'),
    (
        r'"Pooling", (\s+"name": "\w+_subsample", \s+"attrs": {\s+)"kernel": "\(1, 1\)", (\s+)'
        r'"pool_type": "avg", \s+"stride": "\((\d+, \d+)\)"',
        r'"slice", \1"begin": "(None, None, None, None)", \2"end": "(None, None, None, None)", \2'
        r'"step": "(None, None, \3)"',
    ),
]


def source(root):
    """{"commit": its hash, "uncommitted": ["M symbols/layers.py", ...]} of a checkout.

    None for both without git, and where root is no checkout of its own: files that were unpacked
    inside another one are not of its commit.
    """
    # GIT_DIR and its like name another repository than the one that root lies in
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
    """sha1 of a network's graph, by which a run's folder knows it again."""
    graph = symbol.tojson()
    for now, before in NOW_AND_BEFORE:
        graph = re.sub(now, before, graph)
    return hashlib.sha1(graph.encode()).hexdigest()
