"""score.py: errors equal those of the log; weights have many sources; corrupt ones are rejected."""

import csv
import json
import os
import shutil
from collections import namedtuple
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from conftest import NEEDS_BFLOAT16, last_error, refusal, scored, trained
from modules import initial_module
from PIL import Image

import score
from data import cifar, generated, test_set
from plots import confusion
from symbols import get_symbol, pretrained
from training import checkpoint, export

PREPARED = ["--image-size", "64", "--dataset", "imagenet"]


def result(folder, rule="whole"):
    return json.loads((folder / "test.json").read_text())[rule]


@pytest.mark.parametrize("words", [[], ["--export", "mxnet"], ["--predict", "a.png"]])
def test_run_of_a_network_that_has_changed_is_refused(finished, images, monkeypatch, words):
    def join(x, f, unit, ratio=0.5):
        return 0.5 * x + f

    monkeypatch.setattr("symbols.shortcuts.dropout.join", join)
    place = ("--data-dir", images)
    refusal(lambda: scored(monkeypatch, finished, *place, *words), "symbols/ has changed")


def test_output_takes_all_files_of_a_test(finished, images, tmp_path, monkeypatch):
    folder = shutil.copytree(finished, tmp_path / "run", ignore=lambda *_: ["test.json"])
    out = tmp_path / "out"
    assert scored(monkeypatch, folder, "--data-dir", images, "--output", out) == 0
    assert result(out)["images"] == 100 and (out / "classes.csv").exists()
    assert not (folder / "test.json").exists()


def test_error_is_that_of_the_log_and_is_kept(finished, images, monkeypatch, capsys):
    assert scored(monkeypatch, finished, "--data-dir", images) == 0
    assert f"top-1 error {last_error(finished):.2f} %, top-5 error" in capsys.readouterr().out
    kept = result(finished)
    assert kept["top1"] == pytest.approx(last_error(finished), abs=1e-4)
    assert 0 < kept["top5"] < kept["top1"]
    assert (kept["images"], kept["iteration"]) == (100, 40)


def test_result_is_kept_if_what_follows_is_stopped(finished, images, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    (finished / "test.json").unlink(missing_ok=True)
    monkeypatch.setattr(confusion, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        scored(monkeypatch, finished, "--data-dir", images)
    assert result(finished)["images"] == 100


def table(path):
    return list(csv.reader(path.read_text().splitlines()))


def test_accuracy_of_each_class_and_confusion_matrix_are_written(finished, images, monkeypatch):
    scored(monkeypatch, finished, "--data-dir", images)
    (*_, title), *rows = table(finished / "classes.csv")
    assert title == "accuracy (%)" and sum(int(row[1]) for row in rows) == 100
    (_, *names), *confusion = table(finished / "confusion.csv")
    assert [row[0] for row in rows] == names == [row[0] for row in confusion] == generated.CLASSES
    counts = np.array([row[1:] for row in confusion], int)
    assert counts.sum(axis=1).tolist() == [int(row[1]) for row in rows]
    assert np.diag(counts).tolist() == [int(row[2]) for row in rows]
    assert 100 - np.trace(counts) == pytest.approx(last_error(finished))
    assert Image.open(finished / "confusion.png").size[0] > 500


@pytest.mark.parametrize("action", [[], ["--predict", "a.png"]])
def test_set_with_other_classes_is_rejected(finished, images, tmp_path, monkeypatch, action):
    other = shutil.copytree(images, tmp_path / "other")
    names = (images / "batches.meta.txt").read_text().replace("cool disc", "cat")
    (other / "batches.meta.txt").write_text(names)
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    refusal(
        lambda: scored(monkeypatch, finished, "--data-dir", other, *action),
        "does not know 1 classes",
        "(cat)",
        "--data-dir",
    )


def write_classes(folder, dataset, count, *classes):
    """Class folders with `count` of the test images of some classes."""
    for label in classes:
        place = folder / dataset.class_names[label]
        place.mkdir(parents=True)
        for k in np.flatnonzero(dataset.test_labels == label)[:count]:
            pixels = dataset.test_images[k].transpose(1, 2, 0)
            Image.fromarray(pixels).save(place / f"{k}.png")
    return folder


def test_all_new_labelled_images_are_tested(finished, images, tmp_path, monkeypatch):
    run = shutil.copytree(finished, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["recipe"]["dataset"] = "pictures"
    (run / "config.json").write_text(json.dumps(config))
    dataset = cifar.load("cifar10", images, 8)
    new = write_classes(tmp_path / "new", dataset, 10, 9, 0, 4)
    scored(monkeypatch, run, "--data-dir", images)
    monkeypatch.chdir(tmp_path)
    other = write_classes(tmp_path / "b" / "new", dataset, 10, 1, 2, 3)  # of the same name and size
    for folder in (new, other):
        scored(monkeypatch, run, "--data-dir", folder)
    assert result(run, "whole on new (30 images)")["images"] == 30
    assert result(run, "whole on new (30 images) in b")["images"] == 30
    assert result(run)["images"] == 100  # a test on another set does not replace it
    tested = {row[0]: row[1:] for row in table(run / "classes-on-new-30-images.csv")}
    expected = {row[0]: row[1:] for row in table(run / "classes.csv")}
    assert all(
        tested[dataset.class_names[k]] == expected[dataset.class_names[k]] for k in (9, 0, 4)
    )
    (tmp_path / "part").mkdir()  # with a single image in the class, and below a folder test/
    write_classes(tmp_path / "part" / "test", dataset, 1, 5)
    scored(monkeypatch, run, "--data-dir", tmp_path / "part")
    assert result(run, "whole on part (1 images)")["images"] == 1


def test_run_on_raw_pixels_on_two_devices_is_tested_as_it_was_trained(
    images, tmp_path, monkeypatch, capsys
):
    folder = trained(tmp_path / "run", images, "--input", "raw", "--cpus", "2")
    assert not np.any(json.loads((folder / export.INPUTS).read_text())["mean"])
    scored(monkeypatch, folder, "--data-dir", images)
    assert "of 100" not in capsys.readouterr().out
    # in training each device tests with its own BN averages; here the first device's are used
    assert result(folder)["top1"] == pytest.approx(last_error(folder), abs=15)
    arrays = mx.nd.load(str(checkpoint.paths(folder)[-1] / "arrays.params"))
    exported = mx.nd.load(str(folder / export.PARAMETERS))
    name = "bn1_moving_mean"
    first, second = (arrays[f"aux{k}:{name}"].asnumpy() for k in (0, 1))
    assert (exported[f"aux:{name}"].asnumpy() == first).all() and (first != second).any()


@NEEDS_BFLOAT16
def test_run_in_bfloat16_is_tested_in_it(images, tmp_path, monkeypatch):
    folder = trained(tmp_path / "run", images, "--dtype", "bfloat16")
    scored(monkeypatch, folder, "--data-dir", images)
    assert result(folder)["top1"] == pytest.approx(last_error(folder), abs=1e-4)


def test_held_out_tenth_is_what_a_validation_run_is_tested_on(images, tmp_path, monkeypatch):
    folder = trained(tmp_path / "run", images, "--validation", "--seed", "3")
    scored(monkeypatch, folder, "--data-dir", images)
    assert result(folder)["images"] == 50
    assert result(folder)["top1"] == pytest.approx(last_error(folder), abs=1e-4)


def test_other_images_are_tested_with_the_mean_of_the_training_set(
    finished, images, tmp_path, monkeypatch, capsys
):
    run = shutil.copytree(finished, tmp_path / "run")
    inputs = (run / "inputs.json").read_bytes()
    (run / "inputs.json").unlink()  # as in a run that is not finished
    generated.write(tmp_path / "other", images=600, seed=1)
    other = ["--data-dir", tmp_path / "other"]
    refusal(lambda: scored(monkeypatch, run, *other), "training set is unknown", "make export")
    scored(monkeypatch, run, "--data-dir", images, "--export", "mxnet")
    assert (run / "inputs.json").read_bytes() == inputs
    (run / "inputs.json").write_text(inputs.decode().replace('"mean"', '"means"'))
    refusal(lambda: scored(monkeypatch, run, "--export", "mxnet"), "inputs.json is corrupt")
    (run / "inputs.json").write_bytes(inputs)
    errors = []
    files = shutil.copytree(run, tmp_path / "files", ignore=shutil.ignore_patterns("c*"))
    network = [files, "dropout8", "--dataset", "cifar10"]
    refusal(lambda: scored(monkeypatch, *network, "--image-size", "32", *other), "for 8 pixels")
    for words in ([finished], network):
        capsys.readouterr()
        scored(monkeypatch, *words, *other)
        output = capsys.readouterr().out
        assert ("this test uses other files" in output) == (
            len(words) == 1
        ), "only a run knows its set"
        errors.append(output.split("top-1 error ")[1].split(" %")[0])
    assert errors[0] == errors[1], "exported files have their inputs.json"


@pytest.mark.parametrize("words", [[], ["--export", "mxnet"]])
def test_files_of_another_run_are_not_overwritten(finished, images, tmp_path, monkeypatch, words):
    another = shutil.copytree(finished, tmp_path / "another")
    saved = checkpoint.paths(another)[-1]
    reasons = {
        another: "is another run",
        another / "log.csv": "is a file",
        saved: "is a checkpoint",
    }
    for output, reason in reasons.items():
        options = ["--data-dir", images, *words, "--output", output]
        refusal(lambda: scored(monkeypatch, finished, *options), reason)  # noqa: B023


def test_tests_and_exports_of_other_weights_are_not_overwritten(
    finished, images, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    words = ["--image-size", "8", "--data-dir", images, "dropout8", "--output", out]
    for name in ("one", "two"):
        shutil.copy(finished / export.PARAMETERS, tmp_path / f"{name}.params")
    for export_too in ([], ["--export", "mxnet"]):
        assert scored(monkeypatch, tmp_path / "one.params", *words, *export_too) == 0
    assert scored(monkeypatch, tmp_path / "one.params", *words) == 0, "the same test again"
    refusal(lambda: scored(monkeypatch, tmp_path / "two.params", *words), "has a test of")
    refusal(
        lambda: scored(monkeypatch, tmp_path / "two.params", *words, "--export", "mxnet"),
        "network-0000.params exists",
    )


def test_tests_of_two_runs_do_not_replace_each_other(finished, images, tmp_path, monkeypatch):
    another = shutil.copytree(finished, tmp_path / "another")
    words = ["--data-dir", images, "--output", tmp_path / "out"]
    assert scored(monkeypatch, finished, *words) == 0
    refusal(
        lambda: scored(monkeypatch, another, *words), "has a test of", os.path.relpath(finished)
    )


def test_export_of_bare_weights_replaces_no_other_network(finished, images, tmp_path, monkeypatch):
    words = ["--image-size", "8", "--data-dir", images, "dropout8", "--export", "mxnet"]
    for name in ("one", "two"):
        shutil.copy(finished / export.PARAMETERS, tmp_path / f"{name}.params")
    assert scored(monkeypatch, tmp_path / "one.params", *words) == 0
    refusal(lambda: scored(monkeypatch, tmp_path / "two.params", *words), "exists")


def test_inputs_of_a_network_with_other_classes_are_not_called_corrupt(
    finished, images, tmp_path, monkeypatch
):
    shutil.copy(finished / export.PARAMETERS, tmp_path / "bare.params")
    inputs = json.loads((finished / export.INPUTS).read_text())
    (tmp_path / export.INPUTS).write_text(json.dumps({**inputs, "classes": ["a", "b"]}))
    words = ["--image-size", "8", "--data-dir", images, "dropout8"]
    refusal(lambda: scored(monkeypatch, tmp_path / "bare.params", *words), "2 classes", "move one")


def test_files_of_the_user_are_not_replaced_by_a_test(finished, images, tmp_path, monkeypatch):
    (tmp_path / "classes.csv").write_text("path,class,probability\n")
    words = ["--data-dir", images, "--output", tmp_path]
    refusal(lambda: scored(monkeypatch, finished, *words), "is another file")
    assert (tmp_path / "classes.csv").read_text() == "path,class,probability\n"
    (tmp_path / "classes.csv").unlink()
    (tmp_path / "confusion.png").write_bytes(b"a photograph")
    refusal(lambda: scored(monkeypatch, finished, *words), "confusion.png is another file")
    (tmp_path / "confusion.png").unlink()
    assert scored(monkeypatch, finished, *words) == scored(monkeypatch, finished, *words) == 0


def test_exported_weights_are_those_of_the_last_iteration(finished, images, tmp_path, monkeypatch):
    run = shutil.copytree(finished, tmp_path / "run")
    scored(monkeypatch, run / "network-0000.params", "--data-dir", images)
    assert repr(result(run)["iteration"]) == "40"  # a number in a caption, too
    assert (run / "classes.csv").exists()
    assert scored(monkeypatch, run / "network-0000.params", "--export", "mxnet") == 0
    log = (run / "log.csv").read_text().splitlines(keepends=True)
    (run / "log.csv").write_text("".join(log[:-1]))  # it is extended
    scored(monkeypatch, run / "network-0000.params", "--data-dir", images)
    assert "iteration" not in result(run, "whole with exported weights")


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--image-size", "16"], "--image-size is for weights without a run"),
        (["--dataset", "cifar10"], "--dataset is for"),
        (["preact8"], "preact8 is for"),
        (["--shortcut-args", "ratio=0.1"], "--shortcut-args is for"),
        (["--export", "onnx", "--predict", "a"], "not allowed with argument"),
    ],
)
def test_option_that_would_be_ignored_is_refused(finished, monkeypatch, words, reason):
    refusal(lambda: scored(monkeypatch, finished, *words), reason)


Named = namedtuple("Named", "name class_names test_labels")


def test_labels_of_a_set_with_the_networks_classes_are_kept():
    labels = np.array([0, 1, 2, 2])
    dataset = Named("set", ("crane", "crane", "dog"), labels)
    same = test_set.for_classes(dataset, dataset.class_names, 3, "network")
    assert same.test_labels.tolist() == labels.tolist()
    names = ("dog", "crane", "crane")
    words = ("several classes called crane", "DATA=")
    refusal(lambda: test_set.for_classes(dataset, names, 3, "network"), *words)
    dataset = dataset._replace(class_names=("dog",), test_labels=np.array([0, 0]))
    assert test_set.for_classes(dataset, names, 3, "network").test_labels.tolist() == [0, 0]


def test_labels_of_a_part_of_imagenets_classes_become_the_networks():
    images = SimpleNamespace(labels=np.array([0, 1, 1], np.float32))
    dataset = test_set.imagenet_without_images(("dog", "ant"))._replace(test_images=images)
    tested = test_set.for_classes(dataset, ("ant", "cat", "dog"), 3, "network")
    assert tested.test_images.labels.tolist() == [2, 0, 0]
    assert tested.class_names == ("ant", "cat", "dog")


def test_weights_without_a_run_are_tested_by_the_network_that_is_named(
    finished, images, tmp_path, monkeypatch, capsys
):
    bare = tmp_path / "bare.params"
    newest = checkpoint.paths(finished)[-1]
    shutil.copy(newest / "arrays.params", bare)
    exported = tmp_path / export.PARAMETERS  # in MXNet's own form
    shutil.copy(finished / export.PARAMETERS, exported)
    of_run = ["--image-size", "8", "--data-dir", images]
    for file in (bare, exported):
        scored(monkeypatch, file, *of_run, "dropout8")  # make puts DATA= before ARGS=
        assert f"top-1 error {last_error(finished):.2f} %" in capsys.readouterr().out
        refusal(
            lambda file=file: scored(monkeypatch, file, "dropout14", *of_run),
            file.name,
            "another network",
        )
    assert not (tmp_path / "test.json").exists()


@pytest.mark.parametrize(
    "family, stem, classes, dataset",
    [
        (None, 3, 10, "cifar10"),
        (None, 7, 10, "imagenet"),
        ("cifar", 3, 100, "cifar100"),
        ("cifar", 3, 7, "pictures"),
        ("imagenet", 7, 1000, "imagenet"),
    ],
)
def test_weights_without_a_run_show_their_training_set(family, stem, classes, dataset):
    kernel = mx.nd.zeros((16, 3, stem, stem))
    weights = SimpleNamespace(arguments={"conv1_weight": kernel}, classes=classes)
    assert score._dataset_of(weights, family and {"family": family}) == dataset


def test_pretrained_network_predicts_without_imagenet(images, tmp_path, monkeypatch, capsys):
    symbol = get_symbol(18, family="imagenet", classes=3)
    parameters = initial_module(symbol, (1, 3, 224, 224)).get_params()
    mean = np.array([10, 20, 30], np.float32)
    monkeypatch.setattr(
        pretrained, "load", lambda name: (symbol, parameters, mean, ("n1", "n2", "n3"))
    )
    photograph = tmp_path / "a.png"
    Image.new("RGB", (300, 300), (10, 20, 30)).save(photograph)  # the network's input is 0
    words = ["--predict", photograph, "--output", tmp_path / "a.csv"]
    assert scored(monkeypatch, "--pretrained", "resnet18_v1", *words) == 0
    assert capsys.readouterr().out.count(" 33.3 %") == 3


def test_exported_folder_has_its_own_network(finished, images, tmp_path, monkeypatch, capsys):
    for name in (export.SYMBOL, export.PARAMETERS, export.INPUTS):
        shutil.copy(finished / name, tmp_path)
    content = (tmp_path / export.SYMBOL).read_bytes()
    of_run = ["--data-dir", images]
    for words in ([], ["dropout8"]):  # without a name, and with the right one
        assert scored(monkeypatch, tmp_path, *of_run, *words) == 0
        assert f"top-1 error {last_error(finished):.2f} %" in capsys.readouterr().out
        assert scored(monkeypatch, tmp_path, "--export", "mxnet", *words) == 0
        assert (tmp_path / export.SYMBOL).read_bytes() == content
    for network in ("8", "plain8"):  # networks with parameters of the same shapes
        refusal(lambda network=network: scored(monkeypatch, tmp_path, *of_run, network), "leave")
    (tmp_path / export.SYMBOL).write_text("{}")
    refusal(lambda: scored(monkeypatch, tmp_path, *of_run), export.SYMBOL, "corrupt")


def test_weights_of_another_network_are_not_exported(finished, images, tmp_path, monkeypatch):
    weights = shutil.copy(finished / export.PARAMETERS, tmp_path / "bare.params")
    of_run = ["--dataset", "cifar10", "--image-size", "8", "--data-dir", images]
    words = [weights, "dropout14", *of_run, "--export", "mxnet"]
    refusal(lambda: scored(monkeypatch, *words), "another network")
    assert not (tmp_path / export.SYMBOL).exists()


@pytest.mark.parametrize("words", [[], ["--predict", "a.png"]])
def test_unreadable_files_are_skipped_only_in_folders_of_images(finished, monkeypatch, words):
    words = [finished, "--skip-unreadable", *words]
    refusal(lambda: scored(monkeypatch, *words), "--skip-unreadable", "leave it out")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], ["make score RUN="]),
        (["a", "--pretrained", "resnet18_v2"], ["--pretrained"]),
        (["/nowhere"], ["/nowhere", "checkpoint"]),
        (["/dev/null", "56"], ["/dev/null", "corrupt"]),
        (["--pretrained", "vgg16"], ["resnet18"]),
        (["results/pocket/cifar10-preact56/seed0"], ["most published runs"]),
    ],
)
def test_unusable_weights_get_one_line(monkeypatch, arguments, words):
    refusal(lambda: scored(monkeypatch, *arguments), *words)


def test_weights_for_another_number_of_classes_are_refused(
    finished, prepared, tmp_path, monkeypatch
):
    moved = tmp_path / "moved.params"
    moved.write_bytes((checkpoint.paths(finished)[-1] / "arrays.params").read_bytes())
    refusal(
        lambda: scored(monkeypatch, moved, "preact18", *PREPARED, "--data-dir", prepared[1]),
        "10 classes",
        "has 3",
    )


def test_crops_are_imagenets(finished, monkeypatch):
    refusal(lambda: scored(monkeypatch, finished, "--crop", "320"), "--crop 320", "leave it out")


def untrained(depth):
    symbol = get_symbol(depth, "preact", family="imagenet", classes=3)
    arguments, states = initial_module(symbol, (1, 3, 64, 64)).get_params()
    arrays = {f"arg:{name}": array for name, array in arguments.items()}
    return {**arrays, **{f"aux0:{name}": array for name, array in states.items()}}


def test_params_file_is_tested_only_if_it_is_sound_and_of_that_very_network(
    prepared, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "some.params"
    mx.nd.save(str(file), untrained(34))
    options = [*PREPARED, "--data-dir", prepared[1]]
    assert scored(monkeypatch, file, "preact34", *options) == 0
    out = capsys.readouterr().out
    assert (
        "center crop 64 of 73: " in out and "on 12 images" in out and "top-5" not in out
    )  # of three classes
    scored(monkeypatch, file, "preact34", "--data-dir", prepared[1], "--image-size", "32")
    assert "center crop 32 of 37: " in capsys.readouterr().out
    # the file of 34 layers contains all parameters of 18 layers; it must be rejected anyway
    refusal(lambda: scored(monkeypatch, file, "preact18", *options), "some.params", "preact110")
    content = bytearray(file.read_bytes())
    content[32:40] = b"\xff" * 8  # the first array's shape: MXNet 1.9.1 ends with SIGSEGV
    file.write_bytes(content)
    refusal(lambda: scored(monkeypatch, file, "preact34", *options), "some.params", "corrupt")
