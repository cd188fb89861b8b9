"""Nothing that happens to a run shows in its end: make torture

Short runs of several networks are killed at random moments, find their newest checkpoint cut off,
or a disk that is full. Each
is then held against its unbroken twin: all rows of the log but their clock, all parameters, moving
averages and momenta, bit for bit.

    python tests/torture.py [--kills 50] [--seed 0]
"""

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from conftest import rows, same, start

from common.command import Parser
from common.environment import has_bfloat16
from data import generated
from training.checkpoint import found

RUN = [
    "--depth",
    "8",
    "--image-size",
    "16",
    "--batch-size",
    "20",
    "--iterations",
    "60",
    "--log-every",
    "3",
    "--test-every",
    "9",
]
VARIANTS = {
    "original": [],
    "dropout": ["--shortcut", "dropout"],
    "preact, dropout, two devices": [
        "--activation",
        "preact",
        "--shortcut",
        "dropout",
        "--cpus",
        "2",
    ],
    "exclusive gating, Nesterov, all decayed": [
        "--shortcut",
        "exclusive_gating",
        "--nesterov",
        "--decay",
        "all",
    ],
    "bottlenecks of batch 30": [
        "--depth",
        "11",
        "--unit",
        "bottleneck",
        "--activation",
        "preact",
        "--batch-size",
        "30",
    ],
}
if has_bfloat16():
    VARIANTS["exclusive gating in bfloat16"] = [
        "--shortcut",
        "exclusive_gating",
        "--dtype",
        "bfloat16",
    ]
FINISHED = "finished before it could be killed"
TENTHS = [(name, tenth) for name in ("arrays.params", "state.json") for tenth in range(10)]


class Torture:
    """A folder with a data set, where runs are tortured, and a count of what was done to them."""

    def __init__(self, folder, seed):
        self.folder, self.random, self.twins = Path(folder), random.Random(seed), {}
        generated.write(self.folder / "data", images=300)

    def begin(self, options, output, checkpoint_seconds=60):
        return start(
            "--data-dir",
            self.folder / "data",
            *RUN,
            *options,
            "--output",
            output,
            checkpoint_seconds=checkpoint_seconds,
        )

    def finish(self, options, output):
        out, err = self.begin(options, output).communicate(timeout=600)
        assert "finished: test error" in out, (out, err)
        return out

    def twin(self, options):
        """An unbroken run of these options."""
        if str(options) not in self.twins:
            self.twins[str(options)] = self.folder / f"whole{len(self.twins)}"
            self.finish(options, self.twins[str(options)])
        return self.twins[str(options)]

    def kill(self, options, output, until):
        """Begin or go on, and kill it at a random moment near a random iteration before `until`;
        where it was then.

        Checkpoints are written all the time, or ten times a second.
        """
        before = reached(output)
        aim = self.random.randint(before, max(before, until - 1))
        process = self.begin(options, output, checkpoint_seconds=self.random.choice([0, 0, 0, 0.1]))
        patience = time.monotonic() + (
            self.random.uniform(0, 3) if self.random.random() < 0.1 else 600
        )
        while reached(output) <= aim and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.002)
        time.sleep(self.random.uniform(0, 0.05))
        process.kill()
        _, err = process.communicate()
        assert process.returncode in (-9, 0), (process.returncode, err)
        if process.returncode == 0:
            return FINISHED
        if (output / "checkpoint.partial").exists():
            return "inside a checkpoint's write"
        if len(found(output)) > 2:
            return "while an old checkpoint was removed"
        if reached(output) == before:
            return "before training went on"
        return "inside a test" if row_due(output) else "between"


def reached(output):
    """Iteration of the newest checkpoint; -1 before the first."""
    return max((int(path.name.split("-")[1]) for path in found(output)), default=-1)


def row_due(output):
    with contextlib.suppress(OSError, ValueError, IndexError):
        return json.loads((found(output)[-1] / "state.json").read_text())["row_due"]
    return False


def kills(torture, count, variants=VARIANTS):
    """Kill runs of all variants at random moments;

    (kills, {where they fell: how many}, runs that ended as their twins, runs).
    """
    where, done, equal, runs = {}, 0, 0, 0
    for i, (name, options) in enumerate(variants.items()):
        share = count * (i + 1) // len(variants) - count * i // len(variants)
        twin = torture.twin(options)
        while share > 0:
            output = Path(tempfile.mkdtemp(dir=torture.folder)) / "broken"
            for k in range(share):
                fell = torture.kill(options, output, until=60 * (k + 1) // (share + 1))
                if fell == FINISHED:  # the rest is for another run
                    break
                where[fell], done, share = where.get(fell, 0) + 1, done + 1, share - 1
            torture.finish(options, output)
            equal, runs = equal + same(twin, output), runs + 1
            print(
                f"  {name}: {done} kills so far; run {runs} ended as its unbroken twin,"
                f" {len(rows(output))} rows",
                flush=True,
            )
    return done, where, equal, runs


def cuts(torture, options, tenths=TENTHS):
    """Cut each file of the newest checkpoint at each tenth of its length; how many runs ended as
    their twin.
    """
    twin, stopped = torture.twin(options), torture.folder / "stopped"
    while reached(stopped) < 10 or len(found(stopped)) != 2:
        assert torture.kill(options, stopped, until=30) != FINISHED
    equal = 0
    for name, tenth in tenths:
        output = Path(tempfile.mkdtemp(dir=torture.folder)) / "cut"
        shutil.copytree(stopped, output)
        file = found(output)[-1] / name
        os.truncate(file, file.stat().st_size * tenth // 10)
        out = torture.finish(options, output)
        assert re.search(
            rf"{found(stopped)[-1].name} is damaged \({name}.*going on from the one before", out
        ), out
        equal += same(twin, output)
    return equal


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    """A file system of a few kilobytes in a folder; yields whether there is one (root on Linux)."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def full_disks(torture, options, rooms):
    """Let the disk fill up in a checkpoint, at each of these shares of its size; how many runs
    ended as their twin.

    On a small file system of its own; without the right to mount one, with a limit to the size of
    files.
    """
    twin, equal = torture.twin(options), 0
    size = sum(file.stat().st_size for file in found(twin)[-1].iterdir())
    largest = max(file.stat().st_size for file in found(twin)[-1].iterdir())
    for k, room in enumerate(rooms):
        with small_disk(torture.folder / f"disk{k}", 4096) as mounted:
            output = torture.folder / f"disk{k}" / "run"
            while len(found(output)) < 2:
                torture.kill(options, output, until=20)
            shutil.rmtree(output / "checkpoint.partial", ignore_errors=True)
            if mounted:
                free = os.statvfs(output).f_bavail * os.statvfs(output).f_frsize
                (output.parent / "other").write_bytes(bytes(max(0, free - int(size * room) - 8192)))
                process = torture.begin(options, output, checkpoint_seconds=0)
            else:
                process = start(
                    "--data-dir",
                    torture.folder / "data",
                    *RUN,
                    *options,
                    "--output",
                    output,
                    checkpoint_seconds=0,
                    file_limit=int(largest * room),
                )
            out, err = process.communicate(timeout=600)
            lines = [line for line in err.splitlines() if line.startswith("error")]
            assert (
                process.returncode == 2 and len(lines) == 1 and "is the disk full?" in lines[0]
            ), (process.returncode, out, err)
            assert "Traceback" not in err, err
            (output.parent / "other").unlink(missing_ok=True)
            torture.finish(options, output)
            equal += same(twin, output)
    return equal, "a file system of 4 MB" if mounted else "a limit to the size of files"


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = tempfile.mkdtemp(prefix="torture-")
    print(f"in {folder}, which stays there if a run does not end as its twin", flush=True)
    with contextlib.ExitStack() as at_the_end:
        torture = Torture(folder, arguments.seed)
        done, where, equal, runs = kills(torture, arguments.kills)
        print(
            f"{done} kills by SIGKILL: "
            + ", ".join(f"{count} {words}" for words, count in sorted(where.items()))
        )
        print(
            f"{equal} of {runs} runs, with {done} of {arguments.kills} kills: bit for bit as if"
            " nothing had happened",
            flush=True,
        )
        equal = cuts(torture, VARIANTS["dropout"])
        print(
            f"{equal} of {len(TENTHS)} runs with a checkpoint file cut at a tenth of its length:"
            " said, and ended as their twin",
            flush=True,
        )
        rooms = [0.05, 0.3, 0.5, 0.7, 0.9]
        equal, how = full_disks(torture, VARIANTS["dropout"], rooms)
        print(
            f"{equal} of {len(rooms)} runs whose disk filled up in a checkpoint ({how}): said, and"
            " ended as their twin"
        )
        at_the_end.callback(shutil.rmtree, folder)


if __name__ == "__main__":
    main()
