"""Two small networks are trained as in the first version of the project: the same logs and arrays,
bit for bit.

tests/training/numbers.json was written by that version. Bits depend on the processor and on
packages: on others the losses must be close.

    python tests/training/test_numbers.py      # writes numbers.json; only for an intended change
"""

import hashlib
import json
import platform
from pathlib import Path

import mxnet as mx
import numpy as np
import PIL
import pytest
from conftest import ROOT, arrays, rows
from PIL import Image
from source import run_in

from data import generated, prepare

NUMBERS = ROOT / "tests" / "training" / "numbers.json"
CIFAR = (
    "train_cifar.py --activation preact --depth 11 --image-size 8 --batch-size 20 "
    "--iterations 40 --log-every 10 --test-every 20 --warmup-iterations 5"
)
IMAGENET = (
    "--activation original --depth 18 --image-size 32 --batch-size 6 "
    "--iterations 6 --log-every 2 --test-every 6"
)
# without the measurement of its cost, which is another process
TRAIN_IMAGENET = "import train_imagenet as t; t.print_own_cost = print; t.main()"


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


def trained(folder, *words):
    """{"log": rows, "arrays": their number, "sha256": of the last checkpoint's sorted arrays}"""
    place = ["--data-dir", folder / "data", "--output", folder / "run"]
    code, _, err = run_in(ROOT, *words, *place, OMP_NUM_THREADS="1")
    assert code == 0, err
    content = sorted(array.tobytes() for array in arrays(folder / "run").values())
    return {
        "log": rows(folder / "run"),
        "arrays": len(content),
        "sha256": hashlib.sha256(b"".join(content)).hexdigest(),
    }


def cifar(folder):
    generated.write(folder / "data", images=600)
    return trained(folder, *CIFAR.split())


def imagenet(folder):
    pictures(folder / "pictures")
    prepare.prepare(folder / "pictures", folder / "data", 69)
    return trained(folder, "-c", TRAIN_IMAGENET, *IMAGENET.split())


def here():
    """What the bits depend on."""
    facts = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    names = ("model name", "cpu family", "model\t")
    return {
        "processor": [line.split(":")[1].strip() for line in facts if line.startswith(names)],
        "machine": platform.machine(),
        "mxnet": mx.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


@pytest.mark.parametrize("network", (cifar, imagenet))
def test_network_is_trained_as_in_the_first_version(network, tmp_path):
    saved = json.loads(NUMBERS.read_text())
    expected = saved[network.__name__]
    computed = network(tmp_path)
    if saved["here"] == here():
        assert computed == expected
    logs = [[row[:4] for row in numbers["log"]] for numbers in (computed, expected)]
    assert np.allclose(*np.array(logs, float), rtol=0.05)
    assert computed["arrays"] == expected["arrays"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as two:
        numbers = {"here": here(), "cifar": cifar(Path(first)), "imagenet": imagenet(Path(two))}
    NUMBERS.write_text(json.dumps(numbers) + "\n")
