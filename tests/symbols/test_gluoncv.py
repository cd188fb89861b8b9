"""gluoncv's model zoo as a reference: its weights give the same logits in our symbols.

Where gluoncv departs from the papers the test says how, and either chooses weights for which the
departure has no effect or builds the departure from our own parts; each departure is then shown to
matter.
"""

import hashlib
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from conftest import refusal
from gluoncv.model_zoo import get_model
from gluoncv.model_zoo.cifarresnet import get_cifar_resnet
from gluoncv.model_zoo.resnet import get_resnet
from modules import evaluate
from unit_network import random_values

from symbols import get_symbol, names, pretrained
from symbols.layers import batch_norm, relu
from symbols.resnet import resnet

EPSILON = 1e-5


def randomize(net):
    """Set weights, and moving averages that differ from those of a new network."""
    parameters = net.collect_params()
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    for name, array in random_values(shapes, np.random.default_rng(5)).items():
        parameters[name].set_data(mx.nd.array(array))


def make_identity(norm):
    """Make the output of a BN its input."""
    norm.gamma.set_data(mx.nd.ones(norm.gamma.shape))
    norm.running_var.set_data(mx.nd.ones(norm.gamma.shape) - EPSILON)
    norm.beta.set_data(mx.nd.zeros(norm.gamma.shape))
    norm.running_mean.set_data(mx.nd.zeros(norm.gamma.shape))


def prepared(net, size, version):
    """(network with random weights, images)"""
    images = mx.nd.array(np.random.RandomState(5).uniform(0, 1, (2, 3, size, size)))
    net.initialize()
    net(images)  # gluon learns its shapes
    randomize(net)
    if version == 2:
        make_identity(net.features[0])  # the BN of the images, which the papers do not have
    return net, images


def agree(symbol, net, images, **arrays):
    """Whether a symbol has the logits of a gluoncv network with its weights. arrays: replace them."""
    arguments, states = pretrained.carry(net)
    values = {**arguments, **states, **arrays}
    states = {name: values.pop(name) for name in list(values) if "moving" in name}
    return close(evaluate(symbol, "fc", values, states, images), net(images).asnumpy())


def close(first, other):
    return abs(first - other).max() < 1e-4 * abs(other).max()


@pytest.mark.parametrize("depth", [18, 50])
def test_imagenet_preact(depth):
    # gluoncv's first unit activates again what the stem has activated: no effect if that BN is the
    # identity. Its bottlenecks have their stride in the 3x3, as Facebook's.
    net, images = prepared(get_resnet(2, depth), 64, 2)
    network = {"activation": "preact", "family": "imagenet", "option": "B"}
    symbol = get_symbol(depth, **network, bottleneck_stride="3x3")
    assert not agree(symbol, net, images)
    make_identity(net.features[5][0].bn1)
    assert agree(symbol, net, images)
    assert agree(get_symbol(depth, **network), net, images) == (depth == 18)


@pytest.mark.parametrize("depth", [20, 56])
def test_cifar_original(depth):
    # gluoncv has no ReLU after the stem's BN: no effect if that BN's output is positive.
    net, images = prepared(get_cifar_resnet(1, depth), 16, 1)
    symbol = get_symbol(depth, option="B")
    assert not agree(symbol, net, images)
    net.features[1].beta.set_data(mx.nd.full((16,), 20))
    assert agree(symbol, net, images)


def raw_projections(x, unit):
    """gluoncv's pre-activated CIFAR unit: every unit activates its input, and its projection reads
    the input itself.
    """
    f = x
    for i, weight in enumerate(unit.weights, 1):
        f = weight(relu(batch_norm(f, f"bn{i}"), f"relu{i}"))
    return unit.join(x, f, projection=unit.project(x))


@pytest.mark.parametrize("depth", [20, 56])
def test_cifar_preact(depth):
    # gluoncv has no activation before the paths split: no effect if conv1's output is positive and
    # our stem's BN is the identity.
    net, images = prepared(get_cifar_resnet(2, depth), 16, 2)
    conv1 = net.features[1].weight
    conv1.set_data(conv1.data().abs())
    stem = {
        "bn1_gamma": mx.nd.ones(16),
        "bn1_beta": mx.nd.zeros(16),
        "bn1_moving_mean": mx.nd.zeros(16),
        "bn1_moving_var": mx.nd.ones(16) - EPSILON,
    }
    variants = SimpleNamespace(
        residual_unit=raw_projections,
        join=lambda x, f, unit, projection: x + f,
        after_last_unit=lambda x: relu(batch_norm(x, "bn"), "relu"),
    )
    widths = names.WIDTHS["cifar"]
    symbol = resnet(names.stages(depth), widths, variants, 10, "cifar", "B", "1x1")
    assert agree(symbol, net, images, **stem)
    # The paper's: with the identity in the first unit's BN too, the projections that read the
    # pre-activation differ. Without their weights nothing differs.
    make_identity(net.features[2][0].bn1)
    paper = get_symbol(depth, activation="preact", option="B")
    assert not agree(paper, net, images, **stem)
    for stage in (3, 4):
        projection = net.features[stage][0].downsample.weight
        projection.set_data(projection.data() * 0)
    assert agree(paper, net, images, **stem)


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "resnet50_v1", "resnet50_v2"])
def test_published_weights_give_gluoncvs_logits(tmp_path, monkeypatch, name):
    net = get_model(name)
    net.initialize()
    images = np.random.RandomState(1).randint(0, 256, (2, 3, 64, 64)).astype(np.float32)
    mean = np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    normalized = mx.nd.array((images / 255 - mean) / deviation)
    net(normalized)
    randomize(net)
    expected = net(normalized).asnumpy()
    models = tmp_path / "models"
    models.mkdir()
    net.save_parameters(str(models / "file"))
    tag = hashlib.sha1((models / "file").read_bytes()).hexdigest()[:8]
    (models / "file").rename(models / f"{name}-{tag}.params")
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    symbol, weights, mean, synset = pretrained.load(f"{name}-{tag}")
    assert close(evaluate(symbol, "fc", *weights, images - mean.reshape(3, 1, 1)), expected)
    assert len(synset) == 1000 and synset[0] == "n01440764"
    if name.endswith("v1"):  # the paper's network
        paper = get_symbol(int(name[6:8]), family="imagenet", option="B")
        assert symbol.tojson() == paper.tojson()


def test_corrupt_weights_are_rejected(tmp_path, monkeypatch):
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    monkeypatch.setenv("MXNET_GLUON_REPO", "http://127.0.0.1:9/")
    (tmp_path / "models").mkdir()
    name = "resnet18_v2-01234567"
    (tmp_path / "models" / f"{name}.params").write_bytes(b"not the weights of that checksum")
    refusal(lambda: pretrained.load(name), name, "no valid file")
