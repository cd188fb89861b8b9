"""The folder of a run: config.json, log.csv and checkpoints.

runs/<scale>/<name>/seed<k>/         (common/files.py names it)
    config.json             every option, versions, commit and host: enough to repeat the run; where
                            it was resumed with other versions, on another host or for longer
    log.csv                 a row every --log-every iterations; the test columns every --test-every
                            iterations and at the end
    checkpoint-<iteration>/ the newest two (training/checkpoint.py); each contains config.json and
                            the log up to it

Files are written completely or not at all, and no file of somebody else is overwritten.
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
from .log import COLUMNS, HEADER, is_empty, is_finished, read_log, write_number

ELSEWHERE = "choose another folder by --output (make: OUTPUT=)"
HOLDER = "process "  # how .lock begins
# the options that may differ when a finished run is extended
LENGTH = ("iterations", "steps", "warmup_iterations", "log_every", "test_every")
OTHER_BITS = {"processor", "devices", "OMP_NUM_THREADS"}  # a change of these changes rounding


class Run:
    """An open run folder, locked by this process. Use it as a context manager.

    config      content of config.json, as training.configuration.configuration returns it
    keep_going  whether a run whose loss is not a number any more continues

    Raises UserError if the folder cannot be written or another process trains in it.
    """

    def __init__(self, folder, config, keep_going=False):
        self.folder = Path(folder)
        self.config = json.loads(json.dumps(config))  # as it is read from the file
        self._keep_going = keep_going
        self._log = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / ".lock", "a+", errors="replace")  # noqa: SIM115
        except OSError as error:
            raise UserError(
                f"cannot write to {self.folder} ({error.strerror}): {ELSEWHERE}"
            ) from error
        try:
            self._hold_lock()
        except UserError:
            self._lock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lock.close()  # which frees it, as the end of the process does

    def _hold_lock(self):
        """Lock .lock. The kernel frees the lock of a dead process; the text only names the holder."""
        self._lock.seek(0)
        holder = "".join(filter(str.isprintable, self._lock.read(200)))
        if holder and not holder.startswith(HOLDER):
            raise UserError(f"{self.folder / '.lock'} belongs to another program: {ELSEWHERE}")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process ({holder or 'unknown'}) is training in {self.folder}: wait for "
                f"it, stop it, or {ELSEWHERE}"
            ) from error
        except OSError as error:
            raise UserError(f"cannot lock {self.folder} ({error.strerror}): {ELSEWHERE}") from error
        with writing(self.folder):
            self._lock.truncate(0)
            self._lock.write(
                f"{HOLDER}{os.getpid()} on {socket.gethostname()}, "
                f"since {time.strftime('%Y-%m-%d %H:%M:%S')}"
            )
            self._lock.flush()

    def resume(self):
        """Return (arrays, state) of the checkpoint to resume from; (None, None) for a new run.

        Afterwards config.json describes this run and log.csv ends at the checkpoint. A finished run
        can be extended to more iterations. A folder in which nothing was trained can become any
        run. Raises UserError for every other difference between the folder and the command, for
        files that no run has written, and if no sound checkpoint is left.
        """
        checkpoint.recover(self.folder)
        arrays, state = newest_checkpoint(self.folder)
        path = self.folder / "config.json"
        recorded = _read_config(path) if path.exists() else None
        trained = state is not None or not is_empty(self.folder)
        may_differ = LENGTH if state and self._extends(state) else ()
        if recorded and trained:
            self._refuse_another(recorded, f"{self.folder} contains a run", may_differ)
        if state:
            fault = "was edited" if recorded else "is missing"
            checkpoint_of = f"{checkpoint.name(state['iteration'])} is of a run"
            self._refuse_another(state["run"], f"{path} {fault}: {checkpoint_of}", may_differ)
        if not recorded and not state:
            self._refuse_foreign()
        if not recorded or not trained:
            recorded = state["run"] if state else dict(self.config)
            _write_config(path, recorded)
        self._recorded = recorded
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
        """Whether a checkpoint is the end of a run that this command makes longer."""
        end = state["run"]["recipe"]["iterations"]
        longer = self.config["recipe"]["iterations"] > end
        diverged = state.get("diverged") is not None
        return state["iteration"] == end and longer and not diverged

    def _refuse_another(self, recorded, what, may_differ):
        """Raise UserError if a config is that of another run. may_differ: options that may."""
        for option, value in self.config["recipe"].items():
            before = recorded["recipe"].get(option)
            if before == value or option in may_differ:
                continue
            if option == "initial" and self._starts_from_weights_of(recorded):
                continue  # the files were moved
            if option == "data":  # two fingerprints tell a reader nothing
                before = recorded["data"]
                value = f"these files ({self.config['data']})"
            else:
                before, value = json.dumps(before), json.dumps(value)
            raise UserError(
                f"{what} with {option} {before[:200]}, not {value[:200]}: repeat the original "
                f"command, or {ELSEWHERE}"
            )
        before, classes = recorded.get("classes"), self.config.get("classes")
        if before and classes and before != classes:
            raise UserError(
                f"{what} whose classes are {', '.join(before)[:200]}, not "
                f"{', '.join(classes)[:200]}: use the original data set, or {ELSEWHERE}"
            )
        if recorded["network"] != self.config["network"]:
            raise UserError(
                f"{what} of another network: a file under symbols/ has changed; undo that, or "
                f"{ELSEWHERE}"
            )

    def _starts_from_weights_of(self, recorded):
        """Whether --initial names the weights that another config records, wherever they are."""
        weights = self.config.get("initial_sha256")
        return weights is not None and recorded.get("initial_sha256") == weights

    def _refuse_foreign(self):
        """Raise UserError if a folder without config.json has files that training would replace."""
        for name in ("log.csv", "curves.png", "network-symbol.json", "network-0000.params"):
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
                with writing(self.folder):
                    os.replace(path, path.with_name(f"damaged-{path.name}-{time.time_ns()}"))

    @property
    def finished(self):
        """Whether log and checkpoint are both at the end. A published log has no checkpoint."""
        rows = read_log(self.folder)
        iterations = self.config["recipe"]["iterations"]
        if not is_finished(rows, iterations):
            return False
        last = rows[-1]["iteration"]
        if self._keep_going and last < iterations:
            return False
        checkpoints = checkpoint.paths(self.folder)
        return not checkpoints or checkpoint.iteration_of(checkpoints[-1]) == last

    def _note_changes(self, iteration):
        """Record in config.json what differs from an iteration on: versions, host, length."""
        current = {key: self.config.get(key) for key in ("versions", "host")}
        continued = self._recorded.setdefault("continued", [])
        last = continued[-1] if continued else self._recorded
        changed = [name for key in current for name in _differences(last.get(key), current[key])]
        shorter = self._lengthen(iteration)
        if not changed and not shorter:
            return
        continued.append({"iteration": iteration, **shorter, **current})
        _write_config(self.folder / "config.json", self._recorded)
        if changed:
            print(f"changed since: {', '.join(changed)}; recorded in {self.folder}/config.json")
        if OTHER_BITS & set(changed):
            print(
                "so the run repeats up to rounding: bit for bit needs the same kind of processor "
                "or GPU and the same number of threads"
            )

    def _lengthen(self, iteration):
        """Record this run's length. Returns {"recipe": {option: value}} of the shorter run, or {}."""
        recipe = self._recorded["recipe"]
        longer = {option: self.config["recipe"][option] for option in LENGTH}
        before = {option: recipe.get(option) for option in LENGTH}
        shorter = {option: value for option, value in before.items() if value != longer[option]}
        if not shorter:
            return {}
        recipe.update(longer)
        print(
            f"{self.folder} ended at iteration {iteration:,} and is extended to "
            f"{recipe['iterations']:,}; the learning rate's steps are now "
            f"{', '.join(map(str, recipe['steps'])) or 'none'} (--steps)"
        )
        return {"recipe": shorter}

    def save(self, arrays, state):
        """Write a checkpoint and keep the newest two. arrays: {name: NDArray}. state: JSON."""
        checkpoint.save(self.folder, arrays, {**state, "log": self._log, "run": self._recorded})

    def log(self, **row):
        """Append a row to log.csv."""
        line = ",".join(write_number(row.get(name)) for name in COLUMNS) + "\n"
        self._log += line
        with writing(self.folder), open(self.folder / "log.csv", "a", newline="") as file:
            file.write(line)


def _read_config(path):
    """Return the content of a config.json. Raises UserError if no run has written it."""
    try:
        recorded = json.loads(path.read_bytes())
        types = {"recipe": dict, "network": str, "data": str}
        if not all(isinstance(recorded[key], kind) for key, kind in types.items()):
            raise ValueError
        continued = recorded.get("continued", [])
        if not isinstance(continued, list) or not all(isinstance(c, dict) for c in continued):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is not a run's configuration: {ELSEWHERE}") from error
    return recorded


def _write_config(path, config):
    write_whole(path, json.dumps(config, indent=2) + "\n")


def _differences(before, after):
    """Return the names whose values differ between two dictionaries; before may be anything."""
    before = before if isinstance(before, dict) else {}
    after = after or {}
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]
