"""One run's folder: config.json, log.csv and one checkpoint. Nothing in it is ever half written or lost by accident.

results/<scale>/<name>/seed<k>/
    config.json             every option, versions, host: enough to run it again
    log.csv                 one row every --log-every iterations; the test columns every --test-every and at the end
    checkpoint-<iteration>/ arrays.params (mx.nd.save) and state.json; only the newest is kept
"""
import fcntl
import json
import os
import shutil
from pathlib import Path

import mxnet as mx

from errors import UserError

from .log import COLUMNS, is_finished, read_log, write_number


class Run:
    """An open run folder. Raises UserError if it holds another recipe, or if another process is training in it."""

    def __init__(self, folder, config):
        self.folder, self.config = Path(folder), config
        self.iterations = config["recipe"]["iterations"]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / ".lock", "w")  # noqa: SIM115 (held as long as the run is open)
        except OSError as error:
            raise UserError(f"cannot write to {self.folder} ({error.strerror}): choose another folder by --output "
                            "(make: OUTPUT=)") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"another process is training in {self.folder}: wait for it, stop it, or choose another folder "
                            "by --output (make: OUTPUT=)") from error
        if (self.folder / "config.json").exists():
            self._refuse_another_recipe()
        else:
            _write(self.folder / "config.json", json.dumps(config, indent=2) + "\n")

    def _refuse_another_recipe(self):
        try:
            there = json.loads((self.folder / "config.json").read_text())
            recipe, network, _ = there["recipe"], there["network"], there["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.folder / 'config.json'} is not a run's configuration: choose another folder by --output "
                            "(make: OUTPUT=)") from error
        for option, value in self.config["recipe"].items():
            if recipe.get(option) != value:
                then, now = json.dumps(recipe.get(option)), json.dumps(value)
                if option == "data":  # two fingerprints would tell nobody anything
                    then, now = there["data"], f"these files ({self.config['data']})"
                raise UserError(f"{self.folder} holds a run with {option} {then}, not {now}: repeat it as it was, or choose "
                                "another folder by --output (make: OUTPUT=)")
        if network != self.config["network"]:
            raise UserError(f"{self.folder} holds a run of another network: a file under symbols/ has changed since; "
                            "undo that, or choose another folder by --output (make: OUTPUT=)")

    @property
    def finished(self):
        """Whether log and checkpoint are both at the end; a log without any checkpoint, as it is published, will do."""
        rows, checkpoints = read_log(self.folder), self._checkpoints()
        return is_finished(rows, self.iterations) and (
            not checkpoints or checkpoints[-1].name == f"checkpoint-{int(rows[-1]['iteration']):07d}")

    def _checkpoints(self):
        return sorted(self.folder.glob("checkpoint-*[0-9]"))

    def checkpoint(self):
        """(arrays, state) of the newest checkpoint; (None, None) for a new run. Rows that came after it are dropped."""
        whole = self._checkpoints()
        if not whole:
            if read_log(self.folder):
                raise UserError(f"{self.folder} has a log but no checkpoint, so it cannot go on: move it away to begin again, "
                                "or choose another folder by --output (make: OUTPUT=)")
            self._rewrite_log([])
            return None, None
        newest = whole[-1]
        try:
            arrays = mx.nd.load(str(newest / "arrays.params"))
            state = json.loads((newest / "state.json").read_text())
            kept = [row for row in read_log(self.folder) if row["iteration"] <= state["iteration"]]
        except (OSError, ValueError, KeyError, mx.MXNetError) as error:
            raise UserError(f"{newest} is damaged ({str(error).splitlines()[0]}): move {self.folder} away to begin "
                            "again") from error
        self._rewrite_log(kept)
        return arrays, state

    def save(self, arrays, state):
        """Write a checkpoint, whole or not at all, and then remove the one before."""
        target = self.folder / f"checkpoint-{state['iteration']:07d}"
        partial = self.folder / "checkpoint.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            mx.nd.save(str(partial / "arrays.params"), arrays)
            _write(partial / "state.json", json.dumps(state))
            # the rows that the checkpoint stands for must be on the disk before it is
            for path in (partial / "arrays.params", partial, self.folder / "log.csv"):
                _sync(path)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(partial, target)
            _sync(self.folder)
        except (OSError, mx.MXNetError) as error:
            raise UserError(f"cannot write a checkpoint into {self.folder} ({str(error).splitlines()[0]}): is the disk full? The "
                            "one before is kept, and the same command goes on from it") from error
        for old in self._checkpoints():
            if old != target:
                shutil.rmtree(old)

    def log(self, **row):
        """Append one row to log.csv."""
        with open(self.folder / "log.csv", "a", newline="") as file:
            file.write(_line(row))

    def _rewrite_log(self, rows):
        _write(self.folder / "log.csv", ",".join(COLUMNS) + "\n" + "".join(map(_line, rows)))


def _line(row):
    """A row as it stands in log.csv; what it lacks is empty."""
    return ",".join(write_number(row.get(name)) for name in COLUMNS) + "\n"


def _write(path, text):
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    _sync(partial)
    os.replace(partial, path)


def _sync(path):
    """Wait until a file or folder is on the disk: a rename must not get there before what it renames."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
