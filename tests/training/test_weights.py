"""Parameters of other code bases are read by this project's names, if the network is the same."""

import mxnet as mx
import numpy as np
import pytest
from conftest import refusal
from gluoncv.model_zoo import get_model
from mxnet.gluon.model_zoo import vision

from symbols import get_symbol
from training.initial import read_initial
from training.recipe import Recipe
from training.weights import read, shapes_of

DATA = (1, 3, 32, 32)


def saved(net, form, folder):
    """The .params file of a Gluon network."""
    net.initialize()
    net.hybridize()
    net(mx.nd.zeros(DATA))
    if form == "export":
        net.export(str(folder / "net"))
        return folder / "net-0000.params"
    net.save_parameters(str(folder / "net.params"))
    return folder / "net.params"


@pytest.mark.parametrize("form", ["save_parameters", "export"])
@pytest.mark.parametrize("depth, option", [(18, "B"), (50, None)])
def test_gluons_file_is_read_where_the_network_is_the_same(depth, option, form, tmp_path, capsys):
    weights = read(saved(vision.get_resnet(1, depth), form, tmp_path))
    symbol = get_symbol(depth, family="imagenet", option=option)
    assert weights.difference(symbol, DATA) is None
    assert "from 0 to 255" in capsys.readouterr().out
    deeper = get_symbol(34, family="imagenet", option="B")
    assert weights.difference(deeper, DATA) is not None


def test_what_differs_in_gluons_network_is_named(tmp_path):
    file = saved(get_model("cifar_resnet20_v2"), "save_parameters", tmp_path)
    recipe = Recipe(initial=str(file))
    refusal(
        lambda: read_initial(recipe, get_symbol(20, "preact", option="B")), "it has no bn1_beta"
    )
    for form in ("save_parameters", "export"):
        file = saved(get_model("cifar_resnet20_v1"), form, tmp_path)
        refusal(lambda: read(file), "no ReLU after the first BN")  # noqa: B023


THEIRS = [  # tornadomeet's names: ours, theirs
    ("stage1_unit1_bn1", "unused"),
    ("bn1", "stage1_unit1_bn1"),
    ("conv1", "conv0"),
    ("last_bn", "bn1"),
    ("fc", "fc1"),
]


def test_example_image_classifications_file_is_read(tmp_path):
    symbol = get_symbol(11, "preact", unit="bottleneck", bottleneck_stride="3x3")
    layers = dict(THEIRS)
    arrays = {"arg:conv0_bias": mx.nd.ones(16)}
    for name, shape in shapes_of(symbol, DATA).items():
        layer, parameter = name.replace("_moving_", " moving_").rsplit(
            " " if "_moving_" in name else "_", 1
        )
        theirs = layers.get(layer, layer.replace("_projection", "_sc"))
        kind = "aux" if "_moving_" in name else "arg"
        arrays[f"{kind}:{theirs}_{parameter}"] = mx.nd.full(shape, 3)
    file = tmp_path / "theirs.params"
    mx.nd.save(str(file), arrays)
    weights = read(file)
    assert weights.difference(symbol, DATA) is None
    # BN subtracts the bias
    assert np.array_equal(weights.states["bn1_moving_mean"].asnumpy(), np.full(16, 2))


@pytest.mark.parametrize("arrays", [{"arg:alpha": mx.nd.ones(1)}, {"alpha_weight": mx.nd.ones(1)}])
def test_file_of_an_unknown_network_is_rejected(arrays, tmp_path):
    file = tmp_path / "net.params"
    mx.nd.save(str(file), arrays)
    refusal(lambda: read(file), "unknown network", "alpha")
