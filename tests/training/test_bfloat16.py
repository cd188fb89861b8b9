"""bfloat16 on the CPU: the rule of the conversion on any network, and runs as good as in float32.

Only tests that calculate need a processor that multiplies in bfloat16.
"""

import json
import re

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from conftest import NEEDS_BFLOAT16, PAPER, arrays, refusal, rows, typed
from modules import first_step

from benchmarks import doctor
from common import environment
from common.graph import Graph
from symbols import get_symbol
from training import bfloat16, devices

DEPTHS = {"basic": 8, "bottleneck": 11, "one_layer": 5}
PARTS = {"BatchNorm": 1}  # inputs that an operator works on, where that is not all
BFLOAT16 = [("bfloat16", np.uint16)]  # what MXNet calls it in NumPy's words


def types(symbol):
    """{output or variable: float32 or bfloat16} of all nodes, as MXNet infers them from data."""
    internals = symbol.get_internals()
    _, inferred, _ = internals.infer_type(data="float32")
    return {
        name: "float32" if dtype == np.float32 else "bfloat16" if dtype == BFLOAT16 else dtype
        for name, dtype in zip(internals.list_outputs(), inferred)
    }


def first(names):
    """The convolution of the images, and what follows it alone."""
    start = "" if "bn1" in names else "stage1_unit1_"
    return {"conv1", f"{start}bn1", f"{start}relu1"}


def operators(symbol):
    """[(operator, its type, the types of its inputs before their casts)].

    Casts, the first convolution and the chain behind it are left out.
    """
    nodes = Graph(symbol).nodes
    named = types(symbol)
    found = []
    left_out = first({node.name for node in nodes})

    def type_of(entry):
        name = entry[0].name
        outputs = (name, f"{name}_output", f"{name}_output{entry[1]}")
        return next(named[output] for output in outputs if output in named)

    def source(entry):
        return source(entry[0].inputs[0]) if entry[0].op == "amp_cast" else entry

    for node in nodes:
        if node.op in ("null", "amp_cast") or node.name in left_out:
            continue
        working = node.inputs[: PARTS.get(node.op)]
        taken = {type_of(entry) for entry in working}
        assert len(taken) == 1, f"{node.name} takes {taken}"
        kind = node.attributes.get("act_type", node.op)
        sources = [source(entry) for entry in working]
        before = {type_of(entry) for entry in sources if entry[0].name not in left_out}
        found.append((kind, taken.pop(), before))
    return found


@pytest.mark.parametrize("unit", DEPTHS)
@pytest.mark.parametrize("activation", PAPER["activations"])
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
def test_converted_network_has_the_same_inputs_and_outputs_and_the_types_of_the_rule(
    activation, shortcut, unit
):
    """Convolutions bfloat16; what oneDNN has in bfloat16 follows its inputs; all else float32."""
    symbol = get_symbol(DEPTHS[unit], activation, shortcut, unit)
    converted = bfloat16.converted(symbol)
    assert converted.list_arguments() == symbol.list_arguments()
    assert converted.list_auxiliary_states() == symbol.list_auxiliary_states()
    assert converted.list_outputs() == symbol.list_outputs()
    shape = {"data": (2, 3, 16, 16)}
    assert converted.infer_shape(**shape) == symbol.infer_shape(**shape)
    for inferred in converted.infer_type(data="float32"):
        assert set(inferred) <= {np.float32}
    attributes = converted.attr_dict()
    for name, before in symbol.attr_dict().items():
        assert before.items() <= attributes[name].items(), name
    following = {"BatchNorm", "relu", "elemwise_add", "Concat", "Pooling", "slice", "zeros_like"}
    working = operators(converted)
    for operator, dtype, sources in working:
        if operator == "Convolution":
            assert dtype == "bfloat16"
        elif operator in following:
            assert (dtype == "bfloat16") == (sources == {"bfloat16"}), operator
        else:
            assert dtype == "float32", operator
    assert {"mean", "FullyConnected", "SoftmaxOutput"} <= {operator for operator, _, _ in working}


@pytest.mark.parametrize("activation", PAPER["activations"])
def test_first_convolution_and_what_follows_it_alone_stay_float32(activation):
    """They are slow in bfloat16. Where units begin with BN, the first unit's BN follows conv1 alone."""
    named = types(bfloat16.converted(get_symbol(8, activation)))
    layers = {name.removesuffix("_output") for name in named if name.endswith("_output")}
    wide = {name for name in layers if named[f"{name}_output"] == "float32"}
    kinds = ("conv1", "conv2", "bn1", "bn2", "relu1", "relu2", "__plus0")
    assert {name for name in wide if name.endswith(kinds)} == first(layers) & layers
    assert named["stage1_unit1_conv1_output"] == named["stage1_unit1__plus0_output"] == "bfloat16"


def of_a_user():
    """Operators that no variant has."""
    x = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=4, kernel=(3, 3), name="first")
    x = mx.sym.broadcast_mul(
        mx.sym.tanh(x), mx.sym.Variable("alpha", shape=(1, 4, 1, 1), init=mx.init.One())
    )
    parts = mx.sym.split(x, num_outputs=2, axis=1)
    x = mx.sym.Convolution(parts[1] * parts[0], num_filter=4, kernel=(1, 1), name="second")
    x = mx.sym.Activation(x, act_type="relu")
    x = mx.sym.FullyConnected(x, num_hidden=10, name="fc")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def test_unknown_operators_take_float32():
    taken = operators(bfloat16.converted(of_a_user()))
    narrow = {operator for operator, dtype, _ in taken if dtype == "bfloat16"}
    assert narrow == {"Convolution", "relu"} and len(taken) > 8


def test_array_is_cast_once_for_all_its_readers():
    x = mx.sym.tanh(mx.sym.Variable("data"))
    branches = [
        mx.sym.Convolution(x, num_filter=2, kernel=(1, 1), name=f"branch{k}") for k in range(3)
    ]
    graph = Graph(bfloat16.converted(mx.sym.Group(branches)))
    assert len({node.inputs[0] for node in graph.nodes if node.op == "Convolution"}) == 1


def step_of(symbol):
    """(loss, {parameter: gradient}, {moving average: value}) of a step on 16 images."""
    _, outputs, gradients, averages = first_step(symbol, (16, 3, 8, 8))
    labels = np.arange(16) % 10
    loss = -np.log(outputs["output"][np.arange(16), labels]).mean()
    return loss, {name: array.ravel() for name, array in gradients.items()}, averages


def cosine(left, other):
    return left @ other / np.linalg.norm(left) / np.linalg.norm(other)


@NEEDS_BFLOAT16
@pytest.mark.parametrize("shortcut", PAPER["shortcuts"])
@pytest.mark.parametrize("activation", PAPER["activations"])
def test_first_step_is_near_float32s(activation, shortcut):
    """As near as bfloat16's 8 bits allow: PyTorch's own is no nearer on the same weights."""
    symbol = get_symbol(8, activation, shortcut)
    loss, gradients, averages = step_of(symbol)
    near_loss, near_gradients, near_averages = step_of(bfloat16.converted(symbol))
    assert near_loss == pytest.approx(loss, abs=0.01)
    left, other = (np.concatenate(list(values.values())) for values in (gradients, near_gradients))
    assert cosine(left, other) > 0.985
    assert np.linalg.norm(other) == pytest.approx(np.linalg.norm(left), rel=0.02)
    for name, gradient in gradients.items():
        assert cosine(gradient, near_gradients[name]) > 0.9, name
    for name, average in averages.items():
        assert abs(near_averages[name] - average).max() < 0.02 * abs(average).max(), name
    assert any((near_gradients[name] != gradient).any() for name, gradient in gradients.items())


@NEEDS_BFLOAT16
def test_first_step_of_a_users_operators_is_near_float32s():
    loss, gradients, _ = step_of(of_a_user())
    near_loss, near_gradients, _ = step_of(bfloat16.converted(of_a_user()))
    assert near_loss == pytest.approx(loss, abs=0.02)
    for name, gradient in gradients.items():
        assert cosine(gradient, near_gradients[name]) > 0.99, name


def test_symbol_is_converted_for_bfloat16_alone():
    symbol = get_symbol(8)
    assert bfloat16.bound(symbol, "float32").tojson() == symbol.tojson()
    assert bfloat16.bound(symbol, "bfloat16").tojson() == bfloat16.converted(symbol).tojson()


@NEEDS_BFLOAT16
def test_run_learns_as_in_float32_and_records_its_type(train, tmp_path):
    losses = {}
    for dtype in ("float32", "bfloat16"):
        code, out, err = train("--dtype", dtype, "--output", tmp_path / dtype)
        assert code == 0 and "finished: test error" in out, err
        losses[dtype] = [row[3] for row in rows(tmp_path / dtype)]
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.1)
    config = json.loads((tmp_path / "bfloat16" / "config.json").read_text())
    assert config["recipe"]["dtype"] == "bfloat16"
    saved = arrays(tmp_path / "bfloat16")
    assert saved and {array.dtype for array in saved.values()} == {np.dtype("float32")}


@pytest.mark.parametrize(
    "gains, words, recorded, dtype",
    [
        (True, ["--dtype", "bfloat16"], None, "bfloat16"),
        (False, ["--dtype", "bfloat16"], None, "bfloat16"),
        (True, ["--dtype", "fast"], None, "bfloat16"),
        (False, ["--dtype", "fast"], None, "float32"),
        (True, ["--dtype", "fast", "--gpus", "0"], None, "float32"),
        (True, [], None, "float32"),
        (True, ["--scale", "desk"], None, "bfloat16"),
        (False, ["--scale", "pocket"], None, "float32"),
        (True, ["--scale", "desk"], "float32", "float32"),
        (False, ["--scale", "desk"], "bfloat16", "bfloat16"),
        (False, ["--scale", "desk", "--gpus", "0"], "bfloat16", "float32"),
        (True, ["--dtype", "bfloat16"], "float32", "bfloat16"),
    ],
)
def test_dtype_of_a_run(monkeypatch, gains, words, recorded, dtype):
    """bfloat16 is accepted where it is possible, and selected where it is faster, or was."""
    monkeypatch.setattr(devices, "has_bfloat16", lambda: True)
    monkeypatch.setattr(devices, "gains_by_bfloat16", lambda: gains)
    arguments, recipe = read_options(words)
    assert devices.resolved_dtype(recipe.dtype, arguments, recorded) == dtype


def test_fast_run_is_resumed_where_another_dtype_is_faster(monkeypatch, train, tmp_path):
    words = ["--dtype", "fast", "--output", tmp_path / "run"]
    monkeypatch.setattr(devices, "gains_by_bfloat16", lambda: False)
    assert train(*words, stop=20)[0] == 143
    for name in ("has_bfloat16", "gains_by_bfloat16"):
        monkeypatch.setattr(devices, name, lambda: True)
    code, _, err = train(*words)
    assert code == 0, err
    recipe = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]
    assert recipe["dtype"] == "float32"


@pytest.mark.parametrize(
    "has, options, words",
    [(False, [], ["avx512_bf16", "use --dtype float32"]), (True, ["--gpus", "0"], ["CPUs only"])],
)
def test_bfloat16_is_rejected_where_it_would_be_slow(monkeypatch, has, options, words):
    monkeypatch.setattr(devices, "has_bfloat16", lambda: has)
    arguments, recipe = read_options(["--dtype", "bfloat16", *options])
    refusal(lambda: devices.check_dtype(recipe.dtype, arguments), *words)


@pytest.mark.parametrize(
    "vendor, flags, has, gains, text",
    [
        ("AuthenticAMD", "fpu avx512_bf16 clzero", True, True, "--dtype bfloat16 trains faster"),
        ("GenuineIntel", "fpu avx512_bf16 clzero", True, False, "--dtype bfloat16 trains slower"),
        ("AuthenticAMD", "fpu avx512_bf16x", False, False, "the processor has no AVX512-BF16"),
        ("GenuineIntel", "fpu", False, False, "the processor has no AVX512-BF16"),
    ],
)
def test_doctor_says_whether_the_processor_has_bfloat16(
    tmp_path, monkeypatch, vendor, flags, has, gains, text
):
    """Intel's processors have the instruction, but are slower with it than in float32."""
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(
        f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\nbugs\t: none\n"
    )
    assert (environment.has_bfloat16(), environment.gains_by_bfloat16()) == (has, gains)
    assert doctor.bfloat16().startswith(text)


def test_doctor_estimates_hours_from_the_measured_speed(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "speed", lambda unit, device: 100)
    assert not typed(monkeypatch, doctor.main)
    out = capsys.readouterr().out
    images = 64000 * 128  # of the paper's recipe; ResNet-110 is the network that is measured
    assert re.search(rf"make cifar10-original110 +{images / 100 / 3600:.0f} hours", out)
    assert "make cifar10-preact1001" in out and "libgomp.so.1 found" in out
