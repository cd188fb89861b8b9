"""ImageNet from a prepared set to its errors: trained, stopped, resumed and tested."""
import hashlib
import json
import signal
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT, refusal, sends_itself

import train_imagenet
from common import files
from common.environment import without_notes
from paper import experiments, runs, statistics
from symbols import get_symbol, pretrained
from training import checkpoint
from training.log import read_log
from training.state import collect


def command(*arguments, first=""):
    code = f"{first}import runpy; runpy.run_path('train_imagenet.py', run_name='__main__')"
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
                            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def call(*arguments):
    process = command(*arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


EXACT = ("iteration", "learning_rate", "train_loss", "train_error", "test_loss", "test_error")


def small(folder, output, depth, iterations):
    return ["--data-dir", folder, "--image-size", 64, "--batch-size", 5, "--iterations", iterations, "--activation", "preact",
            "--depth", depth, "--output", output]


def test_stopped_run_ends_as_an_unbroken_one(prepared, tmp_path):
    _, folder = prepared
    code, out, err = call(*small(folder, tmp_path / "whole", 18, 12), "--test-every", 6)
    assert code == 0 and "on 12 images" in out, err
    # the measurement is a process of its own, which a full machine may end; the run goes on
    assert "will take about" in out or "cannot be measured here" in out
    process = command(*small(folder, tmp_path / "broken", 18, 12), "--test-every", 6,
                      first=sends_itself(signal.SIGTERM, 3))
    process.communicate()
    assert process.returncode == 143 and read_log(tmp_path / "broken")[-1]["iteration"] == 3
    assert call(*small(folder, tmp_path / "broken", 18, 12), "--test-every", 6)[0] == 0
    rows = [[[row[name] for name in EXACT] for row in read_log(tmp_path / name)] for name in ("whole", "broken")]
    assert rows[0] == rows[1] and [row[1] for row in rows[0]] == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 6)
    assert json.loads((tmp_path / "whole" / "config.json").read_text())["recipe"]["warmup_iterations"] == 0


@pytest.mark.parametrize("code, out, err, words", [
    (0, "a note\n12 iterations will take about 3 h\n", "", "12 iterations will take about 3 h"),
    (2, "", "x\nerror: no memory\n", "cannot be measured here (error: no memory)"),
    (-9, "", "", "cannot be measured here (ended from outside")])
def test_what_a_run_takes_is_said_or_why_not(monkeypatch, capsys, code, out, err, words):
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr(train_imagenet.subprocess, "run", lambda *_, **__: done)
    train_imagenet.tell_cost()
    assert words in capsys.readouterr().out


def test_bottleneck_network_is_trained_and_tested_by_each_rule(prepared, tmp_path):
    _, folder = prepared
    code, _, err = call(*small(folder, tmp_path / "run", 50, 3))
    assert code == 0, err
    code, out, err = call("--data-dir", folder, "--test-only", "--output", tmp_path / "run", "--crop", "224,320,ten")
    assert code == 0 and out.count("on 12 images") == 3, err  # the run knows its network
    tested = json.loads((tmp_path / "run" / "test.json").read_text())
    assert tested["224"]["top1"] == pytest.approx(read_log(tmp_path / "run")[-1]["test_error"], abs=1e-4)
    assert set(tested) == {"224", "320", "ten"} and all(result["top5"] == 0 for result in tested.values())  # of three classes
    assert {result["iteration"] for result in tested.values()} == {read_log(tmp_path / "run")[-1]["iteration"]}


@pytest.mark.parametrize("arguments, words", [
    (["--data-dir", "/nowhere"], ["/nowhere", "imagenet-data"]), (["--depth", "20"], ["20 layers", "200"]),
    (["--scale", "pocket"], ["SCALE=pocket"]), (["--crop", "7", "--test-only"], ["--crop 7"]),
    (["--crop", "320"], ["--test-only"]),
    (["--image-size", "224"], ["--side"]), (["--test-only"], ["no checkpoint"]), (["--checkpoint", "/dev/null"], ["/dev/null"]),
    (["--batch-size", "37"], ["36 training images"]), (["--pretrained", "vgg16"], ["resnet18"]),
    (["--pretrained", "resnet18_v2-00000000"], ["resnet18_v2-00000000"])])
def test_mistake_gets_one_line(prepared, tmp_path, monkeypatch, arguments, words):
    monkeypatch.setattr(sys, "argv", ["train_imagenet.py", *map(str, [*small(prepared[1], tmp_path / "run", 18, 10), *arguments])])
    refusal(train_imagenet.main, *words)
    assert not (tmp_path / "run").exists()


def untrained(depth):
    module = mx.mod.Module(get_symbol(depth, "preact", family="imagenet", classes=3))
    with without_notes():
        module.bind([("data", (1, 3, 64, 64))], [("softmax_label", (1,))])
    module.init_params()
    return collect(module)


def call_main(prepared, monkeypatch, *arguments):
    """train_imagenet.py as a function, to test and not to train."""
    monkeypatch.setattr(sys, "argv", ["train_imagenet.py", "--data-dir", str(prepared[1]), "--image-size", "64",
                                      "--activation", "preact", *map(str, arguments)])
    return train_imagenet.main()


def test_params_file_is_tested_only_if_it_is_sound_and_of_that_very_network(prepared, tmp_path, monkeypatch, capsys):
    file = tmp_path / "some.params"
    mx.nd.save(str(file), untrained(34))
    assert call_main(prepared, monkeypatch, "--depth", 34, "--checkpoint", file) == 0 and "on 12 images" in capsys.readouterr().out
    # all that 18 layers want is there among 34, and the rest went unnoticed
    refusal(lambda: call_main(prepared, monkeypatch, "--depth", 18, "--checkpoint", file), "some.params", "--depth")
    content = bytearray(file.read_bytes())
    content[32:40] = b"\xff" * 8  # the first array's shape: MXNet 1.9.1 ends with SIGSEGV
    file.write_bytes(content)
    refusal(lambda: call_main(prepared, monkeypatch, "--depth", 34, "--checkpoint", file), "some.params", "damaged")


def test_test_is_of_the_newest_sound_checkpoint_and_says_of_which_iteration(prepared, tmp_path, monkeypatch, capsys):
    run, options = tmp_path / "run", ["--activation", "preact", "--depth", "18", "--image-size", "64"]
    recipe = {key: vars(train_imagenet.parser().parse_args(options))[key] for key in train_imagenet.NETWORK}
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"recipe": {**recipe, "shortcut_args": {}}}))
    for iteration in (5, 10):
        checkpoint.save(run, untrained(18), {"iteration": iteration, "log": "", "run": {}})

    def tested(*arguments):
        assert call_main(prepared, monkeypatch, "--test-only", *arguments) == 0
        return {rule: test["iteration"] for rule, test in json.loads((run / "test.json").read_text()).items()}

    assert tested("--output", run) == {"224": 10}
    assert tested("--checkpoint", run / "checkpoint-0000005", "--crop", "320") == {"224": 10, "320": 5}
    with open(run / "checkpoint-0000010" / "arrays.params", "r+b") as file:
        file.truncate(1000)
    assert tested("--checkpoint", run) == {"224": 5, "320": 5} and "checkpoint-0000010 is damaged" in capsys.readouterr().out
    for damage in ("{", "[1]"):
        (run / "test.json").write_text(damage)
        assert tested("--checkpoint", run) == {"224": 5} and "test.json was damaged" in capsys.readouterr().out
    for damage in ("{", "[]", '{"recipe": {}}'):
        (run / "config.json").write_text(damage)
        refusal(lambda: call_main(prepared, monkeypatch, "--checkpoint", run), "config.json is damaged", "--depth")


def test_tables_count_a_test_of_the_last_iteration_alone(results, capsys):
    row = next(row for row in experiments.TABLES["table5"] if row.experiment and row.crop == "320")
    results(row.experiment, [30.0], scale="full")
    folder, = (files.RESULTS / "full").glob("*/seed0")
    last = int(read_log(folder)[-1]["iteration"])
    for text, errors, words in [
            ({"320": {"top1": 21.5, "iteration": last}}, [21.5], ""), ("{", [], "damaged"), ("[]", [], "damaged"),
            ({"320": {"top1": 75.0, "iteration": last // 2}}, [], "last iteration"), ({"320": {"top1": 75.0}}, [], "last iter"),
            ({"320": {"iteration": last}}, [], "damaged")]:
        runs.say_once.cache_clear()
        (folder / "test.json").write_text(text if isinstance(text, str) else json.dumps(text))
        assert statistics.ours(row.experiment, "full", "320").errors == errors
        said = capsys.readouterr().out
        assert words in said and said.count("\n") == (not errors)


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "resnet50_v1", "resnet50_v2"])
def test_gluoncvs_weights_give_gluoncvs_logits(tmp_path, monkeypatch, name):
    from gluoncv.model_zoo import get_model
    from test_gluoncv import randomize
    net = get_model(name)
    net.initialize()
    pictures = np.random.RandomState(1).randint(0, 256, (2, 3, 64, 64)).astype(np.float32)
    normalized = mx.nd.array((pictures / 255 - np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1))
                             / np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1))
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
    (tmp_path / "models" / "resnet18_v2-01234567.params").write_bytes(b"not the weights of that checksum")
    refusal(lambda: pretrained.load("resnet18_v2-01234567"), "resnet18_v2-01234567", "no sound file")
