"""A lesion does to a network what it says and nothing else; responses are those of the 3x3 layers
behind their BN.
"""

import csv
import json
import shutil
import subprocess

import matplotlib.image
import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT, refusal, refused
from source import run_in
from test_equations import Network

import plots.lesion
import plots.responses
from analysis import lesion, networks, responses
from analysis.units import UnitGraph
from common import files
from common.errors import UserError
from paper import digitized
from symbols import get_symbol


def outputs(symbol, network, values=None):
    """Class probabilities of test_equations' network, with BN as in evaluation."""
    values = {**network.values, **(values or {})}
    arguments = {name: mx.nd.array(values[name]) for name in symbol.list_arguments()}
    shapes = symbol.infer_shape(**{name: array.shape for name, array in arguments.items()})[2]
    states = {
        name: mx.nd.full(shape, float(name.endswith("var")))
        for name, shape in zip(symbol.list_auxiliary_states(), shapes)
    }
    return symbol.bind(mx.cpu(), arguments, aux_states=states).forward(is_train=False)[0].asnumpy()


def close(one, other):
    return np.allclose(one, other, rtol=1e-4, atol=1e-6)


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
    """F = 0, as if the unit's last layer and its BN were nought; the shortcut stays."""
    network = Network(activation, shortcut)
    units = [
        "stage1_unit2",
        "stage2_unit1",
        "stage2_unit2",
    ]  # the second changes dimensions, and the third follows it
    nought = {
        name: np.zeros_like(array)
        for name, array in network.values.items()
        for unit in units
        if name in (f"{unit}_conv2_weight", f"{unit}_bn2_beta" if activation != "preact" else "")
    }
    without = outputs(lesion.delete(network.symbol, units), network)
    assert close(without, outputs(network.symbol, network, nought))
    assert not close(without, outputs(network.symbol, network))


def test_deleted_plain_units_leave_a_shallower_plain_net():
    network = Network("original", "plain")
    gone = "stage1_unit2", "stage1_unit3", "stage3_unit4"
    without = lesion.delete(network.symbol, gone)
    by_hand = lesion.delete(get_symbol(26, shortcut="plain"), [])
    assert by_hand.list_arguments() == network.symbol.list_arguments()  # no lesion, no change
    assert set(without.list_arguments()) == {
        name for name in network.symbol.list_arguments() if not name.startswith(gone)
    }
    # one unit deleted in each stage of 26 layers: 20 layers, with the units behind moved up
    moved = {
        name.replace("unit3", "unit2").replace("unit4", "unit3"): array
        for name, array in network.values.items()
        if "unit2" not in name
    }
    three = lesion.delete(network.symbol, [f"stage{stage}_unit2" for stage in (1, 2, 3)])
    assert close(outputs(three, network), outputs(get_symbol(20, shortcut="plain"), network, moved))


def test_plain_units_that_change_dimensions_cannot_be_deleted():
    graph = UnitGraph(get_symbol(14, shortcut="plain"))
    assert set(graph.units) - set(lesion.deletable(graph, (3, 16, 16))) == {
        "stage2_unit1",
        "stage3_unit1",
    }
    assert len(lesion.deletable(UnitGraph(get_symbol(14)), (3, 16, 16))) == 6


def test_swapped_units_have_each_others_parameters():
    parameters = {"stage1_unit1_conv1_weight": 1, "stage1_unit10_conv1_weight": 10, "fc_weight": 0}
    swapped = lesion.swap(parameters, "stage1_unit1", "stage1_unit10")
    assert swapped == {
        "stage1_unit1_conv1_weight": 10,
        "stage1_unit10_conv1_weight": 1,
        "fc_weight": 0,
    }
    assert lesion.swap(swapped, "stage1_unit10", "stage1_unit1") == parameters


def test_lesions_change_what_they_say_and_leave_the_network_alone():
    network = networks.named("original", "identity", 20)
    for number, array in enumerate([*network.arguments.values(), *network.states.values()]):
        array[:] = number
    plan = lesion.lesions(network, (3, 16, 16), samples=2)
    assert plan[0][1:] == (network.symbol, network.arguments, network.states)
    row, symbol, arguments, states = next(each for each in plan if each[0]["lesion"] == "swap")
    one, other = row["units"].split("/")
    assert symbol is network.symbol
    for before, after, name in (
        (network.arguments, arguments, "conv1_weight"),
        (network.arguments, arguments, "bn2_gamma"),
        (network.states, states, "bn2_moving_mean"),
    ):
        assert (
            after[f"{one}_{name}"] is before[f"{other}_{name}"]
            and after[f"{other}_{name}"] is before[f"{one}_{name}"]
        )
    assert row["tau"] == pytest.approx(1 - 2 * (2 * abs(int(one[-1]) - int(other[-1])) - 1) / 36)
    deleted = [each[0]["units"] for each in plan if each[0]["lesion"] == "delete"]
    assert deleted == UnitGraph(network.symbol).units
    for row, symbol, *parameters in plan:
        if row["lesion"] == "random":
            assert len(row["units"].split()) == row["k"] and parameters == [
                network.arguments,
                network.states,
            ]
            assert symbol.tojson() == lesion.delete(network.symbol, row["units"].split()).tojson()


def test_only_units_of_one_shape_are_swapped():
    network = networks.named("preact", "identity", 20)
    pairs = lesion.alike(network, UnitGraph(network.symbol).units)
    # the first unit of a pre-activated network has no BN of its own, and the first of a stage has
    # narrower weights
    assert pairs == [(f"stage{stage}_unit2", f"stage{stage}_unit3") for stage in (1, 2, 3)]


def test_kendall_tau():
    assert lesion.kendall_tau([0, 1, 2, 3, 4]) == 1 and lesion.kendall_tau([4, 3, 2, 1, 0]) == -1
    assert lesion.kendall_tau([1, 0, 2, 3, 4]) == pytest.approx(
        0.8
    )  # one of ten pairs is in the wrong order


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory):
    """The folder of a short run."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    code, _, err = run_in(
        ROOT,
        "train_cifar.py",
        "--depth",
        14,
        "--image-size",
        8,
        "--batch-size",
        20,
        "--iterations",
        20,
        "--data-dir",
        images,
        "--output",
        folder,
    )
    assert code == 0, err
    return folder


def test_lesions_of_a_run_are_measured_and_drawn(trained, images, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr(
        "sys.argv", ["lesion", str(trained), "--data-dir", str(images), "--samples", "2"]
    )
    assert lesion.main() == 0
    rows = lesion.measurements.read(tmp_path / "analysis/lesion-yours-cifar10-original14.csv")
    count = {
        word: sum(row["lesion"] == word for row in rows)
        for word in ("none", "delete", "random", "swap")
    }
    assert count == {"none": 1, "delete": 6, "random": 4, "swap": 4}
    with open(trained / "log.csv", newline="") as log:
        assert rows[0]["error"] == pytest.approx(
            float(list(csv.DictReader(log))[-1]["test_error"]), abs=1e-3
        )
    assert len({row["error"] for row in rows}) > 1
    plots.lesion.draw([tmp_path / "analysis/lesion-yours-cifar10-original14.csv"])
    assert matplotlib.image.imread(tmp_path / "lesion-yours-cifar10-original14.png").std() > 0.01


def test_responses_say_the_papers_scale_where_its_lines_are_drawn(monkeypatch):
    said = []
    monkeypatch.setattr(
        plots.responses.figure_files, "write_below", lambda _, text: said.append(text)
    )
    monkeypatch.setattr(plots.responses.figure_files, "save", lambda *_: None)
    for run in ("pocket-cifar10-original56", "cifar10-notes12"):
        plots.responses.draw([files.RESULTS / "analysis" / f"responses-{run}.csv"])
    assert ["the paper's: full scale" in text for text in said] == [True, False]


def test_responses_of_a_run_are_those_behind_bn(trained, images, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["responses", str(trained), "--data-dir", str(images)])
    assert responses.main() == 0
    rows = responses.measurements.read(tmp_path / "analysis/responses-yours-cifar10-original14.csv")
    assert [row["convolution"] for row in rows][:3] == [
        "conv1",
        "stage1_unit1_conv1",
        "stage1_unit1_conv2",
    ] and len(rows) == 13
    network = networks.of_run(trained)
    pictures = networks.pictures_of(network, images).images
    internals = network.symbol.get_internals()
    for row, name in (
        (rows[0], "bn1"),
        (rows[2], "stage1_unit1_bn2"),
        (rows[12], "stage3_unit2_bn2"),
    ):
        module = mx.mod.Module(internals[f"{name}_output"], label_names=None)
        module.bind([("data", pictures.shape)], for_training=False)
        module.set_params(network.arguments, network.states, allow_extra=True)
        module.forward(mx.io.DataBatch([mx.nd.array(pictures)]), is_train=False)
        assert row["deviation"] == pytest.approx(module.get_outputs()[0].asnumpy().std(), rel=1e-3)
    plots.responses.draw([tmp_path / "analysis/responses-yours-cifar10-original14.csv"])
    assert matplotlib.image.imread(tmp_path / "responses-yours-cifar10-original14.png").std() > 0.01
    found = []
    for size in (100, 30):  # 70 pictures in one batch, and in three of which the last has 10
        monkeypatch.setattr(responses, "BATCH", size)
        found.append([value for _, value in responses.responses(network, pictures[:70])])
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_network_that_was_trained_on_raw_pixels_is_measured_on_them(trained, images):
    network = networks.of_run(trained)
    usual = networks.pictures_of(network, images, count=5).images
    raw = networks.pictures_of(
        network._replace(recipe={**network.recipe, "input": "raw"}), images, count=5
    ).images
    assert raw.min() >= 0 and usual.min() < 0
    assert (raw == raw.round()).all()


def test_layer_without_a_bn_behind_it_answers_for_itself():
    graph = UnitGraph(get_symbol(14, "preact"))
    names = {node.name: entry[0].name for node, entry in graph.responses()}
    assert (
        names["stage1_unit2_conv1"] == "stage1_unit2_bn2"
        and names["stage1_unit2_conv2"] == "stage1_unit2_conv2"
    )


def test_what_a_lesion_needs_is_said_in_one_line(trained, images, tmp_path):
    network = networks.of_run(trained)
    refusal(lambda: networks.pictures_of(network, None), "trained on", "--data-dir")
    logs = shutil.copytree(
        trained, tmp_path / "logs", ignore=shutil.ignore_patterns("checkpoint-*")
    )
    assert refused(
        run_in(ROOT, "-m", "analysis.lesion", logs, "--data-dir", images), "no checkpoint"
    )
    other = network._replace(recipe={**network.recipe, "data": "another"})
    refusal(lambda: networks.pictures_of(other, images), "other files")
    with pytest.raises(UserError):
        networks.of_run(tmp_path)
    config = json.loads((trained / "config.json").read_text())
    for recipe, words in (
        ({**config["recipe"], "dataset": "imagenet"}, "dataset imagenet"),
        (
            {key: value for key, value in config["recipe"].items() if key != "option"},
            "option lacking",
        ),
    ):
        (logs / "config.json").write_text(json.dumps({**config, "recipe": recipe}))
        refusal(lambda: networks.of_run(logs), "no run on CIFAR", words)


def test_named_networks_tell_as_many_classes_apart_as_the_runs(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(
        json.dumps({**config, "recipe": {**config["recipe"], "dataset": "cifar100"}})
    )
    found = networks.find([str(run), "preact38"], unit="basic")
    assert found["preact38"].arguments["fc_bias"].shape == (100,)
    assert networks.find(["preact8"])["preact8"].arguments["fc_bias"].shape == (10,)


def test_make_hands_every_word_on():
    def make(*arguments):
        return subprocess.run(
            ["make", "-n", "-o", ".venv/ready", *arguments],
            cwd=ROOT,
            text=True,
            capture_output=True,
        )

    assert (
        "analysis.lesion a b --data-dir 'd' --samples 3"
        in make("lesion", "RUN=a b", "DATA=d", "ARGS=--samples 3").stdout
    )
    assert "analysis.responses a" in make("responses", "RUN=a").stdout
    assert "analysis.propagation preact20 r" in make("propagation", "NETWORKS=preact20 r").stdout
    done = make("lesion")
    assert (
        done.returncode == 2
        and "needs the folders of trained runs" in done.stderr
        and len(done.stderr.splitlines()) == 1
    )


def test_veits_numbers_are_carried_whole():
    paper = digitized.read()
    assert [len(points) for points in paper["1605.06431", "Fig5a", "ResNet-110"].values()] == [
        20,
        20,
        20,
    ]
    assert paper["1605.06431", "Fig5a", "ResNet-110"]["median"][9] == (10, 19)
    assert len(paper["1605.06431", "Fig5b", "ResNet-110"]["median"]) == 16
