"""ImageNet from a prepared set to its errors: trained, stopped, resumed and tested."""

import json
import signal
import subprocess
import sys

import pytest
from conftest import begin, refusal, scored, sends_itself

from common import files
from paper import experiments, run_files, significance
from train_imagenet import main, print_own_cost
from training.log import read_log

EXACT = ("iteration", "learning_rate", "train_loss", "train_error", "test_loss", "test_error")


def command(*arguments, first=""):
    """Start train_imagenet.py in another process. first: code that runs before."""
    code = f"{first}import runpy; runpy.run_path('train_imagenet.py', run_name='__main__')"
    return begin(code, *arguments)


def call(*arguments):
    """(exit code, standard output, standard error) of train_imagenet.py."""
    process = command(*arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def small(folder, output, depth, iterations):
    """Options of a short run on crops of 64 pixels."""
    network = ["--activation", "preact", "--depth", depth]
    recipe = ["--image-size", 64, "--batch-size", 5, "--iterations", iterations]
    return ["--data-dir", folder, *recipe, *network, "--output", output]


def test_stopped_run_ends_as_an_unbroken_one(prepared, tmp_path):
    _, folder = prepared
    whole = [*small(folder, tmp_path / "whole", 18, 12), "--test-every", 6]
    broken = [*small(folder, tmp_path / "broken", 18, 12), "--test-every", 6]
    code, out, err = call(*whole)
    assert code == 0 and "on 12 images" in out, err
    # the measurement is another process, which a full machine may end; the run continues
    assert "will take about" in out or "cannot be measured here" in out
    process = command(*broken, first=sends_itself(signal.SIGTERM, 3))
    process.communicate()
    assert process.returncode == 143 and read_log(tmp_path / "broken")[-1]["iteration"] == 3
    assert call(*broken)[0] == 0
    rows = [
        [[row[name] for name in EXACT] for row in read_log(tmp_path / name)]
        for name in ("whole", "broken")
    ]
    rates = [0.1] * 3 + [0.01] * 3 + [0.001] * 6
    assert rows[0] == rows[1] and [row[1] for row in rows[0]] == pytest.approx(rates)
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
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
    monkeypatch, capsys, code, out, err, words
):
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr("common.command.subprocess.run", lambda *_, **__: done)
    print_own_cost()
    assert words in capsys.readouterr().out


def test_bottleneck_network_is_trained_and_tested_by_each_rule(
    prepared, tmp_path, monkeypatch, capsys
):
    _, folder = prepared
    run = tmp_path / "run"
    code, _, err = call(*small(folder, run, 50, 3))
    assert code == 0, err
    scored(monkeypatch, run, "--data-dir", folder, "--crop", "224,320,ten")
    assert capsys.readouterr().out.count("on 12 images") == 3
    tested = json.loads((run / "test.json").read_text())
    last = read_log(run)[-1]
    assert set(tested) == {"224", "320", "ten"}
    assert tested["224"]["top1"] == pytest.approx(last["test_error"], abs=1e-4)
    for result in tested.values():
        assert result["iteration"] == last["iteration"]
        assert "top5" not in result  # of three classes


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--data-dir", "/nowhere"], ["/nowhere", "imagenet-data"]),
        (["--depth", "20"], ["20 layers", "200"]),
        (["--scale", "pocket"], ["SCALE=pocket"]),
        (["--image-size", "224"], ["--side"]),
        (["--batch-size", "37"], ["36 training images"]),
    ],
)
def test_mistake_gets_one_line(prepared, tmp_path, monkeypatch, arguments, words):
    options = [*small(prepared[1], tmp_path / "run", 18, 10), *arguments]
    monkeypatch.setattr(sys, "argv", ["train_imagenet.py", *map(str, options)])
    refusal(main, *words)
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
        assert significance.ours(row.experiment, "full", "320").errors == errors
        message = capsys.readouterr().out
        assert words in message and message.count("\n") == (not errors)
