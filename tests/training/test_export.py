"""A trained network in MXNet's own files and as ONNX: what reads them computes what we compute."""

import json
import sys

import mxnet as mx
import numpy as np
import pytest
from conftest import NEEDS_BFLOAT16, PAPER, refusal, scored, trained
from modules import evaluate
from unit_network import random_values

from common.environment import without_notes
from common.graph import Graph
from symbols import get_symbol, resnet
from training import export, onnx_file, weights

SIDE = 8
VARIANTS = [
    (activation, shortcut) for activation in PAPER["activations"] for shortcut in PAPER["shortcuts"]
]
DEEPER = [("original", "dropout"), ("preact", "convolution"), ("bn_after_addition", "identity")]


def pictures(count=5, side=SIDE):
    return np.random.RandomState(3).normal(0, 60, (count, 3, side, side)).astype(np.float32)


def ours(folder, data):
    """Probabilities of a run's newest checkpoint."""
    read = weights.read(folder)
    symbol = get_symbol(8, shortcut="dropout").get_internals()["fc_output"]
    symbol = mx.sym.softmax(symbol, name="probabilities")
    return evaluate(symbol, "probabilities", read.arguments, read.states, data)


def test_finished_run_is_read_by_mxnets_own_functions(finished):
    data = pictures()
    expected = ours(finished, data)
    prefix = str(finished / export.PREFIX)
    symbol, arguments, states = mx.model.load_checkpoint(prefix, 0)
    assert symbol.tojson() == get_symbol(8, shortcut="dropout").tojson()
    assert {*arguments, "data", "softmax_label"} == set(symbol.list_arguments())
    assert set(states) == set(symbol.list_auxiliary_states())
    module = mx.mod.Module.load(prefix, 0)
    with without_notes():
        module.bind([("data", data.shape)], [("softmax_label", (len(data),))], for_training=False)
    module.forward(mx.io.DataBatch([mx.nd.array(data)], [mx.nd.zeros(len(data))]), is_train=False)
    np.testing.assert_allclose(module.get_outputs()[0].asnumpy(), expected, atol=1e-6)
    block = mx.gluon.SymbolBlock.imports(
        f"{prefix}-symbol.json", ["data", "softmax_label"], f"{prefix}-0000.params"
    )
    probabilities = block(mx.nd.array(data), mx.nd.zeros(len(data))).asnumpy()
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_inputs_describe_the_images(finished):
    inputs = json.loads((finished / export.INPUTS).read_text())
    assert inputs["shape"] == [3, SIDE, SIDE] and np.shape(inputs["mean"]) == (3, SIDE, SIDE)
    assert len(inputs["classes"]) == 10 and inputs["classes"][0] == "warm disc"


def test_checkpoint_is_exported_into_a_folder(finished, images, tmp_path, monkeypatch, capsys):
    scored(monkeypatch, finished, "--export", "mxnet", "--output", tmp_path / "files")
    assert capsys.readouterr().out.count("\n") == 3
    for name in (export.SYMBOL, export.PARAMETERS, export.INPUTS):
        assert (tmp_path / "files" / name).read_bytes() == (finished / name).read_bytes()
    # a folder of such files is weights again
    np.testing.assert_array_equal(ours(tmp_path / "files", pictures()), ours(finished, pictures()))
    bare = tmp_path / "bare.params"
    bare.write_bytes((finished / export.PARAMETERS).read_bytes())
    of_run = f"--dataset cifar10 --image-size {SIDE} --data-dir {images}".split()
    scored(monkeypatch, bare, "dropout8", *of_run, "--export", "mxnet")
    assert (tmp_path / export.INPUTS).read_bytes() == (finished / export.INPUTS).read_bytes()


@NEEDS_BFLOAT16
def test_network_of_a_run_in_bfloat16_is_float32(images, tmp_path):
    folder = trained(tmp_path / "run", images, "--dtype", "bfloat16", "--iterations", "2")
    symbol, arguments, _ = mx.model.load_checkpoint(str(folder / export.PREFIX), 0)
    assert symbol.tojson() == get_symbol(8).tojson()
    assert {array.dtype for array in arguments.values()} == {np.float32}


def test_what_cannot_be_exported_gets_one_line(finished, monkeypatch):
    refusal(lambda: scored(monkeypatch, finished, "--export", "caffe"), "caffe", "onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    refusal(lambda: scored(monkeypatch, finished, "--export", "onnx"), "requirements/dev.txt")
    assert not (finished / "network.onnx").exists()


@pytest.fixture(params=["cifar-8", "cifar-11", "imagenet-18", "imagenet-50"])
def network(request, monkeypatch):
    """(activation, shortcut) -> (symbol, arguments, states, pictures); ImageNet's are narrow."""
    family, depth = request.param.split("-")
    monkeypatch.setitem(resnet.STEM_CHANNELS, "imagenet", 8)
    data = pictures(2, 32)
    widths = (8, 16, 32, 64) if family == "imagenet" else None

    def create(activation, shortcut):
        symbol = get_symbol(int(depth), activation, shortcut, family=family, widths=widths)
        shapes = weights.shapes_of(symbol, data.shape)
        values = random_values(shapes, np.random.default_rng(0))
        arrays = {name: mx.nd.array(array) for name, array in values.items()}
        states = {name: arrays.pop(name) for name in symbol.list_auxiliary_states()}
        return symbol, arrays, states, data / 60

    return create


def test_operator_that_onnx_export_lacks_gets_one_line():
    pytest.importorskip("onnx", reason="pip install -r requirements/dev.txt")
    data = mx.sym.erf(mx.sym.Variable("data"))
    output = mx.sym.FullyConnected(data, num_hidden=2, name="fc")
    symbol = mx.sym.SoftmaxOutput(output, name="softmax")
    arrays = {"fc_weight": mx.nd.ones((2, 192)), "fc_bias": mx.nd.ones(2)}
    refusal(lambda: onnx_file.content(symbol, arrays, {}, 8), "as ONNX", "erf")


def test_what_is_handed_to_the_exporter_is_the_same_function(network, request):
    small = request.node.callspec.params["network"] == "cifar-8"
    for activation, shortcut in VARIANTS if small else DEEPER:
        symbol, arguments, states, data = network(activation, shortcut)
        exportable = onnx_file.exportable(symbol.get_internals()["fc_output"])
        operators = {node.op for node in Graph(exportable).nodes}
        assert not operators & {"mean", "Dropout", "SoftmaxOutput"}
        expected = evaluate(symbol, "fc", arguments, states, data)
        difference = abs(evaluate(exportable, "fc", arguments, states, data) - expected).max()
        assert difference < 1e-5 * abs(expected).max(), (activation, shortcut)


@pytest.mark.parametrize(
    "network, activation, shortcut",
    [("cifar-8", *variant) for variant in VARIANTS]
    + [(family, "preact", "convolution") for family in ("cifar-11", "imagenet-18", "imagenet-50")],
    indirect=["network"],
)
def test_onnxruntime_computes_the_same(network, activation, shortcut):
    pytest.importorskip("onnx", reason="pip install -r requirements/dev.txt")
    onnxruntime = pytest.importorskip("onnxruntime")
    symbol, arguments, states, data = network(activation, shortcut)
    expected = evaluate(symbol, "fc", arguments, states, data)
    content = onnx_file.content(symbol, arguments, states, data.shape[-1])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = [(value.name, value.shape[1:]) for value in session.get_inputs()]
    assert inputs == [("data", [3, 32, 32])]
    (computed,) = session.run(None, {"data": data})
    assert abs(computed - expected).max() < 1e-5 * abs(expected).max()
