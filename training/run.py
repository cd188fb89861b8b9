"""One run's folder: config.json, log.csv and checkpoints.

Nothing in it is ever half written or lost
by accident.

runs/<scale>/<name>/seed<k>/
    config.json             every option, versions, commit, host: enough to run it again; where it
                            went on with others
    log.csv                 one row every --log-every iterations; the test columns every
                            --test-every and at the end
    checkpoint-<iteration>/ the newest two (training/checkpoint.py); each holds config.json, and the
                            log up to it
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
from .recipe import setting

ELSEWHERE = "choose another folder by --output (make: OUTPUT=)"
HOLDER = "process "  # how .lock begins
# what more iterations may change about a finished run
LENGTH = ("iterations", "steps", "warmup_iterations", "log_every", "test_every")


class Run:
    """An open run folder.

    Raises UserError if it holds another recipe or files that are not a run's, or if another process
    is training in it.
    """

    def __init__(self, folder, config, keep_going=False):
        self.folder = Path(folder)
        self.config = json.loads(json.dumps(config))  # as it will be read again
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
            checkpoint.recover(self.folder)
            self._recorded = self._record()
        except UserError:
            self.close()
            raise

    def _hold_lock(self):
        """The kernel frees the lock of a dead process, however it died; the file says who holds it,
        and proves nothing."""
        self._lock.seek(0)
        holder = "".join(filter(str.isprintable, self._lock.read(200)))
        if holder and not holder.startswith(HOLDER):
            raise UserError(f"{self.folder / '.lock'} is another program's: {ELSEWHERE}")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another process ({holder or 'it does not say which'}) is training in "
                f"{self.folder}: wait for it, stop it, or {ELSEWHERE}"
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

    def _record(self):
        """config.json, which is written where it is missing, from what the newest checkpoint says.

        Refuses a recipe other than config.json's or the checkpoint's, but for a longer one of a run
        that is at its end, and files that no run left.
        """
        path = self.folder / "config.json"
        recorded = self._read_config(path) if path.exists() else None
        if recorded and is_empty(self.folder) and not checkpoint.found(self.folder):
            # it came to nothing, because of a variant's file, say: it may begin anew as another
            self._write_config(self.config)
            return dict(self.config)
        made_by, place = self._made_by()
        free = LENGTH if made_by and self._ends_at(place, made_by) else ()
        if recorded:
            self._refuse_another(recorded, f"{self.folder} holds a run", free)
        if made_by:
            what = f"{path} was edited" if recorded else f"{path} is gone"
            self._refuse_another(made_by, f"{what}: {place.name} is of a run", free)
        if not recorded:
            if not made_by:
                self._refuse_foreign()
            recorded = {**self.config, **(made_by or {})}
            self._write_config(recorded)
        return recorded

    def _read_config(self, path):
        try:
            recorded = json.loads(path.read_bytes())
            shapes = {"recipe": dict, "network": str, "data": str, "continued": list}
            for key, shape in shapes.items():
                if not isinstance(recorded.get(key, []), shape):
                    raise ValueError
            if not all(isinstance(change, dict) for change in recorded.get("continued", [])):
                raise ValueError
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(f"{path} is not a run's configuration: {ELSEWHERE}") from error
        return recorded

    def _made_by(self):
        """(configuration, folder) of the newest sound checkpoint; (None, None) without one."""
        for folder in reversed(checkpoint.found(self.folder)):
            try:
                return checkpoint.load_state(folder)["run"], folder
            except checkpoint.Damaged:
                continue
        return None, None

    def _ends_at(self, place, made_by):
        """Whether a checkpoint is the end of its run, beyond which this one goes."""
        end = setting(made_by["recipe"], "iterations")
        diverged = checkpoint.load_state(place).get("diverged") is not None
        longer = setting(self.config["recipe"], "iterations") > end
        return checkpoint.iteration_of(place) == end and longer and not diverged

    def _refuse_foreign(self):
        """A folder without config.json holds nothing that training would replace."""
        for name in ("log.csv", "curves.png", "network-symbol.json", "network-0000.params"):
            path = self.folder / name
            if path.exists() and path.stat().st_size:
                raise UserError(
                    f"{path} is there without a config.json, so it is no run's from "
                    f"here: move it away, or {ELSEWHERE}"
                )
        if checkpoint.found(self.folder):
            raise UserError(
                f"{self.folder} has no config.json, and no sound checkpoint that says "
                f"what it was: move it away, or {ELSEWHERE}"
            )

    def _refuse_another(self, recorded, what, free=()):
        """free: options that may differ."""
        for option in self.config["recipe"]:
            before = setting(recorded["recipe"], option)
            value = setting(self.config["recipe"], option)
            if before == value or option in free:
                continue
            if option == "data":  # two fingerprints would tell nobody anything
                then = json.dumps(recorded["data"])[1:200].rstrip('"')
                here = f"these files ({self.config['data']})"
            else:
                then = json.dumps(before)[:200]
                here = json.dumps(value)[:200]
            raise UserError(
                f"{what} with {option} {then}, not {here}: repeat it as it was, or {ELSEWHERE}"
            )
        if recorded["network"] != self.config["network"]:
            raise UserError(
                f"{what} of another network: a file under symbols/ has changed since; "
                f"undo that, or {ELSEWHERE}"
            )

    def _write_config(self, config):
        write_whole(self.folder / "config.json", json.dumps(config, indent=2) + "\n")

    def _note_changes(self, iteration):
        """Into config.json: that the run goes on with another commit, other packages, on another
        host or for longer than so far."""
        here = {key: self.config.get(key) for key in ("versions", "host")}
        continued = self._recorded.setdefault("continued", [])
        last = [self._recorded, *continued][-1]
        changed = [fact for key in here for fact in _differences(last.get(key), here[key])]
        shorter = self._lengthen(iteration)
        if not changed and not shorter:
            return
        continued.append({"iteration": iteration, **shorter, **here})
        self._write_config(self._recorded)
        if not changed:
            return
        print(
            f"{', '.join(changed)} changed since; {self.folder / 'config.json'} says so from "
            "here on"
        )
        if set(changed) & {"processor", "devices", "OMP_NUM_THREADS"}:
            print(
                "so the run repeats but for rounding: bit for bit needs the same kind of "
                "processor or GPU and as many threads"
            )

    def _lengthen(self, iteration):
        """Record this run's length; {"recipe": {option: value}} of the shorter one that ended here,
        or {}."""
        recipe = self._recorded["recipe"]
        before = {option: setting(recipe, option) for option in LENGTH}
        longer = {option: setting(self.config["recipe"], option) for option in LENGTH}
        shorter = {option: value for option, value in before.items() if value != longer[option]}
        if not shorter:
            return {}
        recipe.update(longer)
        print(
            f"{self.folder} ended at iteration {iteration:,} and goes on to "
            f"{recipe['iterations']:,}; the learning rate's steps are now "
            f"{', '.join(map(str, recipe['steps'])) or 'none'} (--steps)"
        )
        return {"recipe": shorter}

    def close(self):
        """Give the lock back, as the end of the process does, too."""
        self._lock.close()

    @property
    def finished(self):
        """Whether log and checkpoint are both at the end; a log without any checkpoint, as it is
        published, will do."""
        rows = read_log(self.folder)
        checkpoints = checkpoint.found(self.folder)
        iterations = self.config["recipe"]["iterations"]
        whole = is_finished(rows, iterations)
        if whole and self._keep_going:
            whole = rows[-1]["iteration"] >= iterations
        return whole and (
            not checkpoints or checkpoint.iteration_of(checkpoints[-1]) == rows[-1]["iteration"]
        )

    def checkpoint(self):
        """(arrays, state) of the newest sound checkpoint; (None, None) for a new run. The log is
        cut back to it."""
        arrays, state = newest_checkpoint(self.folder)
        if state is None and not is_empty(self.folder):
            raise UserError(
                f"{self.folder} has a log but no checkpoint, so it cannot go on: move "
                f"it away to begin again, or {ELSEWHERE}"
            )
        self._log = state["log"] if state else HEADER
        write_whole(self.folder / "log.csv", self._log)
        if state:
            self._note_changes(state["iteration"])
            self._put_aside(state["iteration"])
        return arrays, state

    def _put_aside(self, iteration):
        """Damaged checkpoints after an iteration: out of the way, but kept for who wants to look."""
        for path in checkpoint.found(self.folder):
            if checkpoint.iteration_of(path) > iteration:
                with writing(self.folder):
                    os.replace(path, path.with_name(f"damaged-{path.name}-{time.time_ns()}"))

    def save(self, arrays, state):
        """Write a checkpoint, whole or not at all; the newest two are kept."""
        checkpoint.save(self.folder, arrays, {**state, "log": self._log, "run": self._recorded})

    def log(self, **row):
        """Append one row to log.csv."""
        line = ",".join(write_number(row.get(name)) for name in COLUMNS) + "\n"
        self._log += line
        with writing(self.folder), open(self.folder / "log.csv", "a", newline="") as file:
            file.write(line)


def _differences(before, value):
    """The names of facts that differ, of two {fact: value}."""
    before = before if isinstance(before, dict) else {}
    value = value or {}
    return [fact for fact in {**before, **value} if before.get(fact) != value.get(fact)]
