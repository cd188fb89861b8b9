"""A batch in parts or over several devices is the same step, but for BN's statistics, which each
part has of its own.
"""

import re

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from conftest import PAPER, arrays, refusal, refused

from common.environment import without_notes
from common.errors import UserError
from symbols import get_symbol, network_options
from training import memory
from training.log import read_log
from training.loop import bind, step
from training.optimizer import optimizer


def without_batch_norm():
    x = mx.sym.Convolution(
        mx.sym.Variable("data"), num_filter=4, kernel=(3, 3), pad=(1, 1), name="conv0"
    )
    x = x + mx.sym.Activation(
        mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), pad=(1, 1), name="conv1"),
        act_type="relu",
    )
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=3, name="fc"), name="softmax")


def trained(part, devices=1, batch=12, steps=4):
    """Parameters after some steps on batches of 12, taken in parts."""
    symbol = without_batch_norm()
    recipe = read_options(["--batch-size", str(batch), "--learning-rate", "0.5"])[1]
    module = mx.mod.Module(symbol, context=[mx.cpu(k) for k in range(devices)])
    with without_notes():
        module.bind(
            [("data", (part, 3, 6, 6))],
            [("softmax_label", (part,))],
            grad_req="add" if part < batch else "write",
        )
    mx.random.seed(1)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer=optimizer(recipe, symbol))
    state = np.random.RandomState(2)
    metric = mx.metric.CrossEntropy()
    for i in range(steps):
        data = mx.io.DataBatch(
            [mx.nd.array(state.normal(size=(batch, 3, 6, 6)))],
            [mx.nd.array(state.randint(0, 3, batch))],
        )
        step(module, data, (metric,), seed=i)
    mx.nd.waitall()
    assert metric.num_inst == batch  # of the last step
    return {name: array.asnumpy() for name, array in module.get_params()[0].items()}, metric.get()[
        1
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part, devices", [(6, 1), (3, 1), (1, 1), (12, 2), (12, 3), (4, 2)])
def test_parts_and_devices_make_the_step_of_the_whole_batch(part, devices):
    whole, loss = trained(12)
    parts, other = trained(part, devices)
    assert other == pytest.approx(loss, rel=1e-5)
    for name in whole:
        assert np.allclose(whole[name], parts[name], rtol=1e-5, atol=1e-6), name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", [6, 3, 1])
def test_parts_make_exactly_the_step_of_the_whole_batch(part):
    """In whole numbers, which floats add up without rounding."""
    symbol = mx.sym.LinearRegressionOutput(
        mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, no_bias=True, name="fc"),
        mx.sym.Variable("softmax_label"),
        name="softmax",
    )
    found = []
    for size in (12, part):
        module = mx.mod.Module(symbol)
        with without_notes():
            bind(module, (12, 5), size)
        module.init_params(mx.init.One())
        module.init_optimizer(optimizer_params={"learning_rate": 0.5, "rescale_grad": 1.0})
        state = np.random.RandomState(1)
        for i in range(3):
            step(
                module,
                mx.io.DataBatch(
                    [mx.nd.array(state.randint(-2, 3, (12, 5)))],
                    [mx.nd.array(state.randint(0, 9, 12))],
                ),
                (),
                seed=i,
            )
        found.append(module.get_params()[0]["fc_weight"].asnumpy())
    assert (found[0] == found[1]).all() and (found[0] != 1).any()


def test_parts_have_batch_norm_each_as_devices_do(train, tmp_path):
    """--micro-batch 10 of 20 is the paper's two GPUs with half of the batch each, on one device."""
    losses = []
    for name, options in (
        ("parts", ["--micro-batch", 10]),
        ("devices", ["--cpus", 2]),
        ("whole", []),
    ):
        code, _, err = train(
            "--iterations", 5, "--log-every", 1, "--output", tmp_path / name, *options
        )
        assert code == 0, err
        losses.append([row["train_loss"] for row in read_log(tmp_path / name)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)
    kept = arrays(tmp_path / "devices")
    averages = [name.split(":")[1] for name in kept if name.startswith("aux0:")]
    assert averages and all(
        (kept[f"aux0:{name}"] != kept[f"aux1:{name}"]).any() for name in averages
    ), "each device has its own"


def test_parts_that_do_not_divide_the_batch_are_refused(train):
    assert refused(train("--micro-batch", 7), "--micro-batch 7", "divide the batch of 20")
    assert refused(train("--micro-batch", 5, "--cpus", 2), "2 devices")


def test_memory_is_said_before_the_start_and_less_with_parts(train, tmp_path):
    output = {}
    for options in ((), ("--micro-batch", 32)):
        out = train(
            "--depth",
            20,
            "--image-size",
            32,
            "--batch-size",
            128,
            "--iterations",
            1,
            *options,
            "--output",
            tmp_path / str(len(options)),
        )[1]
        output[options] = float(re.search(r"about ([0-9.]+) GB", out).group(1))
    assert output[()] == 0.5 and output[("--micro-batch", 32)] == 0.3


def test_activations_kept_for_backward_are_what_was_measured():
    for depth, measured in (
        (164, 24.4),
        (1001, 146.5),
    ):  # MB for one picture of 32x32, peak of a process over batch sizes
        assert memory.training_bytes(get_symbol(depth, "preact"), 32) / 1e6 == pytest.approx(
            measured, rel=0.06
        )


@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
def test_float16_is_what_flows_and_batch_norm_and_classifier_are_float32(
    shortcut, activation, unit
):
    symbol, full = (
        get_symbol({"basic": 8, "bottleneck": 11}[unit], activation, shortcut, unit, dtype=dtype)
        for dtype in ("float16", None)
    )
    kinds, outputs, states = symbol.infer_type(data="float32")
    kind = dict(zip(symbol.list_arguments(), kinds))
    assert {name for name, each in kind.items() if each == np.float16} == {
        name for name in kind if name.endswith(("_weight", "gate_bias")) and name != "fc_weight"
    }
    assert {*outputs, *states} == {np.float32} and symbol.list_arguments() == full.list_arguments()
    inside = symbol.get_internals()
    _, kinds, _ = inside.infer_type(data="float32")
    assert all(
        each == np.float16
        for name, each in zip(inside.list_outputs(), kinds)
        if name.endswith(("conv1_output", "_plus_output", "bn1_output", "relu1_output"))
    )
    assert 2 * memory.training_bytes(symbol, 32) == memory.training_bytes(full, 32)


def test_float16_is_refused_where_it_cannot_work():
    for options, words in (
        ([], "no float16 convolutions on a CPU"),
        (["--gpus", "0", "--kv-store", "dist_sync"], "exchanges float32 only"),
    ):
        refusal(
            lambda: read_options(["--dtype", "float16", *options]),  # noqa: B023
            words,
        )
    arguments, recipe = read_options(["8", "--dtype", "float16", "--gpus", "0"])
    network = network_options.network(arguments, "cifar", 110)
    assert (
        network.symbol(10, dtype=recipe.dtype).tojson() == get_symbol(8, dtype="float16").tojson()
    )


def test_all_gpus_of_a_machine_without_any_is_one_line():
    with pytest.raises(UserError, match="no GPU that MXNet has code for"):
        read_options(["--gpus", "all"])
