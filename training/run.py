"""The folder of a run: config.json, log.csv and checkpoints.

runs/<scale>/<name>/seed<k>/         (common/files.py names it)
    config.json             every option, versions, commit and host; each later resumption with
                            other versions, on another host or for more iterations
    log.csv                 a row every --log-every iterations, with a test every --test-every
    checkpoint-<iteration>/ the newest two (training/checkpoint.py); each contains config.json and
                            the log up to it

Files are written completely or not at all, and files of other programs are not overwritten.
"""

import fcntl
import json
import os
import socket
import time
from pathlib import Path

from common.errors import UserError
from common.files import write_whole, writing

from . import checkpoint, export
from .log import COLUMNS, HEADER, is_empty, is_finished, read_log, write_number
from .recipe import INTERVALS

ELSEWHERE = "choose another folder with --output (make: OUTPUT=)"
# the options that may differ when a finished run is extended; INTERVALS may always differ
LENGTH = ("iterations", "steps", "warmup_iterations", *INTERVALS)
# a change of these changes rounding; recompute: whether activations are computed twice
OTHER_BITS = {"processor", "devices", "OMP_NUM_THREADS", "recompute"}


class Run:
    """An open run folder, locked by this process. Use it as a context manager.

    config      content of config.json, as training.configuration.configuration returns it
    keep_going  whether a run continues after its loss becomes NaN or infinite

    Raises UserError if another process trains in the folder.
    """

    def __init__(self, folder, config, keep_going=False):
        self.folder = Path(folder)
        self.config = json.loads(json.dumps(config))  # as it is read from the file
        self.keep_going = keep_going
        self._log = ""
        self._recorded = None  # config.json as recorded; call resume() before save() and log()
        self._path = self.folder / "config.json"
        if any((place / "state.json").exists() for place in (self.folder, self.folder.parent)):
            raise UserError(f"{folder} is in a checkpoint, which is deleted later: {ELSEWHERE}")
        if self.folder.is_file():
            raise UserError(f"{folder} is a file: {ELSEWHERE}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.folder / ".lock", "a+", errors="replace")  # noqa: SIM115
        try:  # the kernel frees the lock of a dead process; the text only names the holder
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.readline()
            self._lock.close()
            raise UserError(
                f"another process ({holder}) is training in {folder}, or its file system has no "
                f"locks ({error.strerror}): wait for it, stop it, or {ELSEWHERE}"
            ) from error
        self._lock.seek(0)
        if self._lock.read(8) not in ("", "process "):
            self._lock.close()
            raise UserError(f"{self.folder}/.lock belongs to another program: {ELSEWHERE}")
        with writing(self.folder):
            self._lock.truncate(0)
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            self._lock.write(f"process {os.getpid()} on {socket.gethostname()}, since {since}")
            self._lock.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lock.close()  # which frees it, as the end of the process does

    def resume(self, is_length_named=True):
        """Return (arrays, state) of the checkpoint to resume from; (None, None) for a new run.

        Afterwards config.json describes this run and log.csv ends at the checkpoint. A finished run
        can be extended to more iterations if the command names them. A folder in which nothing was
        trained can become any run. Raises UserError for every other difference between the folder
        and the command, for files that no run has written, and if no valid checkpoint is left.
        """
        arrays, state = checkpoint.newest_checkpoint(self.folder)
        recorded = read_config(self.folder) if self._path.exists() else None
        trained = state is not None or not is_empty(self.folder)
        extends = state and self._extends(state)
        if extends and not is_length_named:
            raise UserError(
                f"{self.folder} has a finished run of {state['iteration']:,} iterations: to extend it, "
                "name the length with --iterations or --epochs (make: ITERATIONS= or EPOCHS=); if its "
                "learning rate then has another schedule, the run does not count for the paper's "
                f"tables; for a new run, move the folder away, or {ELSEWHERE}"
            )
        may_differ = LENGTH if extends else INTERVALS
        if recorded and trained:
            self._refuse_another(recorded, f"{self.folder} contains a run", may_differ)
        if state:
            # config.json, if it exists, agrees with the command. If the checkpoint disagrees, the
            # file was edited or lost.
            fault = "was edited" if recorded else "is missing"
            checkpoint_of = f"{checkpoint.name(state['iteration'])} is of a run"
            self._refuse_another(state["run"], f"{self._path} {fault}: {checkpoint_of}", may_differ)
        if not recorded and not state:
            self._refuse_foreign()
        self._recorded = recorded
        if not recorded or not trained:
            self._recorded = state["run"] if state else self.config
            self._write_config()
        if state:
            self._put_aside_after(state["iteration"])
        if self.finished:
            return arrays, state
        if trained and not state:
            raise UserError(
                f"{self.folder} has a log but no checkpoint to resume from: move the folder away "
                f"to start again, or {ELSEWHERE}"
            )
        self._log = state["log"] if state else HEADER
        write_whole(self.folder / "log.csv", self._log)
        if state:
            self._note_changes(state["iteration"])
        return arrays, state

    def _extends(self, state):
        """Return whether a checkpoint is the end of a run that this command makes longer."""
        end = state["run"]["recipe"]["iterations"]
        longer = self.config["recipe"]["iterations"] > end
        diverged = state.get("diverged") is not None
        return state["iteration"] == end and longer and not diverged

    def _refuse_another(self, recorded, what, may_differ):
        """Raise UserError if a recorded config belongs to another run.

        what: the beginning of the message. may_differ: options that may differ.
        """
        for option, value in self.config["recipe"].items():
            before = recorded["recipe"].get(option)
            if before == value or option in may_differ:
                continue
            difference = f"{option} {before!r:.200}, not {value!r:.200}"
            if option == "data":  # fingerprints mean nothing to a reader, but names do
                difference = f"data {recorded['data']}, not these files ({self.config['data']})"
            where = ""
            if option == "dtype":  # `fast` depends on the machine
                where = f" on a machine that computes in {before}"
            raise UserError(
                f"{what} with {difference}: repeat the original command{where}, or {ELSEWHERE}"
            )
        if recorded["network"] != self.config["network"]:
            raise UserError(
                f"{what} of another network: a file under symbols/ has changed; undo the change, "
                f"or {ELSEWHERE}"
            )

    def _refuse_foreign(self):
        """Raise UserError if a folder without config.json has files that training would replace."""
        for name in ("log.csv", "curves.png", export.SYMBOL, export.PARAMETERS, export.INPUTS):
            path = self.folder / name
            if path.exists() and path.stat().st_size:
                raise UserError(
                    f"{path} exists without a config.json, so no run has written it: move it "
                    f"away, or {ELSEWHERE}"
                )

    def _put_aside_after(self, iteration):
        """Rename the corrupt checkpoints after an iteration; they are kept for inspection."""
        for path in checkpoint.paths(self.folder):
            if checkpoint.iteration_of(path) > iteration:
                path.rename(path.with_name(f"damaged-{path.name}-{time.time_ns()}"))

    @property
    def finished(self):
        """Whether the log is complete, and the newest checkpoint is of its last iteration.

        Without checkpoints, as in published runs, the log alone decides.
        """
        rows = read_log(self.folder)
        iterations = self.config["recipe"]["iterations"]
        if not is_finished(rows, iterations):
            return False
        last = rows[-1]["iteration"]
        if self.keep_going and last < iterations:
            return False
        checkpoints = checkpoint.paths(self.folder)
        return not checkpoints or checkpoint.iteration_of(checkpoints[-1]) == last

    def _note_changes(self, iteration):
        """Record in config.json what differs from an iteration on: versions, host, length."""
        recipe = self._recorded["recipe"]
        continued = self._recorded.setdefault("continued", [])
        last = continued[-1] if continued else self._recorded
        current = {key: self.config[key] for key in ("versions", "host")}
        before = {**last["versions"], **last["host"]}
        after = {**current["versions"], **current["host"]}
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        length = {option: self.config["recipe"][option] for option in LENGTH}
        former = {name: recipe.get(name) for name in LENGTH if recipe.get(name) != length[name]}
        if not changed and not former:
            return
        continued.append({"iteration": iteration, **current})
        if former:
            continued[-1]["recipe"] = former
            recipe.update(length)
            self._recorded["command"] = self.config["command"]
        if "iterations" in former:
            print(
                f"{self.folder} ended at iteration {iteration:,} and is extended to "
                f"{recipe['iterations']:,}; the learning rate's steps are now "
                f"{', '.join(map(str, recipe['steps'])) or 'none'} (--steps)"
            )
        self._write_config()
        if changed:
            print(f"changed since: {', '.join(changed)}; recorded in {self._path}")
        if OTHER_BITS & set(changed):
            print("so the result equals an uninterrupted run's up to rounding, not bit for bit")

    def _write_config(self):
        write_whole(self._path, json.dumps(self._recorded, indent=2) + "\n")

    def save(self, arrays, state):
        """Write a checkpoint and keep the newest two. arrays: {name: NDArray}. state: JSON."""
        checkpoint.save(self.folder, arrays, {**state, "log": self._log, "run": self._recorded})

    def log(self, **row):
        """Append a row to log.csv."""
        line = ",".join(write_number(row.get(name)) for name in COLUMNS) + "\n"
        self._log += line
        with writing(self.folder), open(self.folder / "log.csv", "a", newline="") as file:
            file.write(line)


def recorded_dtype(folder):
    """Return the dtype in the config.json of a run; None for a new run."""
    path = Path(folder) / "config.json"
    return read_config(folder)["recipe"].get("dtype") if path.exists() else None


def read_config(folder):
    """Return the content of config.json. Raises UserError if no run has written it."""
    path = Path(folder) / "config.json"
    types = {"recipe": dict, "versions": dict, "host": dict, "network": str, "data": str}
    try:
        config = json.loads(path.read_bytes())
        valid = all(isinstance(config[key], kind) for key, kind in types.items())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        valid = False
    if not valid:
        raise UserError(
            f"{path} is corrupt: move it away; training restores it from the newest checkpoint"
        )
    return config
