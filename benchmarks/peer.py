"""Our training beside PyTorch's, where that is installed: make benchmark PEER=python-with-torch

Blocks of both are interleaved, each in a process of its own with as many threads. A ratio of each
pair of blocks counts: other load slows both. Of the pairs the quieter half is taken, and their
median. Both show the same augmented pictures and know their loss and error.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

from common.command import Parser
from common.environment import GIVEN, has_bfloat16
from common.errors import UserError, run_main
from common.files import ROOT

from . import saved

OLDEST = (2, 4)  # of PyTorch, that has fused SGD on the CPU
Case = namedtuple("Case", "depth size batch")
CASES = [Case(20, 32, 128), Case(56, 16, 64), Case(110, 32, 128)]
DTYPES = ("float32", "bfloat16")
BLOCK_SECONDS = 1.0
Result = namedtuple("Result", "ours theirs ratio")  # images/s, and the median ratio of the pairs


def version(python):
    """PyTorch's version as a Python says it.

    Raises UserError where there is none, or one too old.
    """
    try:
        done = subprocess.run(
            [python, "-c", "import torch; print(torch.__version__)"], text=True, capture_output=True
        )
    except OSError as error:
        raise UserError(
            f"PEER={python}: {error.strerror}; name a Python that has PyTorch"
        ) from error
    if done.returncode:
        raise UserError(
            f"PEER={python}: {done.stderr.strip().splitlines()[-1]}; name a Python that has PyTorch"
        )
    said = done.stdout.strip()
    numbers = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    if numbers < OLDEST:
        raise UserError(
            f"PEER={python} has PyTorch {said}: {'.'.join(map(str, OLDEST))} or newer "
            "is needed, for its fused SGD"
        )
    return said


class Trainer:
    """A process that makes steps when it is asked to (benchmarks/blocks.py)."""

    def __init__(self, command, environment):
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, **asked):
        """Its answer. Raises UserError if it has ended; what it said stands on the screen."""
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise UserError(f"{' '.join(self._process.args)} has ended: see above") from error

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def median_of_quieter(pairs):
    """The median ratio theirs / ours of the half of the pairs that took least time in all.

    pairs: [(our seconds, their seconds)]
    """
    quieter = sorted(pairs, key=sum)[: (len(pairs) + 1) // 2]
    return statistics.median(theirs / ours for ours, theirs in quieter)


def compare(ours, theirs, case, dtype, pairs):
    """The Result of a case."""
    asked = {**case._asdict(), "dtype": dtype}
    counts = [trainer.ask(**asked)["parameters"] for trainer in (ours, theirs)]
    if counts[0] != counts[1]:
        raise UserError(f"the networks of {case.depth} layers differ: {counts} parameters")
    for trainer in (ours, theirs):
        trainer.ask(steps=2)
    steps = max(1, round(2 * BLOCK_SECONDS / ours.ask(steps=2)["seconds"]))
    measured = []
    for _ in range(pairs):
        measured.append((ours.ask(steps=steps)["seconds"], theirs.ask(steps=steps)["seconds"]))
    speeds = [steps * case.batch / min(seconds) for seconds in zip(*measured)]
    return Result(*speeds, median_of_quieter(measured))


def main():
    parser = Parser(__doc__)
    parser.add_argument("python", help="a Python that has PyTorch")
    parser.add_argument("--pairs", type=int, default=10, help="of blocks, for each row (10)")
    parser.add_argument("--depth", type=int, help="one row's alone")
    saved.add_option(parser)
    arguments = parser.parse_args()
    if arguments.pairs < 1:
        raise UserError(f"--pairs {arguments.pairs}: at least 1")
    said = version(arguments.python)
    threads = os.environ["OMP_NUM_THREADS"]
    print(
        f"{saved.machine()}, PyTorch {said}; images/s of the fastest block, ratio: median of pairs",
        flush=True,
    )
    theirs = Path(__file__).with_name("with_pytorch.py")
    trainers = (
        Trainer([sys.executable, "-W", "ignore", "-m", "benchmarks.ours"], None),
        Trainer(
            [arguments.python, "-W", "ignore", str(theirs)], {**GIVEN, "OMP_NUM_THREADS": threads}
        ),
    )
    cases = [case for case in CASES if arguments.depth in (None, case.depth)]
    rows = []
    try:
        for dtype in DTYPES[: 1 + has_bfloat16()]:
            for case in cases:
                result = compare(*trainers, case, dtype, arguments.pairs)
                print(
                    f"ResNet-{case.depth}, {case.size}x{case.size}, batch {case.batch}, {dtype}: "
                    f"ours {result.ours:.0f}, PyTorch {result.theirs:.0f}, "
                    f"ours / PyTorch {result.ratio:.2f}",
                    flush=True,
                )
                rows.append({**case._asdict(), "dtype": dtype, **result._asdict(), "pytorch": said})
    finally:
        for trainer in trainers:
            trainer.close()
    saved.write(arguments.save, rows)


if __name__ == "__main__":
    run_main(main)
