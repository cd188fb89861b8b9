"""A lesion changes a network as stated and nothing else; responses are those of the 3x3 layers after
their BN.
"""

import csv
import json
import shutil
import subprocess

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT, refusal, refused, trained
from source import run_in
from unit_network import Network, fresh_states

import plots.lesion
import plots.responses
from analysis import lesion, measurements, networks, responses
from analysis.units import UnitGraph
from common import files
from paper import digitized
from symbols import get_symbol


def outputs(symbol, network, values=None):
    """Class probabilities of a Network of random parameters, with BN as in evaluation."""
    values = {**network.values, **(values or {})}
    arguments = {name: mx.nd.array(values[name]) for name in symbol.list_arguments()}
    states = fresh_states(symbol, {name: array.shape for name, array in arguments.items()})
    return symbol.bind(mx.cpu(), arguments, aux_states=states).forward(is_train=False)[0].asnumpy()


def close(first, second):
    return np.allclose(first, second, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "activation, shortcut",
    [
        ("original", "identity"),
        ("original", "constant_scaling"),
        ("preact", "identity"),
        ("original", "exclusive_gating"),
        ("relu_before_addition", "convolution"),
    ],
)
def test_deleted_unit_has_no_residual(activation, shortcut):
    """F = 0, as if the unit's last layer and its BN were 0. The shortcut stays."""
    network = Network(activation, shortcut)
    # The second changes dimensions, and the third follows it.
    units = ["stage1_unit2", "stage2_unit1", "stage2_unit2"]
    zero = {
        name: np.zeros_like(array)
        for name, array in network.values.items()
        for unit in units
        if name in (f"{unit}_conv2_weight", f"{unit}_bn2_beta" if activation != "preact" else "")
    }
    without = outputs(lesion.delete(network.symbol, units), network)
    assert close(without, outputs(network.symbol, network, zero))
    assert not close(without, outputs(network.symbol, network))


def test_deleted_plain_units_leave_a_shallower_plain_net():
    network = Network("original", "plain")
    deleted = "stage1_unit2", "stage1_unit3", "stage3_unit4"
    without = lesion.delete(network.symbol, deleted)
    intact = lesion.delete(get_symbol(26, shortcut="plain"), [])
    assert intact.list_arguments() == network.symbol.list_arguments()
    assert set(without.list_arguments()) == {
        name for name in network.symbol.list_arguments() if not name.startswith(deleted)
    }
    # 26 layers without a unit in each stage are 20 layers; the units after it have moved up.
    moved = {
        name.replace("unit3", "unit2").replace("unit4", "unit3"): array
        for name, array in network.values.items()
        if "unit2" not in name
    }
    three = lesion.delete(network.symbol, [f"stage{stage}_unit2" for stage in (1, 2, 3)])
    assert close(outputs(three, network), outputs(get_symbol(20, shortcut="plain"), network, moved))


def test_plain_units_that_change_dimensions_cannot_be_deleted():
    graph = UnitGraph(get_symbol(14, shortcut="plain"))
    kept = set(graph.units) - set(lesion.deletable(graph, (3, 16, 16)))
    assert kept == {"stage2_unit1", "stage3_unit1"}
    assert len(lesion.deletable(UnitGraph(get_symbol(14)), (3, 16, 16))) == 6


def test_swapped_units_exchange_their_parameters():
    parameters = {"stage1_unit1_conv1_weight": 1, "stage1_unit10_conv1_weight": 10, "fc_weight": 0}
    swapped = lesion.swap(parameters, "stage1_unit1", "stage1_unit10")
    assert swapped == {
        "stage1_unit1_conv1_weight": 10,
        "stage1_unit10_conv1_weight": 1,
        "fc_weight": 0,
    }
    assert lesion.swap(swapped, "stage1_unit10", "stage1_unit1") == parameters


def test_lesions_change_what_their_rows_state_and_leave_the_network_alone():
    network = networks.named("original", "identity", 20)
    for number, array in enumerate([*network.arguments.values(), *network.states.values()]):
        array[:] = number
    plan = lesion.lesions(network, (3, 16, 16), samples=2)
    assert plan[0][1:] == (network.symbol, network.arguments, network.states)
    row, symbol, arguments, states = next(entry for entry in plan if entry[0]["lesion"] == "swap")
    first, second = row["units"].split("/")
    assert symbol is network.symbol
    for before, after, name in (
        (network.arguments, arguments, "conv1_weight"),
        (network.arguments, arguments, "bn2_gamma"),
        (network.states, states, "bn2_moving_mean"),
    ):
        assert after[f"{first}_{name}"] is before[f"{second}_{name}"]
        assert after[f"{second}_{name}"] is before[f"{first}_{name}"]
    # Of the 36 pairs of 9 units, a swap of units d apart reverses 2 d - 1.
    distance = abs(int(first[-1]) - int(second[-1]))
    assert row["tau"] == pytest.approx(1 - 2 * (2 * distance - 1) / 36)
    deleted = [entry[0]["units"] for entry in plan if entry[0]["lesion"] == "delete"]
    assert deleted == UnitGraph(network.symbol).units
    for row, symbol, *parameters in plan:
        if row["lesion"] == "random":
            units = row["units"].split()
            assert len(units) == row["k"]
            assert parameters == [network.arguments, network.states]
            assert symbol.tojson() == lesion.delete(network.symbol, units).tojson()


def test_only_units_of_one_shape_are_swapped():
    network = networks.named("preact", "identity", 20)
    pairs = lesion.alike(network, UnitGraph(network.symbol).units)
    # The first unit of a pre-activation network has no BN, the first of a stage narrower weights.
    assert pairs == [(f"stage{stage}_unit2", f"stage{stage}_unit3") for stage in (1, 2, 3)]


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    """The folder of a short run."""
    return trained(tmp_path_factory.mktemp("trained") / "run", images, "--depth", "14")


@pytest.fixture
def measure(run, images, tmp_path, monkeypatch):
    """measure(module, plot) -> the rows that a module measures of the run, after they are drawn."""
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(files, "FIGURES", tmp_path)

    def call(module, plot, *options):
        monkeypatch.setattr("sys.argv", ["", str(run), "--data-dir", str(images), *options])
        assert module.main() == 0
        name = f"{module.__name__.split('.')[1]}-yours-cifar10-original14"
        rows = measurements.read(tmp_path / f"analysis/{name}.csv")
        plot.draw([rows])
        assert matplotlib.image.imread(tmp_path / f"{name}.png").std() > 0.01
        return rows

    return call


def test_lesions_of_a_run_are_measured_and_drawn(run, measure):
    rows = measure(lesion, plots.lesion, "--samples", "2")
    count = {kind: len(group) for kind, group in measurements.grouped(rows, "lesion").items()}
    assert count == {"none": 1, "delete": 6, "random": 4, "swap": 4}
    with open(run / "log.csv", newline="") as log:
        error = float(list(csv.DictReader(log))[-1]["test_error"])
    assert rows[0]["error"] == pytest.approx(error, abs=1e-3)
    assert len({row["error"] for row in rows}) > 1


def test_responses_of_a_run_are_those_after_bn(run, images, measure, monkeypatch):
    rows = measure(responses, plots.responses)
    names = [row["convolution"] for row in rows]
    assert names[:3] == ["conv1", "stage1_unit1_conv1", "stage1_unit1_conv2"] and len(rows) == 13
    network = networks.of_run(run)
    sample = networks.images_of(network, images).images
    internals = network.symbol.get_internals()
    for row, name in (
        (rows[0], "bn1"),
        (rows[2], "stage1_unit1_bn2"),
        (rows[12], "stage3_unit2_bn2"),
    ):
        module = mx.mod.Module(internals[f"{name}_output"], label_names=None)
        module.bind([("data", sample.shape)], for_training=False)
        module.set_params(network.arguments, network.states, allow_extra=True)
        module.forward(mx.io.DataBatch([mx.nd.array(sample)]), is_train=False)
        assert row["deviation"] == pytest.approx(module.get_outputs()[0].asnumpy().std(), rel=1e-3)
    deviations = []
    for size in (100, 30):  # 70 images in one batch, and in three of which the last has 10
        monkeypatch.setattr(responses, "BATCH", size)
        deviations.append([value for _, value in responses.responses(network, sample[:70])])
    assert deviations[0] == pytest.approx(deviations[1], rel=1e-4)


def test_responses_state_the_papers_scale_only_beside_its_curves(monkeypatch):
    captions = []
    write = "plots.responses.measured.figure_files.write_below"
    monkeypatch.setattr(write, lambda _, text: captions.append(text))
    monkeypatch.setattr("plots.responses.measured.figure_files.save", lambda *_: None)
    for name in ("pocket-cifar10-original56", "cifar10-notes12"):
        path = files.RESULTS / "analysis" / f"responses-{name}.csv"
        plots.responses.draw([measurements.read(path)])
    assert ["1512.03385: full scale" in text for text in captions] == [True, False]


def test_network_trained_on_raw_pixels_is_measured_on_them(run, images):
    network = networks.of_run(run)
    usual = networks.images_of(network, images, count=5).images
    raw = network._replace(recipe={**network.recipe, "input": "raw"})
    raw = networks.images_of(raw, images, count=5).images
    assert raw.min() >= 0 and usual.min() < 0
    assert (raw == raw.round()).all()


def test_response_of_a_layer_without_bn_is_its_output():
    graph = UnitGraph(get_symbol(14, "preact"))
    names = {node.name: entry[0].name for node, entry in graph.responses()}
    assert names["stage1_unit2_conv1"] == "stage1_unit2_bn2"
    assert names["stage1_unit2_conv2"] == "stage1_unit2_conv2"


def test_unusable_runs_and_images_are_rejected(run, images, tmp_path):
    network = networks.of_run(run)
    refusal(lambda: networks.images_of(network, None), "trained on", "--data-dir")
    other = network._replace(recipe={**network.recipe, "data": "another"})
    refusal(lambda: networks.images_of(other, images), "other files")
    refusal(lambda: networks.of_run(tmp_path))
    logs = shutil.copytree(run, tmp_path / "logs", ignore=shutil.ignore_patterns("checkpoint-*"))
    done = run_in(ROOT, "-m", "analysis.lesion", logs, "--data-dir", images)
    assert refused(done, "no checkpoint")
    config = json.loads((run / "config.json").read_text())
    incomplete = {key: value for key, value in config["recipe"].items() if key != "unit"}
    imagenet = {**config["recipe"], "dataset": "imagenet"}
    for recipe, text in ((imagenet, "imagenet"), (incomplete, "unit")):
        (logs / "config.json").write_text(json.dumps({**config, "recipe": recipe}))
        refusal(lambda: networks.of_run(logs), "not that of a run on CIFAR", text)


def test_named_networks_have_as_many_classes_as_the_runs(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    config = json.loads((copy / "config.json").read_text())
    config["recipe"]["dataset"] = "cifar100"
    (copy / "config.json").write_text(json.dumps(config))
    found = networks.find([str(copy), "preact38"], unit="basic")
    assert found["preact38"].arguments["fc_bias"].shape == (100,)
    assert networks.find(["preact8"])["preact8"].arguments["fc_bias"].shape == (10,)


def test_make_passes_every_option():
    def make(*arguments):
        command = ["make", "-n", "-o", ".venv/ready", *arguments]
        return subprocess.run(command, cwd=ROOT, text=True, capture_output=True)

    lesions = make("lesion", "RUN=a b", "DATA=d", "ARGS=--samples 3").stdout
    assert "analysis.lesion 'a' 'b' --data-dir 'd' --samples 3" in " ".join(lesions.split())
    assert "analysis.gates 'a'" in make("gates", "RUN=a").stdout
    assert (
        "analysis.propagation 'preact20' 'r'" in make("propagation", "NETWORKS=preact20 r").stdout
    )
    done = make("responses")
    assert done.returncode == 2 and "needs the folders of trained runs" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_veits_numbers_are_complete():
    paper = digitized.read()
    box = paper["1605.06431", "Fig5a", "ResNet-110"]
    assert [len(points) for points in box.values()] == [20, 20, 20]
    assert box["median"][9] == (10, 19)
    assert len(paper["1605.06431", "Fig5b", "ResNet-110"]["median"]) == 16
