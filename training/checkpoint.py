"""Checkpoints: written completely or not at all, and verified before they are used. No pickle.

checkpoint-<iteration>/
    arrays.params   mx.nd.save of everything that a training step changes (training/state.py)
    state.json      the rest: iteration, metrics, config.json, the log up to here; SHA-256 of
                    arrays.params; its own SHA-256

The checksums detect corruption, not forgery: a checkpoint from somebody else is untrusted input.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import mxnet as mx

from common.errors import UserError
from common.files import short, sync, writing

KEPT = 2


class Damaged(Exception):
    """A checkpoint is corrupt; the message says why, in a few words."""


def name(iteration):
    """Return the name of a checkpoint's folder."""
    return f"checkpoint-{iteration:07d}"


def paths(folder):
    """Return the folders of a run's checkpoints, the newest last."""
    candidates = Path(folder).glob("checkpoint-*")
    checkpoints = [path for path in candidates if re.fullmatch(r"checkpoint-\d{1,18}", path.name)]
    return sorted(checkpoints, key=iteration_of)


def iteration_of(path):
    """Return the iteration in the name of a checkpoint's folder."""
    return int(path.name.split("-")[1])


def save(folder, arrays, state):
    """Write a checkpoint, completely or not at all, and remove all but the newest two.

    arrays: {name: NDArray}. state: what state.json contains, with "iteration". Raises UserError if
    the disk is full.
    """
    folder = Path(folder)
    target = folder / name(state["iteration"])
    partial = folder / "checkpoint.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with writing(folder):
        try:
            partial.mkdir()
            content = write_arrays(partial / "arrays.params", arrays)
            state = {**state, "arrays": {"sha256": hashlib.sha256(content).hexdigest()}}
            (partial / "state.json").write_text(json.dumps({**state, "sha256": _digest(state)}))
            for path in (*partial.iterdir(), partial):
                sync(path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)  # it may be what fills the disk
            raise
        if target.exists():  # saved before this iteration's row was logged, with equal arrays
            for file in ("arrays.params", "state.json"):
                os.replace(partial / file, target / file)
            partial.rmdir()
        else:
            os.replace(partial, target)
        sync(folder)
        for old in paths(folder)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)  # the next save tries again


def write_arrays(file, arrays):
    """Write {name: NDArray} as mx.nd.save does, and return the file's bytes. Raises OSError."""
    try:
        mx.nd.save(str(file), arrays)
    except (mx.MXNetError, UnicodeEncodeError) as error:  # the latter: a path that is not UTF-8
        raise OSError(None, short(error)) from error
    content = file.read_bytes()
    # MXNet does not notice a full disk when it closes the file. A complete file ends with the name
    # of the last array.
    if not content.endswith(list(arrays)[-1].encode()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return content


def load(path):
    """Return (arrays, state) of a checkpoint as they were saved. Raises Damaged."""
    file = "state.json"
    try:
        state = json.loads((path / file).read_bytes())
        if state.pop("sha256") != _digest(state):
            raise ValueError("its SHA-256 differs from the recorded one")
        file = "arrays.params"
        content = (path / file).read_bytes()
        if hashlib.sha256(content).hexdigest() != state["arrays"]["sha256"]:
            raise ValueError("its SHA-256 differs from the one in state.json")
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"{file}: {short(error)}") from error
    # Load after the check: MXNet trusts every length in a file, and a wrong one can crash it.
    return mx.nd.load_frombuffer(content), state


def newest_checkpoint(folder):
    """Return (arrays, state) of a run's newest valid checkpoint; (None, None) without checkpoints.

    Prints a line for each corrupt one that is newer. Raises UserError if all are corrupt.
    """
    corrupt = []
    for path in reversed(paths(folder)):
        try:
            arrays, state = load(path)
        except Damaged as error:
            corrupt.append(f"{path} is corrupt ({error})")
            continue
        for line in corrupt:
            print(f"{line}: using the previous one, {path.name}")
        return arrays, state
    if corrupt:
        raise UserError(
            f"{'; '.join(corrupt)}; no valid checkpoint is left: move {folder} away to start again"
        )
    return None, None


def _digest(state):
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()
