"""Lesions, responses and gates of a run are measured at its trained weights, and drawn."""

import dataclasses
import json
import shutil

import matplotlib.image
import numpy as np
import pytest
from conftest import last_error, refusal, trained
from modules import evaluate

from analysis import gates, lesion, measurements, networks, responses
from common import data_names, files
from paper.scales import SCALES
from plots import measured
from symbols import get_symbol
from training import checkpoint


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    """The folder of a short run with gates of bias -1."""
    network = "--depth 14 --unit basic --shortcut exclusive_gating --shortcut-args bias=-1".split()
    return trained(tmp_path_factory.mktemp("measured") / "run", images, *network)


@pytest.fixture
def measure(run, images, tmp_path, monkeypatch):
    """measure(module, *options): the rows of the run's CSV file, after it is drawn."""
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(files, "FIGURES", tmp_path)

    def call(module, *options):
        monkeypatch.setattr("sys.argv", ["", str(run), "--data-dir", str(images), *options])
        assert module.main() == 0
        kind = module.__name__.split(".")[1]
        name = f"{kind}-{networks.of_run(run).name}"
        assert name.startswith(f"{kind}-yours-cifar10-exclusive_gating14-bias=-1-")
        for option, value in zip(options[::2], options[1::2]):  # those that are not the default
            name += f"-{option[2:]}={value}"
        rows = measurements.read(tmp_path / f"analysis/{name}.csv")
        measured.draw(kind, [rows])
        assert matplotlib.image.imread(tmp_path / f"{name}.png").std() > 0.01
        return rows

    return call


@pytest.fixture
def output(run, images):
    """output(layer, count): the output of a layer of the run's network on its first test images."""
    network = networks.of_run(run)

    def call(layer, count=None):
        sample = networks.images_of(network, images, count=count).images
        return evaluate(network.symbol, layer, network.arguments, network.states, sample)

    return call


def test_lesions_of_a_run(run, measure):
    rows = measure(lesion, "--samples", "2")
    count = {kind: len(group) for kind, group in measurements.grouped(rows, "lesion").items()}
    assert count == {"none": 1, "delete": 6, "random": 4, "swap": 4}
    assert rows[0]["error"] == pytest.approx(last_error(run), abs=1e-3)
    assert len({row["error"] for row in rows}) > 1


def test_responses_of_a_run_are_those_after_bn(run, images, measure, output, monkeypatch):
    rows = measure(responses)
    names = [row["convolution"] for row in rows]
    assert names[:3] == ["conv1", "stage1_unit1_conv1", "stage1_unit1_conv2"] and len(rows) == 13
    for number, name in ((0, "bn1"), (2, "stage1_unit1_bn2"), (12, "stage3_unit2_bn2")):
        assert rows[number]["deviation"] == pytest.approx(output(name).std(), rel=1e-3)
    network = networks.of_run(run)
    sample = networks.images_of(network, images, count=70).images
    deviations = []
    for size in (100, 30):  # in one batch, and in three of which the last has 10
        monkeypatch.setattr(responses, "BATCH", size)
        deviations.append([value for _, value in responses.responses(network, sample)])
    assert deviations[0] == pytest.approx(deviations[1], rel=1e-4)


def test_gates_of_a_run(run, measure, output):
    rows = measure(gates, "--images", "30")
    assert len(rows) == 6 and rows[2]["unit"] == "stage2_unit1"
    network = networks.of_run(run)
    for row in rows:
        closed = 1 / (1 + np.exp(output(f"{row['unit']}_gate", 30)))
        shares = [row[column] for column in ("low", "quartile1", "median", "quartile3", "high")]
        assert shares == pytest.approx(np.percentile(closed, (5, 25, 50, 75, 95)), rel=1e-3)
        assert row["mean"] == pytest.approx(closed.mean(), rel=1e-3)
        assert row["initial"] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-4)
        bias = network.arguments[f"{row['unit']}_gate_bias"].asnumpy()
        assert row["bias"] == pytest.approx(np.mean(1 / (1 + np.exp(bias))), rel=1e-4)


def test_network_without_gates_is_rejected():
    network = networks.named("original", "identity", 8)
    refusal(lambda: gates.factors(network, np.zeros((2, 3, 8, 8))), "no gates", "exclusive_gating")


def test_network_trained_on_raw_pixels_is_measured_on_them(run, images):
    network = networks.of_run(run)
    usual = networks.images_of(network, images, count=5).images
    raw = network._replace(recipe={**network.recipe, "input": "raw"})
    raw = networks.images_of(raw, images, count=5).images
    assert raw.min() >= 0 and usual.min() < 0
    assert (raw == raw.round()).all()


@pytest.mark.parametrize("change", [{"input": "raw"}, {"image_size": 4}, {"validation": True}])
def test_runs_with_different_inputs_are_not_measured_together(run, change):
    network = networks.of_run(run)
    pair = [network, network._replace(recipe={**network.recipe, **change})]
    refusal(lambda: networks.training_batch(pair, 4, None, 16), "measure each separately")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"label\n\xff\n", b"label\na,b\n"])
def test_file_without_rows_of_a_measurement_is_rejected(tmp_path, content):
    (tmp_path / "lesion-x.csv").write_bytes(content)
    refusal(lambda: measurements.read(tmp_path / "lesion-x.csv"), "delete it, and measure again")


def changed(network, **config):
    """A network whose run has another config.json."""
    return network._replace(run=network.run._replace(config={**network.run.config, **config}))


def test_images_of_a_run_are_in_the_folder_of_its_scale(run, images, monkeypatch):
    network = networks.of_run(run)
    refusal(lambda: networks.images_of(network, None), "name their folder")
    monkeypatch.setitem(SCALES, "demo", dataclasses.replace(SCALES["demo"], data=images))
    assert len(networks.images_of(changed(network, scale="demo"), None).images) == 100


def test_images_of_a_validation_run_are_in_the_folder_of_its_set(run, images, monkeypatch):
    data = "CIFAR-10, held-out tenth of the training set"
    load = networks.test_set.load
    monkeypatch.setattr(
        networks.test_set, "load", lambda recipe, place: load(recipe, place or images)
    )
    network = changed(networks.of_run(run), data=data)
    assert len(networks.images_of(network, None).images) == 100


def test_published_run_is_measured_on_cifar10_that_is_downloaded(run, images, monkeypatch):
    network = changed(networks.of_run(run), data=data_names.CIFAR10_NEARLY)
    network = changed(network, recipe={**network.recipe, "data": "with 20 other test images"})
    load = networks.test_set.load
    name = data_names.CIFAR10
    monkeypatch.setattr(
        networks.test_set, "load", lambda recipe, _: load(recipe, images)._replace(name=name)
    )
    assert f"test images of {name}," in networks.images_of(network, None).description
    name = data_names.CIFAR10_JPEG
    refusal(lambda: networks.images_of(network, None), name, "other files")


def test_runs_of_one_network_have_files_of_their_own(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    first, second = networks.of_run(run), networks.of_run(copy)
    assert first.name != second.name
    name = measurements.joined([first.name] + [f"{second.name}-{k}" for k in range(99)])
    assert len(name) < 200 and name != measurements.joined([first.name] + [second.name] * 99)


def test_networks_with_one_label_are_told_apart():
    labels = ["56, original", "56, original", "20, original"]
    networks = [[{"name": f"n{k}", "label": label}] for k, label in enumerate(labels)]
    measurements.tell_apart(networks, "name")
    assert [rows[0]["label"] for rows in networks] == [
        "56, original (n0)",
        "56, original (n1)",
        "20, original",
    ]


def test_notes_on_corrupt_checkpoints_are_not_among_the_printed_paths(
    run, images, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    copy = shutil.copytree(run, tmp_path / "copy")
    (checkpoint.paths(copy)[-1] / "arrays.params").write_bytes(b"")
    monkeypatch.setattr("sys.argv", ["", str(copy), "--data-dir", str(images)])
    assert responses.main() == 0
    output = capsys.readouterr()
    assert "is corrupt" in output.err and output.out.count("\n") == 1 and ".csv" in output.out


def test_unusable_runs_and_images_are_rejected(run, images, tmp_path):
    network = networks.of_run(run)
    refusal(lambda: networks.images_of(network, None), "trained on", "--data-dir")
    other = changed(network, recipe={**network.recipe, "data": "another"})
    refusal(lambda: networks.images_of(other, images), "other files")
    refusal(lambda: networks.of_run(tmp_path))
    logs = shutil.copytree(run, tmp_path / "logs", ignore=shutil.ignore_patterns("*0*"))
    refusal(lambda: networks.of_run(logs), "a log but no weights")
    config = json.loads((run / "config.json").read_text())
    incomplete = {key: value for key, value in config["recipe"].items() if key != "unit"}
    imagenet = {**config["recipe"], "dataset": "imagenet"}
    copy = shutil.copytree(run, tmp_path / "copy")
    for recipe, text in ((imagenet, "a run on imagenet"), (incomplete, "describes no network")):
        (copy / "config.json").write_text(json.dumps({**config, "recipe": recipe}))
        refusal(lambda: networks.of_run(copy), text)


def test_named_networks_are_checked_with_the_images_that_are_measured(run, images, monkeypatch):
    sizes = []

    def symbol(*words, image_size, **options):
        sizes.append(image_size)
        return get_symbol(*words, image_size=image_size, **options)

    monkeypatch.setattr(networks, "get_symbol", symbol)
    networks.find(["preact8"], image_size=16)
    networks.find([str(run), "preact8"], image_size=16)
    assert sizes == [16, networks.of_run(run).recipe["image_size"]]
    network = networks.of_run(run)
    refusal(lambda: networks.training_batch([network], 501, images, 16), "--batch-size 501")


def test_named_networks_have_as_many_classes_as_the_runs(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    config = json.loads((copy / "config.json").read_text())
    config["recipe"]["dataset"] = "cifar100"
    (copy / "config.json").write_text(json.dumps(config))
    subjects = networks.find([str(copy), "preact38"], unit="basic")
    assert subjects["preact38"].arguments["fc_bias"].shape == (100,)
    assert networks.find(["preact8"])["preact8"].arguments["fc_bias"].shape == (10,)
