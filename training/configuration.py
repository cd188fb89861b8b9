"""config.json of a run: everything that is needed to repeat it, and where it was trained."""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import mxnet as mx
import numpy as np

from common.environment import processor
from common.files import ROOT

from . import devices

GENERATED = (":!results", ":!plots/figures")  # runs write these


def configuration(job, arguments, workers, initial, recompute):
    """Return the content of config.json.

    workers: their number. initial: the training.initial.Initial that the run starts from, or None.
    recompute: whether activations are computed twice.
    """
    return {
        "name": job.name,
        "scale": arguments.scale,
        "recipe": {
            **job.network,
            **job.recipe.settings(),
            "dataset": arguments.dataset,
            "kv_store": arguments.kv_store,
            "devices": devices.count(arguments),
            "workers": workers,
            "data": job.dataset.fingerprint,
        },
        "command": shlex.join([_python(), *_program(workers), *sys.argv[1:]]),
        "initial_sha256": initial.sha256 if initial else None,
        "data": job.dataset.name,
        "classes": list(job.dataset.class_names),
        "train_images": len(job.dataset.train_images),
        "test_images": len(job.dataset.test_images),
        "network": fingerprint(job.symbol),
        "parameters": job.parameters,
        "host": {
            "machine": platform.machine(),
            "processor": processor(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "devices": f"GPU {arguments.gpus}" if arguments.gpus else f"CPU x {arguments.cpus}",
            "deterministic": arguments.deterministic or not arguments.gpus,
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
            "recompute": recompute,
        },
        "versions": {
            **source(ROOT),
            "python": platform.python_version(),
            "mxnet": mx.__version__,
            "numpy": np.__version__,
            "pillow": metadata.version("pillow"),
        },
    }


def _python():
    """Return '.venv/bin/python' if it runs this process, so that messages can name the command."""
    return (
        ".venv/bin/python" if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve() else "python"
    )


def _program(workers):
    """Return what started this process: ["train_cifar.py"], or ["-m", "analysis.departures"].

    Several workers need the scheduler and the server that training.cluster starts.
    """
    spec = sys.modules["__main__"].__spec__
    if spec:
        return ["-m", spec.name]
    starter = ["-m", "training.cluster", "--workers", str(workers), "--"] if workers > 1 else []
    return [*starter, Path(sys.argv[0]).name]


def fingerprint(symbol):
    """Return the SHA-1 of a network's graph, by which a run folder recognizes its network."""
    return hashlib.sha1(symbol.tojson().encode()).hexdigest()


def source(root):
    """Return {"commit": hash, "uncommitted": ["M symbols/layers.py", ...]} of a checkout.

    Both are None without git, and where root is not the top of a checkout.
    """

    def git(*arguments):
        # without these options, git could use GIT_DIR or an outer checkout, which are not ours
        command = ["git", f"--git-dir={root}/.git", f"--work-tree={root}", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
        return done.stdout.decode(errors="replace").splitlines()

    try:
        (commit,) = git("rev-parse", "HEAD")
        changes = git("status", "--porcelain", "--untracked-files=all", "--", ".", *GENERATED)
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "uncommitted": None}
    uncommitted = [" ".join(line.split(maxsplit=1)) for line in changes]
    return {"commit": commit, "uncommitted": uncommitted}
