"""Gates of a run are measured at its trained weights, and drawn."""

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import refusal, trained

import plots.gates
from analysis import gates, measurements, networks
from common import files


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    """The folder of a short run with gates of bias -1."""
    options = ("--shortcut", "exclusive_gating", "--shortcut-args", "bias=-1")
    return trained(tmp_path_factory.mktemp("gates") / "run", images, *options)


def test_gates_of_a_run_are_measured_and_drawn(run, images, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["", str(run), "--data-dir", str(images), "--images", "30"])
    assert gates.main() == 0
    name = "gates-yours-cifar10-exclusive_gating8-bias=-1"
    rows = measurements.read(tmp_path / f"analysis/{name}.csv")
    assert [row["unit"] for row in rows] == [f"stage{stage}_unit1" for stage in (1, 2, 3)]
    network = networks.of_run(run)
    sample = networks.images_of(network, images, count=30).images
    for row in rows:
        module = mx.mod.Module(
            network.symbol.get_internals()[f"{row['unit']}_gate_output"], label_names=None
        )
        module.bind([("data", sample.shape)], for_training=False)
        module.set_params(network.arguments, network.states, allow_extra=True)
        module.forward(mx.io.DataBatch([mx.nd.array(sample)]), is_train=False)
        closed = 1 / (1 + np.exp(module.get_outputs()[0].asnumpy()))
        shares = [row[column] for column in ("low", "quartile1", "median", "quartile3", "high")]
        assert shares == pytest.approx(np.percentile(closed, (5, 25, 50, 75, 95)), rel=1e-3)
        assert row["mean"] == pytest.approx(closed.mean(), rel=1e-3)
        assert row["initial"] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-4)
        bias = network.arguments[f"{row['unit']}_gate_bias"].asnumpy()
        assert row["bias"] == pytest.approx(np.mean(1 / (1 + np.exp(bias))), rel=1e-4)
    plots.gates.draw([rows])
    assert matplotlib.image.imread(tmp_path / f"{name}.png").std() > 0.01


def test_network_without_gates_is_rejected():
    network = networks.named("original", "identity", 8)
    refusal(lambda: gates.factors(network, np.zeros((2, 3, 8, 8))), "no gates", "exclusive_gating")
