"""Training takes as much memory in its last iteration as in its first."""

import os
import subprocess
import sys

import mxnet as mx
import pytest
from conftest import ROOT

from common.environment import has_bfloat16
from symbols.layers import concat

# Pictures of 8x8; the first iterations fill MXNet's pools. Prints bytes an iteration.
STEPS = """
import sys
import training
import mxnet as mx
from symbols import get_symbol
from training import bfloat16
from training.loop import bind, step

module = mx.mod.Module(bfloat16.bound(get_symbol(8), sys.argv[1]))
bind(module, (2, 3, 8, 8))
module.init_params()
module.init_optimizer(optimizer_params={"learning_rate": 0.001, "momentum": 0.9})
metrics = mx.metric.CrossEntropy(), mx.metric.Accuracy()

def held(iterations):
    for seed in range(iterations):
        batch = mx.io.DataBatch([mx.nd.ones((2, 3, 8, 8))], [mx.nd.zeros(2)])
        step(module, batch, metrics, seed)
    mx.nd.waitall()
    return int(open("/proc/self/statm").read().split()[1]) * 4096

before = held(400)
print((held(400) - before) / 400)
"""


@pytest.mark.parametrize(
    "dtype",
    (
        "float32",
        pytest.param(
            "bfloat16", marks=pytest.mark.skipif(not has_bfloat16(), reason="no AVX512-BF16")
        ),
    ),
)
def test_an_iteration_leaves_nothing_behind(dtype):
    # 5,500 bytes with MXNet's Concat on axis 1
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STEPS, dtype],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    assert float(done.stdout) < 2000, done.stdout + done.stderr


# Prints the bytes by which training needs more than the estimate.
ESTIMATE = """
import sys
import mxnet as mx
from symbols import get_symbol
from training import memory, recomputation
from training.estimate import planned_bytes
from training.loop import bind, step

recompute = sys.argv[1] == "recomputed"
symbol = get_symbol(110)
before = memory.held_bytes()
module = mx.mod.Module(recomputation.bound(symbol, recompute))
bind(module, (64, 3, 16, 16))
module.init_params()
module.init_optimizer(optimizer_params={"learning_rate": 0.001, "momentum": 0.9})
batch = mx.io.DataBatch([mx.nd.ones((64, 3, 16, 16))], [mx.nd.zeros(64)])
for seed in range(2):
    step(module, batch, [mx.metric.Accuracy()], seed)
mx.nd.waitall()
print(memory.held_bytes() - before - planned_bytes(symbol, 16, 64, recompute))
"""


@pytest.mark.parametrize("form", ["once", "recomputed"])
def test_training_needs_no_more_memory_than_estimated(form):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ESTIMATE, form],
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    assert -2.5e8 < float(done.stdout) < 0, done.stdout + done.stderr


def test_concat_puts_the_channels_side_by_side():
    parts = mx.sym.Variable("x"), mx.sym.Variable("y")
    values = {"x": mx.nd.ones((2, 1, 3, 3)), "y": 2 * mx.nd.ones((2, 2, 3, 3))}
    output = concat(*parts).eval(ctx=mx.cpu(), **values)[0].asnumpy()
    assert output.shape == (2, 3, 3, 3)
    assert (output[:, 0] == 1).all() and (output[:, 1:] == 2).all()
