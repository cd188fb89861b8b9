"""A run's folder is held against the command, and nothing in it that is not ours is written over."""

import contextlib
import json
import os
import shutil
import subprocess

import mxnet as mx
import pytest
from conftest import refusal
from made_runs import CONFIG, RECIPE, numbers, reopened

from common import environment
from common.environment import without_notes
from training import checkpoint, state
from training.log import HEADER
from training.optimizer import optimizer
from training.recipe import Recipe
from training.run import Run
from training.source import source


def test_lock_of_a_dead_process_is_no_obstacle_and_a_living_one_is_named(two):
    (two / ".lock").write_text("process 1 on nowhere")
    with contextlib.closing(Run(two, CONFIG)):
        refusal(
            lambda: Run(two, CONFIG), f"process {os.getpid()} on {os.uname().nodename}", "--output"
        )
    Run(two, CONFIG).close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\0",
        b"{}",
        b'{"recipe": 3}',
        b'{"recipe": {}, "network": 1, "data": ""}',
        b"[" * 100000,
        b'{"recipe": {}, "network": "n", "data": "d", "continued": {}}',
        b"1" * 10000,
        b'{"recipe": {"seed": ' + b"9" * 5000 + b"}}",
    ],
)
def test_config_that_is_none_is_refused(two, content):
    (two / "config.json").write_bytes(content)
    refusal(lambda: Run(two, CONFIG), "config.json", "--output")


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.2}, {"seed": "0"}, {"iterations": None}, {"steps": []}]
)
def test_config_edited_together_with_the_command_does_not_mix_two_recipes(two, change):
    edited = {**CONFIG, "recipe": {**RECIPE, **change}}
    (two / "config.json").write_text(json.dumps(edited))
    refusal(lambda: Run(two, edited), "config.json was edited", *change)
    refusal(lambda: Run(two, CONFIG), "holds a run with", *change)


def test_run_from_before_an_option_goes_on_without_it(two):
    newer = {**CONFIG, "recipe": {**RECIPE, "an_option_to_come": None}}
    assert reopened(two, newer)[1]["iteration"] == 10
    newer["recipe"]["an_option_to_come"] = 1
    refusal(lambda: Run(two, newer), "an_option_to_come null, not 1")


def test_run_goes_on_with_another_commit_and_config_says_so(two, capsys):
    newer = {**CONFIG, "versions": {"commit": "b"}}
    assert "continued" not in json.loads((two / "config.json").read_text())
    for _ in range(2):  # noted once
        with contextlib.closing(Run(two, newer)) as run:
            run.checkpoint()
    config = json.loads((two / "config.json").read_text())
    assert config["versions"] == {"commit": "a"}
    assert config["continued"] == [
        {"iteration": 10, "versions": {"commit": "b"}, "host": {"cores": 2}}
    ]
    assert capsys.readouterr().out.count("config.json says so") == 1


def test_source_names_commit_and_uncommitted_changes(tmp_path):
    assert source(tmp_path) == {"commit": None, "uncommitted": None}

    def git(*words):
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=tmp_path,
            check=True,
            text=True,
            capture_output=True,
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file.py").write_text("1")
    git("add", "."), git("commit", "-q", "-m", "one")
    assert source(tmp_path) == {"commit": git("rev-parse", "HEAD"), "uncommitted": []}
    (tmp_path / "file.py").write_text("2")
    (tmp_path / "new.py").write_text("3")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "log.csv").write_text("")
    assert source(tmp_path)["uncommitted"] == ["M file.py", "?? new.py"]


# ---- without config.json


def without_checkpoints(folder):
    for path in checkpoint.found(folder):
        shutil.rmtree(path)


@pytest.mark.parametrize("change", [{"seed": 5}, {"iterations": 25}])
def test_lost_config_is_not_another_recipes_to_write(two, change):
    (two / "config.json").unlink()
    other = {**CONFIG, "recipe": {**RECIPE, **change}}
    refusal(lambda: Run(two, other), "config.json is gone", "checkpoint-0000010", *change)
    assert not (two / "config.json").exists()


def test_lost_config_comes_back_from_the_checkpoint(two):
    before = json.loads((two / "config.json").read_text())
    (two / "config.json").unlink()
    Run(two, {**CONFIG, "versions": {"commit": "b"}}).close()
    assert json.loads((two / "config.json").read_text()) == before


def test_log_without_config_and_checkpoint_is_refused_and_stays(two):
    without_checkpoints(two)
    (two / "config.json").unlink()
    before = (two / "log.csv").read_bytes()
    refusal(lambda: Run(two, CONFIG), "log.csv is there without a config.json", "--output")
    assert (two / "log.csv").read_bytes() == before and not (two / "config.json").exists()


def test_damaged_checkpoints_without_config_are_refused(two):
    for path in checkpoint.found(two):
        (path / "state.json").write_text("{}")
    (two / "config.json").unlink()
    (two / "log.csv").unlink()
    refusal(lambda: Run(two, CONFIG), "no config.json", "no sound checkpoint", "--output")


# ---- files that are not ours


@pytest.mark.parametrize(
    "name, content",
    [
        ("log.csv", b"\xef\xbb\xbf" + HEADER.encode()),
        ("log.csv", b"time;value\n1;2\n"),
        (".lock", b"pid=7\n"),
        (".lock", b"\xff\xfe"),
        ("curves.png", b"\x89PNG, of somebody else"),
    ],
)
def test_foreign_file_is_refused_and_stays(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refusal(lambda: Run(tmp_path, CONFIG), tmp_path / name, "--output")
    assert (tmp_path / name).read_bytes() == content and not (tmp_path / "config.json").exists()


@pytest.mark.parametrize(
    "encoded", [lambda text: text.replace(",", ";").encode(), lambda text: text.encode("utf-8-sig")]
)
def test_log_that_a_spreadsheet_saved_is_not_taken_for_an_empty_one(two, encoded):
    without_checkpoints(two)
    content = encoded((two / "log.csv").read_text())
    (two / "log.csv").write_bytes(content)
    with contextlib.closing(Run(two, CONFIG)) as run:
        refusal(run.checkpoint, "has a log but no checkpoint")
    other = {**CONFIG, "recipe": {**RECIPE, "seed": 5}}
    refusal(lambda: Run(two, other), "holds a run with seed 0, not 5")
    assert (two / "log.csv").read_bytes() == content


# ---- other momenta, other processors


def test_checkpoint_at_zero_has_no_momenta_yet(set_of_keys):
    set_of_keys([], 0)


@pytest.mark.parametrize(
    "keys, words",
    [
        ([], "lacks the momentum '0'"),
        (["0"], "lacks the momentum '1'"),
        (["0", "1", "2"], "unknown key '2'"),
        (["fc_bias", "fc_weight"], "lacks the momentum '0'"),
    ],
)
def test_checkpoint_with_other_momenta_is_refused_by_name(set_of_keys, keys, words):
    refusal(lambda: set_of_keys(keys, 10), words, "iteration 10", "move")


@pytest.mark.parametrize("devices", [1, 2])
def test_momenta_have_the_keys_that_are_expected_of_them(set_of_keys, devices):
    module = set_of_keys.module
    batch = mx.io.DataBatch([mx.nd.ones((4, 3))], [mx.nd.zeros(4)])
    module.forward_backward(batch)
    module.update()
    set_of_keys([str(key) for key in state._states(module)], 10)


@pytest.fixture
def set_of_keys(devices):
    """set_of_keys(keys, iteration): restores a linear layer with momenta under these keys."""
    fc = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    symbol = mx.sym.SoftmaxOutput(fc, name="softmax")
    module = mx.mod.Module(symbol, context=[mx.cpu(k) for k in range(devices)])
    with without_notes():
        module.bind([("data", (4, 3))], [("softmax_label", (4,))])
        module.init_params()
        module.init_optimizer("local", optimizer(Recipe(batch_size=4), symbol))

    def restore(keys, iteration):
        state.restore(module, {f"momentum:{key}": mx.nd.zeros(1) for key in keys}, iteration)

    restore.module = module
    return restore


@pytest.fixture
def devices():
    return 1


def test_run_that_goes_on_with_another_processor_says_so(two, capsys):
    moved = {**CONFIG, "host": {**CONFIG["host"], "processor": "Other, sse4_1"}}
    with contextlib.closing(Run(two, moved)) as run:
        run.checkpoint()
    config = json.loads((two / "config.json").read_text())
    assert config["continued"][0]["host"]["processor"] == "Other, sse4_1"
    out = capsys.readouterr().out
    assert "processor changed since" in out and "bit for bit" in out


def test_processor_is_its_model_and_its_widest_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(
        "model name\t: A 1\nflags\t\t: sse4_1 avx avx2\n\nmodel name: B"
    )
    assert environment.processor() == "A 1, avx2"
    (tmp_path / "cpuinfo").unlink()
    assert environment.processor()


def test_folder_with_neither_a_row_nor_a_checkpoint_may_begin_as_another_run(tmp_path):
    other = {**CONFIG, "network": "another"}
    for config in (CONFIG, other):
        with contextlib.closing(Run(tmp_path, config)):
            written = json.loads((tmp_path / "config.json").read_text())
            assert written["network"] == config["network"]
    with contextlib.closing(Run(tmp_path, other)) as run:
        run.checkpoint()
        run.log(iteration=5, train_loss=1.0)
    refusal(lambda: Run(tmp_path, CONFIG), "holds a run of another network")


def lasting(iterations, **changes):
    return {**CONFIG, "recipe": {**RECIPE, "iterations": iterations, **changes}}


@pytest.fixture
def ended(tmp_path):
    """The folder of a run of 10 iterations that has ended."""
    with contextlib.closing(Run(tmp_path / "ended", lasting(10))) as run:
        run.checkpoint()
        run.log(iteration=10, train_loss=1.0, test_error=50.0)
        run.save(numbers(10), {"iteration": 10, "diverged": None})
        assert run.finished
    return tmp_path / "ended"


def test_finished_run_goes_on_to_more_iterations_and_config_says_so(ended, capsys):
    more = lasting(30, steps=[15])
    for _ in range(2):  # noted once, though it is stopped before its next checkpoint
        with contextlib.closing(Run(ended, more)) as run:
            assert not run.finished
            assert run.checkpoint()[1]["iteration"] == 10
    assert capsys.readouterr().out.count("goes on to 30") == 1
    config = json.loads((ended / "config.json").read_text())
    assert config["recipe"] == more["recipe"]
    before = {"iterations": 10, "steps": RECIPE["steps"]}
    assert config["continued"] == [
        {"iteration": 10, "recipe": before, "host": CONFIG["host"], "versions": CONFIG["versions"]}
    ]
    refusal(lambda: Run(ended, lasting(10)), "iterations 30, not 10")


def test_nothing_but_its_length_changes_when_a_run_goes_on(ended):
    refusal(lambda: Run(ended, lasting(30, learning_rate=1.0)), "learning_rate")
    refusal(lambda: Run(ended, lasting(9)), "iterations 10, not 9")


def test_run_before_its_end_keeps_its_length(two):
    refusal(lambda: Run(two, lasting(30)), "iterations 24, not 30")


def test_diverged_run_does_not_go_on(ended):
    with contextlib.closing(Run(ended, lasting(10))) as run:
        run.checkpoint()
        run.save(numbers(10), {"iteration": 10, "diverged": 10})
    refusal(lambda: Run(ended, lasting(30)), "iterations 10, not 30")


def test_run_from_before_widths_goes_on(two):
    assert "widths" not in CONFIG["recipe"]
    recipe = {**RECIPE, "widths": None, "activation_args": None}
    with contextlib.closing(Run(two, {**CONFIG, "recipe": recipe})) as run:
        assert run.checkpoint()[1]["iteration"] == 10
    refusal(
        lambda: Run(two, {**CONFIG, "recipe": {**recipe, "widths": [32, 64, 128]}}),
        "holds a run with widths null, not [32, 64, 128]",
    )
