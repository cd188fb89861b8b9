"""gluoncv's published weights in our symbols: the same logits, and corrupt ones refused."""

import hashlib

import mxnet as mx
import numpy as np
import pytest
from conftest import refusal
from gluoncv.model_zoo import get_model
from test_gluoncv import randomize

from common.environment import without_notes
from symbols import get_symbol, pretrained


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "resnet50_v1", "resnet50_v2"])
def test_gluoncvs_weights_give_gluoncvs_logits(tmp_path, monkeypatch, name):
    net = get_model(name)
    net.initialize()
    pictures = np.random.RandomState(1).randint(0, 256, (2, 3, 64, 64)).astype(np.float32)
    normalized = mx.nd.array(
        (pictures / 255 - np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1))
        / np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    )
    net(normalized)
    randomize(net, np.random.RandomState(5))
    for key, parameter in net.collect_params().items():
        if key.endswith("bias"):
            parameter.set_data(mx.nd.random.normal(shape=parameter.shape))
    expected = net(normalized).asnumpy()
    models = tmp_path / "models"
    models.mkdir()
    net.save_parameters(str(models / "file"))
    tag = hashlib.sha1((models / "file").read_bytes()).hexdigest()[:8]
    (models / "file").rename(models / f"{name}-{tag}.params")
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))

    symbol, states, mean = pretrained.load(f"{name}-{tag}")
    module = mx.mod.Module(symbol.get_internals()["fc_output"], label_names=None)
    with without_notes():
        module.bind([("data", pictures.shape)], for_training=False)
    module.set_params(*states)
    module.forward(mx.io.DataBatch([mx.nd.array(pictures - mean.reshape(3, 1, 1))]), is_train=False)
    assert abs(module.get_outputs()[0].asnumpy() - expected).max() < 1e-4 * abs(expected).max()
    # and where the paper's network is gluoncv's, it has the same parameters
    if name != "resnet18_v2" and name != "resnet50_v2":
        assert symbol.tojson() == get_symbol(int(name[6:8]), family="imagenet", option="B").tojson()


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    monkeypatch.setenv("MXNET_GLUON_REPO", "http://127.0.0.1:9/")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "resnet18_v2-01234567.params").write_bytes(
        b"not the weights of that checksum"
    )
    refusal(
        lambda: pretrained.load("resnet18_v2-01234567"), "resnet18_v2-01234567", "no sound file"
    )
