"""--recompute: the same gradients in a fraction of the memory, for any symbol."""

import json
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from commands import finish, start_job
from conftest import NEEDS_BFLOAT16, SMALL, rows, sound
from modules import bound

from common.environment import has_bfloat16, without_notes
from common.graph import Graph
from symbols import get_symbol
from training import bfloat16, memory, recomputation, segments
from training.estimate import memory_plan
from training.optimizer import initializer

COUNT = 8


def names_of_cuts(symbol):
    graph = Graph(symbol)
    return [cut.entry[0].name for cut in segments.cuts(graph, ("data", "softmax_label"))]


def test_residual_networks_can_be_cut_between_their_units_alone():
    units = [f"stage{stage}_unit1_{end}" for stage in (1, 2, 3) for end in ("_plus0", "relu2")]
    assert names_of_cuts(get_symbol(8)) == ["conv1", "bn1", "relu1", *units, "mean", "fc"]


def dense(x, **weight):
    return mx.sym.FullyConnected(x, num_hidden=4, no_bias=True, **weight)


def test_all_readers_of_a_parameter_are_in_one_segment():
    """Its gradient would come in two halves."""
    shared = mx.sym.Variable("shared_weight")
    x = dense(mx.sym.Variable("data"), name="first")
    x = dense(x, weight=shared, name="second")
    x = dense(x, name="third")
    x = dense(x, weight=shared, name="fourth")
    x = dense(x, name="fifth")
    assert names_of_cuts(mx.sym.SoftmaxOutput(x, name="softmax")) == ["first", "fourth", "fifth"]


def test_no_cut_is_behind_an_output_or_beside_another_edge():
    x = dense(mx.sym.Variable("data"), name="first")
    y = dense(x, name="second")
    z = dense(y, name="third")
    loss = mx.sym.SoftmaxOutput(mx.sym.elemwise_add(z, x, name="sum"), name="softmax")
    assert names_of_cuts(loss) == ["first", "sum"]
    assert names_of_cuts(mx.sym.Group([loss, mx.sym.BlockGrad(x)])) == ["first"]
    assert names_of_cuts(mx.sym.Group([loss, x])) == []


def smooth(symbol):
    """The symbol with softplus in place of ReLU, in whose kink the smallest rounding shows."""
    return mx.sym.load_json(symbol.tojson().replace('"act_type": "relu"', '"act_type": "softrelu"'))


def module_of(symbol, contexts=1):
    module = bound(symbol, (COUNT, 3, 16, 16), contexts)
    mx.random.seed(3)
    module.init_params(initializer("in"))
    with without_notes():
        module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
    return module


def batch(seed):
    state = np.random.RandomState(seed)
    return mx.io.DataBatch(
        [mx.nd.array(state.normal(size=(COUNT, 3, 16, 16)))],
        [mx.nd.array(state.randint(0, 10, COUNT))],
    )


def step(module, seed):
    """(outputs, all gradients, all moving averages) of one step, which it makes."""
    mx.random.seed(seed)
    module.forward(batch(seed), is_train=True)
    module.backward()
    outputs = module.get_outputs()[0].asnumpy()
    group = module._exec_group
    gradients = [array.asnumpy().ravel() for blocks in group.grad_arrays for array in blocks]
    module.update()
    mx.nd.waitall()
    averages = [array.asnumpy() for blocks in group.aux_arrays for array in blocks]
    return outputs, np.concatenate(gradients), np.concatenate([np.ones(1), *averages])


def distance(first, other):
    return np.linalg.norm(first - other) / np.linalg.norm(first)


def pieces(module):
    return len(module._exec_group.execs[0]._segments)


def agree(symbol, tolerance, contexts=1):
    """Whether outputs, gradients and averages of two steps are the same with recomputation."""
    kept = module_of(symbol, contexts)
    twice = module_of(recomputation.Recomputed(symbol), contexts)
    assert pieces(twice) > 2
    for seed in range(2):
        for first, other in zip(step(kept, seed), step(twice, seed)):
            assert distance(first, other) < tolerance
    return True


SHORTCUTS = "convolution exclusive_gating shortcut_only_gating constant_scaling plain".split()


@pytest.mark.parametrize(
    "network, contexts",
    [
        *(((20, activation), 1) for activation in sound("activations")),
        *(((20, "original", shortcut), 1) for shortcut in SHORTCUTS),
        ((29, "original", "identity", "bottleneck"), 2),
    ],
)
def test_gradients_are_those_without_it(network, contexts):
    assert agree(smooth(get_symbol(*network)), 1e-5, contexts)


@NEEDS_BFLOAT16
def test_gradients_in_bfloat16_are_those_without_it():
    assert agree(bfloat16.converted(get_symbol(20)), 1e-4)


def test_symbol_that_cannot_be_cut_still_trains():
    x = mx.sym.Flatten(mx.sym.Variable("data"))
    symbol = mx.sym.SoftmaxOutput(dense(x, name="fc"), name="softmax")
    twice = module_of(recomputation.Recomputed(symbol))
    assert distance(step(module_of(symbol), 1)[1], step(twice, 1)[1]) < 1e-6


def test_dropout_is_the_same_in_both_passes():
    """y = w mask x behind a cut: the gradient of w shows backward's mask, y forward's."""
    weight = mx.sym.Variable("weight", shape=(1000,), init=mx.init.One())
    x = mx.sym.broadcast_mul(mx.sym.Variable("data"), mx.sym.expand_dims(weight, axis=0))
    x = mx.sym.Dropout(x, p=0.5, name="dropout")
    symbol = mx.sym.MakeLoss(mx.sym.identity(x, name="after"), name="loss")
    graph = Graph(symbol)
    cut = [cut for cut in segments.cuts(graph, ("data",)) if cut.entry[0].name == "dropout"]
    masks = []
    executor = executor_of(graph, cut)
    for seed in (1, 1, 2):
        mx.random.seed(seed)
        executor.forward(is_train=True)
        executor.backward()
        masks.append(executor.outputs[0].asnumpy()[0] > 0)
        assert 400 < masks[-1].sum() < 600
        assert (executor.grad_dict["weight"].asnumpy() == executor.outputs[0].asnumpy()[0]).all()
    assert (masks[0] == masks[1]).all() and (masks[0] != masks[2]).any()


def executor_of(graph, taken):
    """An executor of a graph with these cuts, with all its inputs 1."""
    arguments = {"data": mx.nd.ones((1, 1000)), "weight": mx.nd.ones((1000,))}
    passed = graph.arrays([cut.entry for cut in taken], {"data": (1, 1000)})
    planned = recomputation.Plan(segments.segments(graph, taken), passed, need=0)
    return recomputation.Executor(
        planned, mx.cpu(), {"data": "null", "weight": "write"}, arguments, {}
    )


def test_forward_pass_reads_the_networks_own_states():
    """BN by its moving averages reads them in forward, and its copies must be them."""
    x = mx.sym.Variable("data")
    for number in range(12):
        x = mx.sym.Convolution(x, num_filter=8, kernel=(1, 1), name=f"conv{number}")
        x = mx.sym.BatchNorm(x, use_global_stats=True, fix_gamma=False, name=f"bn{number}")
    symbol = mx.sym.SoftmaxOutput(dense(mx.sym.Flatten(x), name="fc"), name="softmax")
    modules = [module_of(symbol), module_of(recomputation.Recomputed(symbol))]
    results = []
    for module in modules:
        arguments, states = module.get_params()
        module.set_params(arguments, {name: array + 2 for name, array in states.items()})
        results.append(step(module, 1))
    assert pieces(modules[1]) > 1
    assert distance(results[0][0], results[1][0]) < 1e-6
    assert distance(results[0][1], results[1][1]) < 1e-6


RUN = ["--depth", "14", "--unit", "basic", "--iterations", "20", "--recompute"]


def test_run_is_that_without_it(train, images, tmp_path):
    few = ["--iterations", "5", "--log-every", "1", "--learning-rate", "0.01"]
    runs = {
        "twice": RUN,
        "once": RUN[:-1],
        "parts": [*RUN, "--micro-batch", "10"],
        "devices": [*RUN, "--cpus", "2"],
    }
    for name, options in runs.items():
        code, _, err = train(*options, *few, "--output", tmp_path / name)
        assert code == 0, err
    words = [*RUN, *few, "--kv-store", "dist_sync", "--output", tmp_path / "workers"]
    finish(start_job("--data-dir", images, *SMALL, *words))
    losses = {name: [row[3] for row in rows(tmp_path / name)] for name in (*runs, "workers")}
    assert losses["twice"] == pytest.approx(losses["once"], rel=1e-3)
    assert losses["parts"] == pytest.approx(losses["devices"], rel=1e-3)
    assert losses["workers"] == pytest.approx(losses["devices"], rel=1e-3)
    assert losses["twice"] != pytest.approx(losses["parts"], rel=1e-3)
    host = json.loads((tmp_path / "twice" / "config.json").read_text())["host"]
    assert host["recompute"] is True


def test_stopped_run_resumes_exactly(resumes_exactly):
    dtype = "bfloat16" if has_bfloat16() else "float32"
    options = ["--iterations", "40", "--shortcut", "dropout", "--micro-batch", "10"]
    assert resumes_exactly(*RUN, *options, "--dtype", dtype)


def test_cost_is_that_of_the_run_with_the_memory_that_is_free(train, monkeypatch):
    symbols = []

    class Noted(recomputation.Recomputed):
        def __init__(self, symbol):
            symbols.append(symbol)
            super().__init__(symbol)

    monkeypatch.setattr(recomputation, "Recomputed", Noted)
    monkeypatch.setattr(memory, "free_bytes", lambda: 0)
    dtype = "bfloat16" if has_bfloat16() else "float32"
    code, out, err = train(*RUN[:-1], "--cost-json", "--dtype", dtype)
    assert code == 0 and json.loads(out)["images_per_second"] > 0, err
    assert len(symbols) == 1 and "computed twice" in err


def test_deep_network_at_the_papers_batch_needs_less_than_four_gigabytes():
    symbol = get_symbol(1001, "preact")
    assert 128 * memory.training_bytes(symbol, 32) > 19e9
    assert 128 * recomputation.recomputed_bytes(symbol, 32) < 3.3e9
    assert 128 * recomputation.recomputed_bytes(bfloat16.converted(symbol), 32) < 1.7e9


@pytest.mark.parametrize(
    "free, words, recomputed, needed, notes",
    [
        (9e9, [], False, 1.5, []),
        (9e9, ["--dtype", "bfloat16"], False, 1.0, []),
        (9e9, ["--micro-batch", "32"], False, 0.7, []),
        (9e9, ["--recompute"], True, 0.8, []),
        (1e9, [], True, 0.8, ["1.5 GB of memory, 1.2 GB are available: activations are computed"]),
        (1e8, ["--recompute"], True, 0.8, ["--micro-batch processes a batch in parts"]),
        (1e8, [], True, 0.8, ["are computed twice", "--micro-batch processes a batch in parts"]),
    ],
)
def test_memory_is_estimated_and_activations_are_recomputed_if_it_is_too_small(
    monkeypatch, free, words, recomputed, needed, notes
):
    monkeypatch.setattr("training.devices.has_bfloat16", lambda: True)
    monkeypatch.setattr(memory, "free_bytes", lambda: free)
    monkeypatch.setattr(memory, "held_bytes", lambda: 2e8)
    arguments, recipe = read_options(["110", *words])
    job = SimpleNamespace(recipe=recipe, symbol=get_symbol(110))
    decided, estimate, text = memory_plan(job, arguments)
    assert decided is recomputed and estimate == f"about {needed} GB"
    assert len(text) == len(notes)
    assert all(note in line for note, line in zip(notes, text))
