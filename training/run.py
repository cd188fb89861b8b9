"""One run's folder: config.json, log.csv and checkpoints. Nothing in it is ever half written or lost by accident.

runs/<scale>/<name>/seed<k>/
    config.json             every option, versions, commit, host: enough to run it again; where it went on with others
    log.csv                 one row every --log-every iterations; the test columns every --test-every and at the end
    checkpoint-<iteration>/ the newest two (training/checkpoint.py); each holds the log up to it
"""
import fcntl
import json
import os
import socket
import time
from pathlib import Path

from common.errors import UserError
from common.files import write_whole, writing

from . import checkpoint
from .checkpoint import newest_checkpoint
from .log import COLUMNS, is_finished, read_log, write_number
from .recipe import setting

ELSEWHERE = "choose another folder by --output (make: OUTPUT=)"


class Run:
    """An open run folder. Raises UserError if it holds another recipe, or if another process is training in it."""

    def __init__(self, folder, config, keep_going=False):
        self.folder = Path(folder)
        self.config = json.loads(json.dumps(config))  # as it will be read again
        self._keep_going, self._log, self._began_as = keep_going, "", None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / ".lock", "a+")  # noqa: SIM115 (held as long as the run is open)
        except OSError as error:
            raise UserError(f"cannot write to {self.folder} ({error.strerror}): {ELSEWHERE}") from error
        try:
            self._hold_lock()
            if (self.folder / "config.json").exists():
                self._read_config()
            else:
                self._write_config(self.config)
        except UserError:
            self.close()
            raise

    def _hold_lock(self):
        """The kernel frees the lock of a dead process, however it died; the file says who holds it, and proves nothing."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.seek(0)
            holder = "".join(filter(str.isprintable, self._lock.read(200))) or "it does not say which"
            raise UserError(f"another process ({holder}) is training in {self.folder}: wait for it, stop it, or {ELSEWHERE}"
                            ) from error
        except OSError as error:
            raise UserError(f"cannot lock {self.folder} ({error.strerror}): {ELSEWHERE}") from error
        with writing(self.folder):
            self._lock.truncate(0)
            self._lock.write(f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            self._lock.flush()

    def _read_config(self):
        """Refuse another recipe than that of config.json, and a config.json that is not what the checkpoints were made by."""
        path = self.folder / "config.json"
        try:
            there = json.loads(path.read_bytes())
            shapes = {"recipe": dict, "network": str, "data": str, "continued": list}
            if not all(isinstance(there.setdefault(key, []), shape) for key, shape in shapes.items()):
                raise ValueError
            if not all(isinstance(each, dict) for each in there["continued"]):
                raise ValueError
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(f"{path} is not a run's configuration: {ELSEWHERE}") from error
        self._refuse_another(there, f"{self.folder} holds a run")
        for folder in reversed(checkpoint.found(self.folder)):
            try:
                made_by = checkpoint.load_state(folder)["run"]
            except checkpoint.Damaged:
                continue
            self._refuse_another(made_by, f"{path} was edited: {folder.name} is of a run")
            break
        self._began_as = there

    def _refuse_another(self, there, what):
        for option in self.config["recipe"]:
            before = setting(there["recipe"], option)
            value = setting(self.config["recipe"], option)
            if before == value:
                continue
            if option == "data":  # two fingerprints would tell nobody anything
                then = json.dumps(there["data"])[1:200].rstrip('"')
                here = f"these files ({self.config['data']})"
            else:
                then = json.dumps(before)[:200]
                here = json.dumps(value)[:200]
            raise UserError(f"{what} with {option} {then}, not {here}: repeat it as it was, or {ELSEWHERE}")
        if there["network"] != self.config["network"]:
            raise UserError(f"{what} of another network: a file under symbols/ has changed since; undo that, or {ELSEWHERE}")

    def _write_config(self, config):
        write_whole(self.folder / "config.json", json.dumps(config, indent=2) + "\n")

    def _note_changes(self, iteration):
        """Into config.json: that the run goes on with another commit, other packages or on another host than so far."""
        here = {key: self.config.get(key) for key in ("versions", "host")}
        last = ([self._began_as, *self._began_as["continued"]])[-1]
        if any(last.get(key) != value for key, value in here.items()):
            self._began_as["continued"].append({"iteration": iteration, **here})
            self._write_config(self._began_as)
            print(f"commit, packages or host have changed since; {self.folder / 'config.json'} says so from here on")

    def close(self):
        """Give the lock back, as the end of the process does, too."""
        self._lock.close()

    @property
    def finished(self):
        """Whether log and checkpoint are both at the end; a log without any checkpoint, as it is published, will do."""
        rows, checkpoints = read_log(self.folder), checkpoint.found(self.folder)
        whole = is_finished(rows, self.config["recipe"]["iterations"])
        if whole and self._keep_going:
            whole = rows[-1]["iteration"] >= self.config["recipe"]["iterations"]
        return whole and (not checkpoints or checkpoint.iteration_of(checkpoints[-1]) == rows[-1]["iteration"])

    def checkpoint(self):
        """(arrays, state) of the newest sound checkpoint; (None, None) for a new run. The log is cut back to it."""
        checkpoint.recover(self.folder)
        arrays, state = newest_checkpoint(self.folder)
        if state is None and read_log(self.folder):
            raise UserError(f"{self.folder} has a log but no checkpoint, so it cannot go on: move it away to begin again, or "
                            f"{ELSEWHERE}")
        self._log = state["log"] if state else ",".join(COLUMNS) + "\n"
        write_whole(self.folder / "log.csv", self._log)
        if state:
            self._note_changes(state["iteration"])
            for path in checkpoint.found(self.folder):
                if checkpoint.iteration_of(path) > state["iteration"]:  # damaged: out of the way, but kept for who wants to look
                    with writing(self.folder):
                        os.replace(path, path.with_name(f"damaged-{path.name}-{time.time_ns()}"))
        return arrays, state

    def save(self, arrays, state):
        """Write a checkpoint, whole or not at all; the newest two are kept."""
        run = {key: self.config[key] for key in ("recipe", "network", "data")}
        checkpoint.save(self.folder, arrays, {**state, "log": self._log, "run": run})

    def log(self, **row):
        """Append one row to log.csv."""
        line = ",".join(write_number(row.get(name)) for name in COLUMNS) + "\n"
        self._log += line
        with writing(self.folder), open(self.folder / "log.csv", "a", newline="") as file:
            file.write(line)
