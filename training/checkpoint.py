"""Checkpoints: written whole or not at all, and checked before anything in them is believed.

No pickle.

checkpoint-<iteration>/
    arrays.params   mx.nd.save of everything that a training step changes (training/state.py)
    state.json      the rest: iteration, metrics, recipe, the log up to here; size and SHA-256 of
                    arrays.params; its own SHA-256
The newest two are kept. The sums find damage, not forgery: a checkpoint from a stranger is his
program's word, as any is.
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
    """Why a checkpoint cannot be used, in a few words."""


def found(folder):
    """The folders of a run's checkpoints, the newest last."""
    return sorted(
        (
            path
            for path in Path(folder).glob("checkpoint-*")
            if re.fullmatch(r"checkpoint-\d{1,18}", path.name)
        ),
        key=iteration_of,
    )


def iteration_of(path):
    return int(path.name.split("-")[1])


def recover(folder):
    """After a kill between the two renames of save(): the checkpoint that was to be replaced by one
    of its own iteration.
    """
    for aside in Path(folder).glob("checkpoint-*.aside"):
        target = aside.with_suffix("")
        with writing(folder):
            if target.exists():
                shutil.rmtree(aside)
            else:
                os.replace(aside, target)


def save(folder, arrays, state):
    """Write a checkpoint, whole or not at all, and then remove all but the newest two."""
    folder = Path(folder)
    target, partial = folder / f"checkpoint-{state['iteration']:07d}", folder / "checkpoint.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with writing(folder):
        try:
            partial.mkdir()
            file = partial / "arrays.params"
            content = write_arrays(file, arrays)
            state = {
                **state,
                "arrays": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
            }
            (partial / "state.json").write_text(json.dumps({**state, "sha256": _digest(state)}))
            for path in (file, partial / "state.json", partial):
                sync(path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)  # it may be what fills the disk
            raise
        if target.exists():  # of the same iteration, before its row was written
            os.replace(target, target.with_name(f"{target.name}.aside"))
        os.replace(partial, target)
        sync(folder)
        recover(folder)
        for old in found(folder)[:-KEPT]:
            shutil.rmtree(old)


def write_arrays(file, arrays):
    """Write {name: NDArray} as mx.nd.save does, and return the file's bytes. Raises OSError."""
    try:
        mx.nd.save(str(file), arrays)
    except mx.MXNetError as error:
        raise OSError(None, short(error)) from error
    content = file.read_bytes()
    # MXNet does not see that a disk is full when it closes the file. A whole one ends with the last
    # array's name.
    if not content.endswith(list(arrays)[-1].encode()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return content


def load_state(path):
    """state.json of a checkpoint, as it was saved; raises Damaged."""
    try:
        state = json.loads((path / "state.json").read_bytes())
        if {"iteration", "arrays", "log", "run", "sha256"} - set(state):
            raise Damaged("state.json is of another version of this program")
        if state.pop("sha256") != _digest(state):
            raise Damaged("state.json has another SHA-256 than it says")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise Damaged(f"state.json: {short(error)}") from error
    return state


def load(path):
    """(arrays, state) of a checkpoint, as they were saved; raises Damaged."""
    state, file = load_state(path), path / "arrays.params"
    try:
        size = file.stat().st_size
        if size != state["arrays"]["bytes"]:
            raise Damaged(f"arrays.params has {size:,} bytes, not {state['arrays']['bytes']:,}")
        content = file.read_bytes()
    except OSError as error:
        raise Damaged(f"arrays.params: {short(error)}") from error
    if hashlib.sha256(content).hexdigest() != state["arrays"]["sha256"]:
        raise Damaged("arrays.params has another SHA-256 than state.json says")
    # Only now: MXNet believes every length that it reads, and damaged ones can end the whole
    # process.
    return mx.nd.load_frombuffer(content), state


def newest_checkpoint(folder):
    """(arrays, state) of the newest sound checkpoint of a run; a damaged one before it is named in
    a line.

    (None, None) if there is none at all. Raises UserError if all are damaged.
    """
    damaged = []
    for path in reversed(found(folder)):
        try:
            arrays, state = load(path)
        except Damaged as error:
            damaged.append(f"{path} is damaged ({error})")
            continue
        for words in damaged:
            print(f"{words}: going on from the one before, {path.name}")
        return arrays, state
    if damaged:
        raise UserError(
            f"{'; '.join(damaged)}; no sound checkpoint is left: move {folder} away to begin again"
        )
    return None, None


def _digest(state):
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()
