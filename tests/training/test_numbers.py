"""A small network is trained as in the first version of the project: the same log and arrays, bit
for bit.

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
from conftest import ROOT, arrays, rows
from source import run_in

from data import generated

NUMBERS = ROOT / "tests" / "training" / "numbers.json"
COMMAND = (
    "train_cifar.py --activation preact --depth 11 --image-size 8 --batch-size 20 "
    "--iterations 40 --log-every 10 --test-every 20 --warmup-iterations 5"
)


def trained(folder):
    """{"log": rows, "arrays": their number, "sha256": of the last checkpoint's sorted arrays}"""
    generated.write(folder / "data", images=600)
    place = ["--data-dir", folder / "data", "--output", folder / "run"]
    code, _, err = run_in(ROOT, *COMMAND.split(), *place, OMP_NUM_THREADS="1")
    assert code == 0, err
    content = sorted(array.tobytes() for array in arrays(folder / "run").values())
    return {
        "log": rows(folder / "run"),
        "arrays": len(content),
        "sha256": hashlib.sha256(b"".join(content)).hexdigest(),
    }


def here():
    """What the bits depend on."""
    facts = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    names = ("model name", "cpu family", "model\t")
    return {
        "processor": [line.split(":")[1].strip() for line in facts if line.startswith(names)],
        "machine": platform.machine(),
        "mxnet": mx.__version__,
        "numpy": np.__version__,
    }


def test_network_is_trained_as_in_the_first_version(tmp_path):
    saved = json.loads(NUMBERS.read_text())
    expected = saved["cifar"]
    computed = trained(tmp_path)
    if saved["here"] == here():
        assert computed == expected
    logs = [[row[:4] for row in numbers["log"]] for numbers in (computed, expected)]
    assert np.allclose(*np.array(logs, float), rtol=0.05)
    assert computed["arrays"] == expected["arrays"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        numbers = {"here": here(), "cifar": trained(Path(folder))}
    NUMBERS.write_text(json.dumps(numbers) + "\n")
