"""Training takes as much memory in its last iteration as in its first."""

import pytest
from conftest import NEEDS_BFLOAT16, ROOT
from source import run_in

from symbols import get_symbol
from training.estimate import planned_bytes
from training.memory import training_bytes
from training.recomputation import recomputed_bytes

# Begins both scripts below.
SETUP = """
import sys
import training
import mxnet as mx
from symbols import get_symbol
from training import bfloat16, memory, recomputation
from training.loop import bind, step

def train(symbol, shape):
    module = mx.mod.Module(symbol)
    bind(module, shape)
    module.init_params()
    module.init_optimizer(optimizer_params={"learning_rate": 0.001, "momentum": 0.9})
    metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()

    def steps(iterations):
        for seed in range(iterations):
            batch = mx.io.DataBatch([mx.nd.ones(shape)], [mx.nd.zeros(shape[0])])
            step(module, batch, metrics, (seed,))
        mx.nd.waitall()

    return steps
"""

# Images of 8x8; the first iterations fill MXNet's pools. Prints the bytes that an iteration leaves.
STEPS = """
steps = train(bfloat16.bound(get_symbol(8), sys.argv[1]), (2, 3, 8, 8))

def held(iterations):
    steps(iterations)
    return int(open("/proc/self/statm").read().split()[1]) * 4096

before = held(200)
print((held(200) - before) / 200)
"""

# Prints the bytes that training takes.
TAKEN = """
symbol = get_symbol(110)
before = memory.held_bytes()
if sys.argv[1] == "recomputed":
    symbol = recomputation.Recomputed(symbol)
steps = train(symbol, (64, 3, 16, 16))
steps(2)
print(memory.held_bytes() - before)
"""


def printed(script, word):
    """The number that a script prints in another process."""
    code, out, err = run_in(ROOT, "-c", SETUP + script, word, MALLOC_ARENA_MAX="1")
    assert code == 0, err
    return float(out)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=NEEDS_BFLOAT16)])
def test_an_iteration_leaves_nothing_behind(dtype):
    # 5,500 bytes with MXNet's Concat on axis 1
    assert printed(STEPS, dtype) < 2000


def test_training_takes_no_more_memory_than_estimated_and_much_less_if_recomputed():
    symbol = get_symbol(110)
    once, twice = (printed(TAKEN, form) for form in ("once", "recomputed"))
    assert -2.5e8 < once - planned_bytes(symbol, 16, 64, recompute=False) < 0
    assert -2.5e8 < twice - planned_bytes(symbol, 16, 64, recompute=True) < 0
    kept, recomputed = training_bytes(symbol, 16), recomputed_bytes(symbol, 16)
    assert once - twice == pytest.approx(64 * (kept - recomputed), rel=0.4)
    assert recomputed < kept / 2
