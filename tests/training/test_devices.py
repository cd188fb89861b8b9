"""A batch in parts or over several devices is the same step, except for BN: each part has its own
statistics.
"""

from dataclasses import replace
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from conftest import PAPER, arrays, refusal

from common.environment import without_notes
from common.graph import Graph
from symbols import get_symbol, network_options
from training import batch_norm, devices, memory
from training.log import read_log
from training.loop import bind, step, training_module
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
    """(parameters, loss) after some steps on batches of 12, taken in parts."""
    symbol = without_batch_norm()
    recipe = read_options(["--batch-size", str(batch), "--learning-rate", "0.5"])[1]
    module = mx.mod.Module(symbol, context=[mx.cpu(k) for k in range(devices)])
    with without_notes():
        bind(module, (batch, 3, 6, 6), part)
    mx.random.seed(1)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer=optimizer(recipe, symbol))
    state = np.random.RandomState(2)
    metric = mx.metric.CrossEntropy()
    for i in range(steps):
        arrays = state.normal(size=(batch, 3, 6, 6)), state.randint(0, 3, batch)
        data, label = map(mx.nd.array, arrays)
        step(module, mx.io.DataBatch([data], [label]), (metric,), (i,))
    mx.nd.waitall()
    assert metric.num_inst == batch  # of the last step
    parameters = {name: array.asnumpy() for name, array in module.get_params()[0].items()}
    return parameters, metric.get()[1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part, devices", [(6, 1), (1, 1), (12, 2), (12, 3), (4, 2)])
def test_parts_and_devices_make_the_step_of_the_whole_batch(part, devices):
    whole, loss = trained(12)
    parts, other = trained(part, devices)
    assert other == pytest.approx(loss, rel=1e-5)
    for name in whole:
        assert np.allclose(whole[name], parts[name], rtol=1e-5, atol=1e-6), name


def test_each_part_has_its_own_batch_norm_as_each_device_has(train, tmp_path):
    """--micro-batch 10 of 20 is the paper's two GPUs with half of the batch each, on one device."""
    losses = {}
    few = ["--iterations", 5, "--log-every", 1, "--output"]
    kinds = {"parts": ["--micro-batch", 10], "devices": ["--cpus", 2], "whole": []}
    for name, options in kinds.items():
        code, _, err = train(*few, tmp_path / name, *options)
        assert code == 0, err
        losses[name] = [row["train_loss"] for row in read_log(tmp_path / name)]
    assert losses["parts"] == pytest.approx(losses["devices"], rel=1e-4)
    assert losses["parts"] != pytest.approx(losses["whole"], rel=1e-3)
    kept = arrays(tmp_path / "devices")
    averages = [name.split(":")[1] for name in kept if name.startswith("aux0:")]
    for name in averages:
        assert (kept[f"aux0:{name}"] != kept[f"aux1:{name}"]).any(), "each device has its own"


def test_batch_in_parts_has_its_usual_weight_in_the_moving_averages():
    """Both parts of the batch have the same images, so the same statistics."""
    recipe = read_options([])[1]
    averages = []
    for micro_batch in (None, 4):
        recipe = replace(recipe, batch_size=8, micro_batch=micro_batch)
        mx.random.seed(1)
        module = training_module(get_symbol(8), recipe, [mx.cpu()], (8, 3, 8, 8))
        half = mx.nd.array(np.random.RandomState(1).normal(size=(4, 3, 8, 8)))
        batch = mx.io.DataBatch([mx.nd.concat(half, half, dim=0)], [mx.nd.zeros(8)])
        step(module, batch, [], (0,))
        mx.nd.waitall()
        averages.append(module.get_params()[1]["bn1_moving_var"].asnumpy())
    assert averages[1] == pytest.approx(averages[0], rel=1e-4) and (averages[0] != 1).all()


def test_batch_norm_without_a_momentum_has_mxnets():
    symbol = mx.sym.BatchNorm(mx.sym.Variable("data"), fix_gamma=False)
    (node,) = [n for n in Graph(batch_norm.with_parts(symbol, 2)).nodes if n.op == "BatchNorm"]
    assert float(node.attributes["momentum"]) == pytest.approx(0.9**0.5)


def test_bfloat16_is_tested_on_cpus_only(monkeypatch):
    monkeypatch.setattr(devices, "has_bfloat16", lambda: True)
    for gpus, expected in (([], "bfloat16"), ([0], "float32")):
        assert devices.testing_dtype("bfloat16", SimpleNamespace(gpus=gpus)) == expected


def test_work_of_one_device_takes_one_gpu():
    refusal(lambda: devices.context(SimpleNamespace(gpus=[0, 1])), "this uses one GPU")


@pytest.mark.parametrize("depth, megabytes", [(164, 24.4), (1001, 146.5)])
def test_activations_kept_for_backward_are_what_was_measured(depth, megabytes):
    """For an image of 32x32, from the peak of a process at several batch sizes."""
    estimate = memory.training_bytes(get_symbol(depth, "preact"), 32) / 1e6
    assert estimate == pytest.approx(megabytes, rel=0.06)


@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
def test_float16_is_what_flows_and_batch_norm_and_classifier_are_float32(
    shortcut, activation, unit
):
    depth = {"basic": 8, "bottleneck": 11}[unit]
    symbol = get_symbol(depth, activation, shortcut, unit, dtype="float16")
    full = get_symbol(depth, activation, shortcut, unit)
    types, outputs, states = symbol.infer_type(data="float32")
    narrow = {name for name, kind in zip(symbol.list_arguments(), types) if kind == np.float16}
    assert narrow == {
        name
        for name in symbol.list_arguments()
        if name.endswith(("_weight", "gate_bias")) and name != "fc_weight"
    }
    assert {*outputs, *states} == {np.float32} and symbol.list_arguments() == full.list_arguments()
    inside = symbol.get_internals()
    _, types, _ = inside.infer_type(data="float32")
    layers = ("conv1_output", "_plus_output", "bn1_output", "relu1_output")
    assert all(
        kind == np.float16
        for name, kind in zip(inside.list_outputs(), types)
        if name.endswith(layers)
    )
    assert 2 * memory.training_bytes(symbol, 32) == memory.training_bytes(full, 32)


def test_float16_is_for_gpus():
    arguments, recipe = read_options(["8", "--dtype", "float16", "--gpus", "0"])
    network = network_options.network(arguments, "cifar")
    symbol = network.symbol(10, dtype=recipe.dtype)
    assert symbol.tojson() == get_symbol(8, dtype="float16").tojson()
