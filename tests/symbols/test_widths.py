"""Stages as wide as one likes, the stem apart; constants of activations: in graphs, names, counts
and configurations.
"""

import json

import mxnet as mx
import numpy as np
import pytest
from cifar_options import read_options
from source import run_in, source_copy

from common.errors import UserError
from symbols import counts, get_symbol, names, network_options
from symbols.layers import zero_padding
from training.memory import training_bytes

WIDE = (32, 64, 128)


def typed(*words):
    return network_options.network(read_options(list(words))[0], "cifar", 110)


def shapes(**arguments):
    symbol = get_symbol(**arguments)
    size = 224 if arguments.get("family") == "imagenet" else 32
    values, _, _ = symbol.infer_shape(data=(1, 3, size, size))
    return dict(zip(symbol.list_arguments(), values))


def test_stages_are_as_wide_as_asked_and_the_stem_is_not():
    found = shapes(depth=8, widths=WIDE)
    assert found["conv1_weight"] == (16, 3, 3, 3)
    assert [found[f"stage{stage}_unit1_conv2_weight"] for stage in (1, 2, 3)] == [
        (width, width, 3, 3) for width in WIDE
    ]
    assert found["fc_weight"] == (10, 128)


def test_widths_of_bottlenecks_are_those_of_their_3x3():
    found = shapes(depth=50, family="imagenet", widths=(8, 16, 24, 40))
    assert found["conv1_weight"] == (64, 3, 7, 7)
    assert found["stage3_unit1_conv2_weight"] == (24, 24, 3, 3)
    assert found["stage3_unit1_conv3_weight"] == (96, 24, 1, 1)


def test_doubled_network_has_its_number_of_parameters():
    # by hand: stem 3*16*9; a stage of one basic unit: 9*(in*w + w*w); BN 2 a channel; classifier
    convolutions = 432 + 9 * (16 * 32 + 32 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128)
    norms = 2 * (16 + 2 * (32 + 64 + 128))
    groups = counts.parameters(get_symbol(8, widths=WIDE))
    assert groups["convolution"] == convolutions
    assert groups["batch norm"] == norms
    assert groups["classifier"] == 129 * 10


@pytest.mark.parametrize("family, depth", [("cifar", 20), ("imagenet", 18)])
def test_papers_widths_are_the_network_without_any(family, depth):
    assert (
        get_symbol(depth, family=family, widths=names.WIDTHS[family]).tojson()
        == get_symbol(depth, family=family).tojson()
    )


def test_wider_network_needs_more_memory():
    assert training_bytes(get_symbol(8, widths=WIDE), 32) > 1.5 * training_bytes(get_symbol(8), 32)


@pytest.mark.parametrize("channels_in, channels", [(16, 24), (16, 40), (16, 32), (16, 64)])
def test_zeros_fill_any_number_of_new_channels(channels_in, channels):
    x = np.random.RandomState(0).normal(0, 1, (2, channels_in, 4, 4)).astype(np.float32)
    symbol = zero_padding(mx.sym.Variable("x"), channels_in, channels, 2)
    output = symbol.eval(ctx=mx.cpu(), x=mx.nd.array(x))[0].asnumpy()
    assert output.shape == (2, channels, 2, 2)
    assert (output[:, :channels_in] == x[:, :, ::2, ::2]).all() and not output[
        :, channels_in:
    ].any()


def test_fewer_channels_need_a_projection():
    with pytest.raises(UserError, match="16 become 8: take --option B"):
        get_symbol(8, widths=(8, 16, 32))
    assert shapes(depth=8, widths=(8, 16, 32), option="B")["stage1_unit1_projection_weight"] == (
        8,
        16,
        1,
        1,
    )


@pytest.mark.parametrize(
    "text, words",
    [
        ("16,32", "cifar has 3 stages, as 16,32,64"),
        ("a", "as 16,32,64"),
        ("0,1,2", "as 16,32,64"),
        ("16,,64", "as 16,32,64"),
    ],
)
def test_wrong_widths_are_refused(text, words):
    with pytest.raises(UserError, match=words):
        typed("original20", "--widths", text)


def test_widths_stand_in_the_runs_name_where_they_are_not_the_papers():
    assert (
        typed("original20", "--widths", "32,64,128").name("cifar10")
        == "cifar10-original20-widths=32,64,128"
    )
    assert typed("original20", "--widths", "16,32,64") == typed("original20")
    assert typed("original20").name("cifar10") == "cifar10-original20"


SWISH = """from ..layers import batch_norm


def after_conv1(x, beta=1.0):
    x = batch_norm(x)
    return x * (beta * x).sigmoid()


def after_last_unit(x, beta=1.0):
    return beta * x


def residual_unit(x, unit, beta=1.0):
    f = x
    for weight in unit.weights:
        f = batch_norm(weight(f))
        f = f * (beta * f).sigmoid()
    return unit.join(x, f, projection=unit.project(x))
"""


def test_constants_of_an_activation_are_options_and_stand_in_the_runs_name(images, tmp_path):
    folder = source_copy(tmp_path)
    (folder / "symbols/activations/swish.py").write_text(SWISH)
    command = [
        "train_cifar.py",
        "swish8",
        "--activation-args",
        "beta=2",
        "--widths",
        "16,24,40",
        "--data-dir",
        images,
        "--image-size",
        8,
        "--iterations",
        2,
        "--batch-size",
        10,
    ]
    code, _, err = run_in(folder, *command)
    assert code == 0, err
    run = folder / "runs/full/cifar10-swish8-widths=16,24,40-beta=2/seed0"
    assert (run / "log.csv").is_file()
    config = (run / "config.json").read_text()
    assert '"beta": 2.0' in config and '"widths"' in config
    command[3] = "gamma=2"
    code, _, err = run_in(folder, *command)
    assert code == 2 and "activation 'swish' has no constant 'gamma': it has beta" in err


SCALARS = """
import json
import common
from symbols import get_symbol
nodes = json.loads(get_symbol(8, "swish", activation_args={"beta": 3}).tojson())["nodes"]
print([float(node["attrs"]["scalar"]) for node in nodes if node["op"] == "_mul_scalar"])
"""


def test_constants_of_an_activation_reach_each_of_its_functions(tmp_path):
    folder = source_copy(tmp_path)
    (folder / "symbols/activations/swish.py").write_text(SWISH)
    code, out, err = run_in(folder, "-c", SCALARS)
    assert code == 0, err
    # the stem's, two in each of the three units, and the one after the last unit
    assert json.loads(out.splitlines()[-1]) == [3.0] * 8


def test_run_from_before_widths_has_the_same_settings():
    settings = typed("preact20").settings()
    assert settings["widths"] is None and settings["activation_args"] is None
