"""Two small networks are trained as in the first version of the project: the same logs and arrays,
bit for bit.

tests/training/numbers.json was written by that version. Bits depend on the processor and on
packages: on others the losses must be close.

    python tests/training/test_numbers.py      # writes numbers.json; only for an intended change
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
import PIL
import pytest
from conftest import ROOT, rows
from PIL import Image

from data import generated
from training.checkpoint import paths

NUMBERS = ROOT / "tests" / "training" / "numbers.json"
CIFAR = (
    "train_cifar.py --activation preact --depth 11 --image-size 8 --batch-size 20 "
    "--iterations 40 --log-every 10 --test-every 20 --warmup-iterations 5"
)
IMAGENET = (
    "train_imagenet.py --activation original --depth 18 --image-size 32 --batch-size 6 "
    "--iterations 6 --log-every 2 --test-every 6"
)


def pictures(folder):
    """Write three classes of ten JPEGs each, from NumPy's frozen generator."""
    state = np.random.RandomState(0)
    for label in range(3):
        for i in range(10):
            blocks = state.randint(0, 256, (5, 4, 3)).astype(np.uint8)
            path = folder / f"class{label}" / f"{i}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(blocks).resize((90 + 7 * i, 120 - 3 * i), Image.BICUBIC).save(
                path, "JPEG", quality=92
            )


def trained(folder, command, data):
    """{"log": rows, "arrays": their number, "sha256": of the last checkpoint's sorted arrays}"""
    run = folder / "run"
    subprocess.run(
        [sys.executable, "-W", "ignore", *command.split(), "--data-dir", data, "--output", run],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    arrays = sorted(
        array.asnumpy().tobytes()
        for array in mx.nd.load(str(paths(run)[-1] / "arrays.params")).values()
    )
    return {
        "log": rows(run),
        "arrays": len(arrays),
        "sha256": hashlib.sha256(b"".join(arrays)).hexdigest(),
    }


def cifar(folder):
    generated.write(folder / "data", images=600)
    return trained(folder, CIFAR, folder / "data")


def imagenet(folder):
    pictures(folder / "pictures")
    subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "data.prepare",
            folder / "pictures",
            "--output",
            folder / "data",
            "--side",
            "69",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return trained(folder, IMAGENET, folder / "data")


def here():
    """What the bits depend on."""
    facts = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    model = [
        line.split(":")[1].strip()
        for line in facts
        if line.startswith(("model name", "cpu family", "model\t"))
    ]
    return {
        "processor": model,
        "machine": platform.machine(),
        "mxnet": mx.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


@pytest.mark.parametrize("network", (cifar, imagenet))
def test_network_is_trained_as_in_the_first_version(network, tmp_path):
    before, now = json.loads(NUMBERS.read_text()), network(tmp_path)
    then = before[network.__name__]
    if before["here"] == here():
        assert now == then
    for row, counterpart in zip(now["log"], then["log"]):
        assert np.allclose(np.array(row[:4], float), np.array(counterpart[:4], float), rtol=0.05)
    assert len(now["log"]) == len(then["log"]) and now["arrays"] == then["arrays"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as two:
        numbers = {"here": here(), "cifar": cifar(Path(first)), "imagenet": imagenet(Path(two))}
    NUMBERS.write_text(json.dumps(numbers) + "\n")
