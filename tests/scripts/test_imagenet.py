"""ImageNet from a prepared set to its errors: trained, stopped, resumed and tested."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import refusal, rows, run_here, same, scored, typed

import train_imagenet
from common import files
from data import crops
from paper import counted_runs, experiments, run_files
from training.log import read_log


@pytest.fixture
def train(prepared, monkeypatch):
    """train(output, *options, stop=None): standard output of a short run on crops of 64 pixels."""
    monkeypatch.setattr(train_imagenet, "print_own_cost", lambda _: print("the cost"))

    def call(output, *options, stop=None):
        words = ["--data-dir", prepared[1], "--output", output, "--activation", "preact"]
        words += ["--widths", "64,64,64,64", "--image-size", 64, "--batch-size", 5, *options]
        code, out, err = run_here(*words, main=train_imagenet.main, stop=stop)
        assert code == (143 if stop else 0), err
        return out

    return call


def test_augmentation_reaches_the_training(train, tmp_path, monkeypatch):
    augmentations = []

    class Batches(crops.CropBatches):
        def __init__(self, *arguments, **options):
            augmentations.append(arguments[6])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(crops, "CropBatches", Batches)
    options = ["--depth", 18, "--iterations", 1]
    for augmentation in ("scale", "aspect"):
        train(tmp_path / augmentation, *options, "--augmentation", augmentation)
    assert augmentations == ["scale", "aspect"]


def test_workers_share_the_batch(prepared, monkeypatch):
    feeds = []
    monkeypatch.setattr("training.job.run_job", lambda job, arguments: feeds.append(job.feed))
    words = ["--depth", "18", "--image-size", "64", "--batch-size", "6"]
    typed(monkeypatch, train_imagenet.main, *words, "--data-dir", prepared[1])
    whole, *parts = [
        feeds[0](share, 12)[0].data_batch(1).label[0].asnumpy()
        for share in ((0, 1), (0, 2), (1, 2))
    ]
    assert len(whole) == 6 and np.array_equal(np.concatenate(parts), whole)


def test_stopped_run_ends_as_an_uninterrupted_one(train, tmp_path):
    options = ["--depth", 18, "--iterations", 12, "--test-every", 6]
    out = train(tmp_path / "uninterrupted", *options)
    assert "on 12 images" in out and "the cost\n" in out
    train(tmp_path / "resumed", *options, stop=3)
    assert rows(tmp_path / "resumed")[-1][0] == 3
    assert "the cost" not in train(tmp_path / "resumed", *options)
    assert same(tmp_path / "uninterrupted", tmp_path / "resumed")
    rates = [row["learning_rate"] for row in read_log(tmp_path / "uninterrupted")]
    assert rates == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 6)
    config = json.loads((tmp_path / "uninterrupted" / "config.json").read_text())
    assert config["recipe"]["warmup_iterations"] == 0


@pytest.mark.parametrize(
    "code, out, err, words",
    [
        (0, "a note\n12 iterations will take about 3 h\n", "", "12 iterations will take about 3 h"),
        (2, "", "x\nerror: no memory\n", "cannot be measured here (error: no memory)"),
        (-9, "", "", "cannot be measured here (it was killed"),
    ],
)
def test_cost_of_a_run_or_the_reason_without_it_is_printed(
    monkeypatch, tmp_path, capsys, code, out, err, words
):
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess([], code, out, err)

    monkeypatch.setattr("common.command.subprocess.run", run)
    monkeypatch.chdir(tmp_path)
    train_imagenet.print_own_cost(Path("images"))
    assert words in capsys.readouterr().out
    assert commands[0][-3:] == ["--data-dir", str(tmp_path / "images"), "--cost"]


def test_bottleneck_network_is_trained_and_tested_by_each_rule(
    train, prepared, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    train(run, "--depth", 50, "--iterations", 3)
    scored(monkeypatch, run, "--data-dir", prepared[1], "--crop", "224,320,ten")
    assert capsys.readouterr().out.count("on 12 images") == 3
    tested = json.loads((run / "test.json").read_text())
    last = read_log(run)[-1]
    assert set(tested) == {"224", "320", "ten"}
    assert tested["224"]["top1"] == pytest.approx(last["test_error"], abs=1e-4)
    for result in tested.values():
        assert result["iteration"] == last["iteration"]
        assert "top5" not in result  # of three classes


def test_test_is_of_the_newest_sound_checkpoint_and_says_of_which_iteration(
    train, prepared, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "run"
    for stop in (5, None):
        train(folder, "--depth", 18, "--iterations", 10, stop=stop)

    def iterations(*arguments):
        assert scored(monkeypatch, *arguments, "--data-dir", prepared[1]) == 0
        tests = json.loads((folder / "test.json").read_text())
        return {rule: test["iteration"] for rule, test in tests.items()}

    refusal(lambda: scored(monkeypatch, folder, "--crop", "224,7"), "--crop 224,7", "ten")
    assert iterations(folder) == {"224": 10}
    older = {"224": 10, "320 at iteration 5": 5}  # does not replace a test of the last iteration
    assert iterations(folder / "checkpoint-0000005", "--crop", "320") == older
    with open(folder / "checkpoint-0000010" / "arrays.params", "r+b") as file:
        file.truncate(1000)
    assert iterations(folder) == {**older, "224 at iteration 5": 5}
    assert "checkpoint-0000010 is corrupt" in capsys.readouterr().out
    for damage in ("{", "[1]"):
        (folder / "test.json").write_text(damage)
        assert iterations(folder) == {"224 at iteration 5": 5}
        assert "test.json was corrupt" in capsys.readouterr().out
    config = json.loads((folder / "config.json").read_text())
    wrong = json.dumps({**config, "classes": None, "recipe": {**config["recipe"], "widths": 7}})
    for damage in ("{", "[]", '{"recipe": {}}', json.dumps({**config, "recipe": {}}), wrong):
        (folder / "config.json").write_text(damage)
        refusal(lambda: scored(monkeypatch, folder), "config.json", "corrupt", "move it away")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--data-dir", "/nowhere"], ["/nowhere does not exist", "imagenet-data"]),
        (["--depth", "20"], ["20 layers", "200"]),
        (["--scale", "pocket"], ["--scale", "full"]),
        (["--image-size", "224"], ["--side"]),
        (["--batch-size", "37"], ["36 training images"]),
    ],
)
def test_mistake_gets_one_line(prepared, tmp_path, monkeypatch, arguments, words):
    usual = ["--depth", 18, "--batch-size", 5, "--output", tmp_path / "run"]
    options = ["--data-dir", prepared[1], *usual, *arguments]
    refusal(lambda: typed(monkeypatch, train_imagenet.main, *options), *words)
    assert not (tmp_path / "run").exists()


def test_tables_count_a_test_of_the_last_iteration_alone(results, capsys):
    row = next(row for row in experiments.TABLES["table5"] if row.experiment and row.crop == "320")
    results(row.experiment, [30.0], scale="full")
    (folder,) = (files.RESULTS / "full").glob("*/seed0")
    last = int(read_log(folder)[-1]["iteration"])
    for text, errors, words in [
        ({"320": {"top1": 21.5, "iteration": last}}, [21.5], ""),
        ("{", [], "corrupt"),
        ("[]", [], "corrupt"),
        ({"320": {"top1": 75.0, "iteration": last // 2}}, [], "last iteration"),
        ({"320": {"top1": 75.0}}, [], "last iter"),
        ({"320": {"iteration": last}}, [], "corrupt"),
    ]:
        run_files.say_once.cache_clear()
        (folder / "test.json").write_text(text if isinstance(text, str) else json.dumps(text))
        assert counted_runs.results_of(row.experiment, "full", "320").errors == errors
        message = capsys.readouterr().out
        assert words in message and message.count("\n") == (not errors)
