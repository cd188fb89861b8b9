"""Interrupted runs end as uninterrupted ones: make torture

Short runs of several networks are killed at random moments, or trained on a full disk. Each is
compared with an uninterrupted run: all rows of the log except the clock, all parameters, moving
averages and momenta, bit for bit.

    python tests/torture.py [--kills 50] [--seed 0]
"""

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]

from conftest import same, start

from common.command import Parser
from common.environment import has_bfloat16
from data import generated
from training.checkpoint import iteration_of, paths

RUN = "--depth 8 --image-size 16 --batch-size 20 --iterations 60 --log-every 3 --test-every 9"
VARIANTS = {
    "original": "",
    "dropout": "--shortcut dropout",
    "preact, dropout, two devices": "--activation preact --shortcut dropout --cpus 2",
    "gating, Nesterov, all decayed": "--shortcut exclusive_gating --nesterov --decay all",
    "bottlenecks of batch 30": "--depth 11 --unit bottleneck --activation preact --batch-size 30",
}
if has_bfloat16():
    VARIANTS["gating in bfloat16"] = "--shortcut exclusive_gating --dtype bfloat16"


class Torture:
    """A folder with a data set in which runs are interrupted. options: of a variant."""

    def __init__(self, folder, seed):
        self.folder = Path(folder)
        self.random = random.Random(seed)
        self._whole = {}
        generated.write(self.folder / "data", images=300)

    def begin(self, options, output, checkpoint_seconds=60, **limits):
        words = [*RUN.split(), *options.split(), "--output", output]
        data = ["--data-dir", self.folder / "data"]
        return start(*data, *words, checkpoint_seconds=checkpoint_seconds, **limits)

    def finish(self, options, output):
        out, err = self.begin(options, output).communicate(timeout=600)
        assert "finished: test error" in out, (out, err)
        return out

    def whole(self, options):
        """The folder of an uninterrupted run."""
        if options not in self._whole:
            self._whole[options] = self.folder / f"whole{len(self._whole)}"
            self.finish(options, self._whole[options])
        return self._whole[options]

    def new_folder(self):
        return Path(tempfile.mkdtemp(dir=self.folder)) / "run"

    def kill(self, options, output, until):
        """Start or resume a run and kill it at a random moment, near a random iteration before
        `until`. Returns whether it was killed before it finished. Checkpoints are written all the
        time, or ten times a second.
        """
        before = reached(output)
        aim = self.random.randint(before, max(before, until - 1))
        process = self.begin(options, output, self.random.choice([0, 0, 0, 0.1]))
        seconds = self.random.uniform(0, 3) if self.random.random() < 0.1 else 600
        deadline = time.monotonic() + seconds
        while reached(output) <= aim and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(self.random.uniform(0, 0.05))
        process.kill()
        _, err = process.communicate()
        assert process.returncode in (-9, 0), (process.returncode, err)
        return process.returncode == -9


def reached(output):
    """The iteration of the newest checkpoint; -1 before the first."""
    return max(map(iteration_of, paths(output)), default=-1)


def kills(torture, count, variants=VARIANTS):
    """Kill runs of all variants at random moments. Returns (kills, runs); each run ended as an
    uninterrupted one.
    """
    done = runs = 0
    for i, (name, options) in enumerate(variants.items()):
        share = count * (i + 1) // len(variants) - count * i // len(variants)
        while share > 0:
            output = torture.new_folder()
            for k in range(share):
                if not torture.kill(options, output, until=60 * (k + 1) // (share + 1)):
                    break  # it finished: the remaining kills are for another run
                done += 1
                share -= 1
            torture.finish(options, output)
            assert same(torture.whole(options), output)
            runs += 1
            print(f"  {name}: {done} kills so far, {runs} runs ended as uninterrupted ones")
            sys.stdout.flush()
    return done, runs


def full_disks(torture, options, rooms):
    """Let a checkpoint meet a full disk at each of these shares of its size: a limit to the size of
    files. Each run ended as an uninterrupted one.
    """
    whole = torture.whole(options)
    size = max(file.stat().st_size for file in paths(whole)[-1].iterdir())
    for room in rooms:
        output = torture.new_folder()
        while len(paths(output)) < 2:
            torture.kill(options, output, until=20)
        limits = {"checkpoint_seconds": 0, "file_limit": int(size * room)}
        process = torture.begin(options, output, **limits)
        out, err = process.communicate(timeout=600)
        (line,) = [line for line in err.splitlines() if line.startswith("error")]
        assert process.returncode == 2 and "is the disk full?" in line, (out, err)
        assert "Traceback" not in err, err
        torture.finish(options, output)
        assert same(whole, output)


def main():
    parser = Parser(__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder = tempfile.mkdtemp(prefix="torture-")
    print(f"in {folder}, which is kept if a run does not end as an uninterrupted one", flush=True)
    torture = Torture(folder, arguments.seed)
    done, runs = kills(torture, arguments.kills)
    print(f"{runs} runs with {done} kills are bit for bit as uninterrupted ones", flush=True)
    rooms = [0.05, 0.3, 0.5, 0.7, 0.9]
    full_disks(torture, VARIANTS["dropout"], rooms)
    print(f"{len(rooms)} runs whose disk was full during a checkpoint: reported, same end")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
