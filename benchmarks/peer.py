"""Compare our training with PyTorch's, where PyTorch is installed: make benchmark
PEER=python-with-torch

Blocks of both alternate, each in its own process with the same number of threads. Other load slows
both, so the ratio of each pair of blocks counts: the result is the median over the faster half of
the pairs. Both train on the same augmented images and compute loss and error.
"""

import json
import os
import re
import subprocess
from collections import namedtuple
from pathlib import Path

from common.command import PYTHON, Parser, positive
from common.environment import GIVEN, has_bfloat16
from common.errors import UserError, run_main
from common.files import ROOT

from . import saved, timing

OLDEST = (2, 4)  # the first PyTorch with a fused SGD on the CPU
Case = namedtuple("Case", "depth size batch")
CASES = [Case(20, 32, 128), Case(56, 16, 64), Case(110, 32, 128)]
DTYPES = ("float32", "bfloat16")
BLOCK_SECONDS = 1.0
# The peer is the user's own Python; make sets this variable for ours.
ENVIRONMENT = {key: value for key, value in GIVEN.items() if key != "PYTHONNOUSERSITE"}
Result = namedtuple("Result", "ours theirs ratio")  # images/s, and the median ratio of the pairs


def version(python):
    """Return the version of PyTorch in a Python. Raises UserError if it is missing or too old."""
    command = [python, "-c", "import torch; print(torch.__version__)"]
    try:
        done = subprocess.run(command, text=True, capture_output=True, env=ENVIRONMENT)
        fault = (done.stderr.strip().splitlines() or [""])[-1] if done.returncode else ""
    except OSError as error:
        fault = error.strerror
    if fault:
        raise UserError(f"PEER={python}: {fault}; name a Python that has PyTorch")
    text = done.stdout.strip()
    if tuple(map(int, re.findall(r"\d+", text)[:2])) < OLDEST:
        raise UserError(f"PEER={python} has PyTorch {text}; its fused SGD needs 2.4 or newer")
    return text


class Trainer:
    """A process that makes training steps on request (benchmarks/blocks.py)."""

    def __init__(self, command, environment=None):
        pipes = {"text": True, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)

    def ask(self, **request):
        """Return the answer of the process. Raises UserError if the process has ended."""
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise UserError(f"{' '.join(self._process.args)} has ended: see above") from error

    def close(self):
        self._process.communicate()  # closes its input; a process that has ended is no error


def compare(ours, theirs, case, dtype, pairs):
    """Return the Result of a case, from so many pairs of blocks."""
    request = {**case._asdict(), "dtype": dtype}
    counts = [trainer.ask(**request)["parameters"] for trainer in (ours, theirs)]
    if counts[0] != counts[1]:
        raise UserError(f"the networks of {case.depth} layers differ: {counts} parameters")
    for trainer in (ours, theirs):
        trainer.ask(steps=2)
    steps = max(1, round(2 * BLOCK_SECONDS / ours.ask(steps=2)["seconds"]))
    measured = [
        (ours.ask(steps=steps)["seconds"], theirs.ask(steps=steps)["seconds"]) for _ in range(pairs)
    ]
    speeds = [steps * case.batch / min(seconds) for seconds in zip(*measured)]
    return Result(*speeds, timing.median_of_faster(measured))


def results(trainers, pytorch, pairs):
    """Measure and print each case; yields rows for saved.write."""
    for dtype in DTYPES if has_bfloat16() else ("float32",):
        for case in CASES:
            result = compare(*trainers, case, dtype, pairs)
            print(
                f"ResNet-{case.depth}, {case.size}x{case.size}, batch {case.batch}, {dtype}: ours "
                f"{result.ours:.0f}, PyTorch {result.theirs:.0f}, ratio {result.ratio:.2f}",
                flush=True,
            )
            yield {**case._asdict(), "dtype": dtype, **result._asdict(), "pytorch": pytorch}


def main():
    parser = Parser(__doc__)
    parser.add_argument("python", help="a Python that has PyTorch")
    parser.add_argument(
        "--pairs", type=positive, default=10, help="pairs of blocks for each row (10)"
    )
    saved.add_option(parser)
    arguments = parser.parse_args()
    pytorch = version(arguments.python)
    print(
        f"{saved.machine()}, PyTorch {pytorch}; images/s of the fastest block, median ratio of pairs",
        flush=True,
    )
    script = str(Path(__file__).with_name("with_pytorch.py"))
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": os.environ["OMP_NUM_THREADS"]}
    trainers = (
        Trainer([*PYTHON, "-m", "benchmarks.ours"]),
        Trainer([arguments.python, "-W", "ignore", script], environment),
    )
    try:
        rows = list(results(trainers, pytorch, arguments.pairs))
    finally:
        for trainer in trainers:
            trainer.close()
    saved.write(arguments.save, rows)


if __name__ == "__main__":
    run_main(main)
