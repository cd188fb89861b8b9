"""gluoncv's model zoo as a second witness: with its weights in our symbols, the logits are the
same.

Where gluoncv departs from the papers the test says how, and either chooses weights for which the
departure has no effect or builds the departure from our own parts; each departure is then shown to
matter.
"""

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from gluoncv.model_zoo.cifarresnet import get_cifar_resnet
from gluoncv.model_zoo.resnet import get_resnet

from common.environment import without_notes
from symbols import get_symbol, names, pretrained
from symbols.layers import batch_norm, relu
from symbols.resnet import resnet

EPSILON = 1e-5


def randomize(net, state):
    """Give a gluon network weights, and moving averages that are not those of a new one."""
    for name, parameter in net.collect_params().items():
        shape = parameter.shape
        if name.endswith("weight"):
            value = state.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        elif name.endswith("bias"):
            value = state.normal(0, 0.3, shape)
        elif name.endswith(("gamma", "running_var")):
            value = state.uniform(0.5, 1.5, shape)
        else:
            value = state.normal(0, 0.3, shape)
        parameter.set_data(mx.nd.array(value))


def make_identity(norm):
    """A BN that hands its input on."""
    norm.gamma.set_data(mx.nd.ones(norm.gamma.shape))
    norm.running_var.set_data(mx.nd.ones(norm.gamma.shape) - EPSILON)
    norm.beta.set_data(mx.nd.zeros(norm.gamma.shape))
    norm.running_mean.set_data(mx.nd.zeros(norm.gamma.shape))


def carry(net):
    """{our name: array} of a gluon network."""
    arguments, states = pretrained.carry(net)
    return {**arguments, **states}


def logits(symbol, arrays, images):
    module = mx.mod.Module(symbol.get_internals()["fc_output"], label_names=None)
    with without_notes():
        module.bind([("data", images.shape)], for_training=False)
    auxiliary = set(symbol.list_auxiliary_states())
    module.set_params(
        {name: array for name, array in arrays.items() if name not in auxiliary},
        {name: array for name, array in arrays.items() if name in auxiliary},
    )
    module.forward(mx.io.DataBatch([images]), is_train=False)
    return module.get_outputs()[0].asnumpy()


def prepared(net, size, version):
    """A network with random weights, and pictures."""
    state = np.random.RandomState(5)
    images = mx.nd.array(state.uniform(0, 1, (2, 3, size, size)))
    net.initialize()
    net(images)  # gluon learns its shapes
    randomize(net, state)
    if version == 2:
        make_identity(net.features[0])  # the BN of the pictures, which the papers do not have
    return net, images


def agree(first, other):
    return abs(first - other).max() < 1e-4 * abs(other).max()


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_imagenet_original(depth):
    net, images = prepared(get_resnet(1, depth), 64, 1)
    symbol = get_symbol(depth, family="imagenet", option="B")
    assert agree(logits(symbol, carry(net), images), net(images).asnumpy())


@pytest.mark.parametrize("depth", [18, 50])
def test_imagenet_preact(depth):
    # gluoncv's first unit activates again what the stem has activated: no effect if that BN hands
    # its input on. Its bottlenecks have their stride in the 3x3, as Facebook's.
    net, images = prepared(get_resnet(2, depth), 64, 2)
    symbol = get_symbol(
        depth, activation="preact", family="imagenet", option="B", bottleneck_stride="3x3"
    )
    assert not agree(logits(symbol, carry(net), images), net(images).asnumpy())
    make_identity(net.features[5][0].bn1)
    arrays = carry(net)
    assert agree(logits(symbol, arrays, images), net(images).asnumpy())
    authors = get_symbol(depth, activation="preact", family="imagenet", option="B")
    assert agree(logits(authors, arrays, images), net(images).asnumpy()) == (depth == 18)


@pytest.mark.parametrize("depth", [20, 56])
def test_cifar_original(depth):
    # gluoncv has no ReLU after the stem's BN: no effect if that BN's output is positive.
    net, images = prepared(get_cifar_resnet(1, depth), 16, 1)
    symbol = get_symbol(depth, option="B")
    assert not agree(logits(symbol, carry(net), images), net(images).asnumpy())
    net.features[1].beta.set_data(mx.nd.full((16,), 20))
    assert agree(logits(symbol, carry(net), images), net(images).asnumpy())


def raw_projections(x, unit):
    """gluoncv's pre-activated CIFAR unit: every unit activates its input, and projections read it
    raw.
    """
    f = x
    for i, weight in enumerate(unit.weights, 1):
        f = weight(relu(batch_norm(f, f"bn{i}"), f"relu{i}"))
    return unit.join(x, f, projection=unit.project(x))


@pytest.mark.parametrize("depth", [20, 56])
def test_cifar_preact(depth):
    # gluoncv has no activation before the paths split: no effect if conv1's output is positive and
    # our stem hands it on.
    net, images = prepared(get_cifar_resnet(2, depth), 16, 2)
    conv1 = net.features[1].weight
    conv1.set_data(conv1.data().abs())
    arrays = carry(net)
    arrays.update(
        bn1_gamma=mx.nd.ones(16),
        bn1_beta=mx.nd.zeros(16),
        bn1_moving_mean=mx.nd.zeros(16),
        bn1_moving_var=mx.nd.ones(16) - EPSILON,
    )
    variants = SimpleNamespace(
        residual_unit=raw_projections,
        join=lambda x, f, unit, projection: x + f,
        after_last_unit=lambda x: relu(batch_norm(x, "bn"), "relu"),
    )
    stages = names.stages(depth)
    symbol = resnet(stages, names.WIDTHS["cifar"], variants, 10, "cifar", "B", "1x1")
    assert agree(logits(symbol, arrays, images), net(images).asnumpy())

    # The paper's: with the first unit's BN handing on too, what remains is that its projections
    # read the pre-activation.
    make_identity(net.features[2][0].bn1)
    arrays.update(
        {name: array for name, array in carry(net).items() if name.startswith("stage1_unit1_bn1")}
    )
    paper = get_symbol(depth, activation="preact", option="B")
    assert not agree(logits(paper, arrays, images), net(images).asnumpy())
    for stage in (3, 4):  # without the projections' weights nothing remains
        net.features[stage][0].downsample.weight.set_data(
            net.features[stage][0].downsample.weight.data() * 0
        )
    arrays.update(
        {name: array for name, array in carry(net).items() if name.endswith("projection_weight")}
    )
    assert agree(logits(paper, arrays, images), net(images).asnumpy())
