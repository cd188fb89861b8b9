"""A run folder is compared with the command, and files that no run has written are kept."""

import json
import os
import shutil
import subprocess

import mxnet as mx
import pytest
from conftest import refusal
from made_runs import CONFIG, RECIPE, numbers, resumed

from common import environment
from common.environment import without_notes
from symbols import get_symbol
from training import checkpoint, state
from training.log import HEADER
from training.optimizer import optimizer
from training.recipe import Recipe
from training.run import Run
from training.source import fingerprint, source


def with_recipe(**changes):
    return {**CONFIG, "recipe": {**RECIPE, **changes}}


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def without_checkpoints(folder):
    for path in checkpoint.paths(folder):
        shutil.rmtree(path)


def test_lock_of_a_dead_process_is_no_obstacle_and_a_living_one_is_named(two):
    (two / ".lock").write_text("process 1 on nowhere")
    with Run(two, CONFIG):
        holder = f"process {os.getpid()} on {os.uname().nodename}"
        refusal(lambda: Run(two, CONFIG), holder, "--output")
    resumed(two)


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
def test_config_that_no_run_has_written_is_refused(two, content):
    (two / "config.json").write_bytes(content)
    refusal(lambda: resumed(two), "config.json", "--output")


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.2}, {"seed": "0"}, {"momentum": None}, {"steps": []}]
)
def test_config_edited_together_with_the_command_does_not_mix_two_recipes(two, change):
    edited = {**CONFIG, "recipe": {**RECIPE, **change}}
    (two / "config.json").write_text(json.dumps(edited))
    refusal(lambda: resumed(two, edited), "config.json was edited", *change)
    refusal(lambda: resumed(two), "contains a run with", *change)


def test_versions_and_host_that_change_are_recorded_once(two, capsys):
    host = {**CONFIG["host"], "processor": "Other, sse4_1"}
    for _ in range(2):
        resumed(two, {**CONFIG, "versions": {"commit": "b"}, "host": host})
    config = config_of(two)
    assert config["versions"] == CONFIG["versions"]
    assert config["continued"] == [{"iteration": 10, "versions": {"commit": "b"}, "host": host}]
    out = capsys.readouterr().out
    assert out.count("changed since: commit, processor") == 1 and "bit for bit" in out


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


def test_network_is_recognized_by_its_graph():
    assert fingerprint(get_symbol(20)) == fingerprint(get_symbol(20))
    assert fingerprint(get_symbol(20)) != fingerprint(get_symbol(20, "preact"))


def trained(folder, config):
    with Run(folder, config) as run:
        run.resume()
        run.log(iteration=5, train_loss=1.0)
        run.save(numbers(5), {"iteration": 5})


def test_classes_with_other_names_are_refused(tmp_path):
    trained(tmp_path, {**CONFIG, "classes": ["cat", "dog"]})
    other = {**CONFIG, "classes": ["dog", "cat"]}
    refusal(lambda: resumed(tmp_path, other), "classes are cat, dog, not dog, cat")
    resumed(tmp_path, {**CONFIG, "classes": []})  # unknown


def test_initial_weights_are_recognized_where_they_were_moved(tmp_path):
    trained(tmp_path, {**with_recipe(initial="/a/run"), "initial_sha256": "1"})
    moved = {**with_recipe(initial="/b/run"), "initial_sha256": "1"}
    resumed(tmp_path, moved)
    for sha256 in ("2", None):
        refusal(lambda: resumed(tmp_path, {**moved, "initial_sha256": sha256}), "initial")  # noqa: B023


# ---- without config.json


@pytest.mark.parametrize("change", [{"seed": 5}, {"iterations": 25}])
def test_lost_config_is_not_replaced_by_that_of_another_recipe(two, change):
    (two / "config.json").unlink()
    refused = ["config.json is missing", "checkpoint-0000010", *change]
    refusal(lambda: resumed(two, with_recipe(**change)), *refused)
    assert not (two / "config.json").exists()


def test_lost_config_comes_back_from_the_checkpoint(two):
    before = config_of(two)
    (two / "config.json").unlink()
    resumed(two)
    assert config_of(two) == before


def test_log_without_config_and_checkpoint_is_refused_and_stays(two):
    without_checkpoints(two)
    (two / "config.json").unlink()
    before = (two / "log.csv").read_bytes()
    refusal(lambda: resumed(two), "log.csv exists without a config.json", "--output")
    assert (two / "log.csv").read_bytes() == before and not (two / "config.json").exists()


# ---- files that no run has written


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
    refusal(lambda: resumed(tmp_path), tmp_path / name, "--output")
    assert (tmp_path / name).read_bytes() == content and not (tmp_path / "config.json").exists()


@pytest.mark.parametrize(
    "encoded", [lambda text: text.replace(",", ";").encode(), lambda text: text.encode("utf-8-sig")]
)
def test_log_that_a_spreadsheet_saved_is_not_overwritten(two, encoded):
    without_checkpoints(two)
    content = encoded((two / "log.csv").read_text())
    (two / "log.csv").write_bytes(content)
    refusal(lambda: resumed(two), "has a log but no checkpoint")
    refusal(lambda: resumed(two, with_recipe(seed=5)), "contains a run with seed 0, not 5")
    assert (two / "log.csv").read_bytes() == content


def test_folder_with_neither_a_row_nor_a_checkpoint_may_become_another_run(tmp_path):
    other = {**CONFIG, "network": "another"}
    for config in (CONFIG, other):
        resumed(tmp_path, config)
        assert config_of(tmp_path)["network"] == config["network"]
    with Run(tmp_path, other) as run:
        run.resume()
        run.log(iteration=5, train_loss=1.0)
    refusal(lambda: resumed(tmp_path), "contains a run of another network")


# ---- momenta


@pytest.fixture
def restored(request):
    """restored(keys, iteration): restores a linear layer with momenta under these keys."""
    fc = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    symbol = mx.sym.SoftmaxOutput(fc, name="softmax")
    devices = getattr(request, "param", 1)
    module = mx.mod.Module(symbol, context=[mx.cpu(k) for k in range(devices)])
    with without_notes():
        module.bind([("data", (4, 3))], [("softmax_label", (4,))])
        module.init_params()
        module.init_optimizer("local", optimizer(Recipe(batch_size=4), symbol))

    def restore(keys, iteration):
        state.restore(module, {f"momentum:{key}": mx.nd.zeros(1) for key in keys}, iteration)

    restore.module = module
    return restore


def test_checkpoint_at_zero_has_no_momenta_yet(restored):
    restored([], 0)


@pytest.mark.parametrize(
    "keys, words",
    [
        ([], "lacks the momentum '0'"),
        (["0"], "lacks the momentum '1'"),
        (["0", "1", "2"], "unknown key '2'"),
        (["fc_bias", "fc_weight"], "lacks the momentum '0'"),
    ],
)
def test_checkpoint_with_other_momenta_is_refused_by_name(restored, keys, words):
    refusal(lambda: restored(keys, 10), words, "iteration 10", "move")


@pytest.mark.parametrize("restored", [1, 2], indirect=True, ids=["1 device", "2 devices"])
def test_momenta_have_the_keys_that_are_expected_of_them(restored):
    module = restored.module
    module.forward_backward(mx.io.DataBatch([mx.nd.ones((4, 3))], [mx.nd.zeros(4)]))
    module.update()
    restored([str(key) for key in state._states(module)], 10)


def test_processor_is_its_model_and_its_widest_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(
        "model name\t: A 1\nflags\t\t: sse4_1 avx avx2\n\nmodel name: B"
    )
    assert environment.processor() == "A 1, avx2"
    (tmp_path / "cpuinfo").unlink()
    assert environment.processor()


# ---- extended runs


@pytest.fixture
def ended(tmp_path):
    """The folder of a finished run of 10 iterations."""
    with Run(tmp_path / "ended", with_recipe(iterations=10)) as run:
        run.resume()
        run.log(iteration=10, train_loss=1.0, test_error=50.0)
        run.save(numbers(10), {"iteration": 10, "diverged": None})
        assert run.finished
    return tmp_path / "ended"


def test_finished_run_is_extended_and_config_records_it_once(ended, capsys):
    longer = with_recipe(iterations=30, steps=[15])
    for _ in range(2):  # stopped before its next checkpoint
        with Run(ended, longer) as run:
            assert run.resume()[1]["iteration"] == 10
            assert not run.finished
    assert capsys.readouterr().out.count("is extended to 30") == 1
    config = config_of(ended)
    assert config["recipe"] == longer["recipe"]
    before = {"iterations": 10, "steps": RECIPE["steps"]}
    assert config["continued"] == [
        {"iteration": 10, "recipe": before, "host": CONFIG["host"], "versions": CONFIG["versions"]}
    ]
    refusal(lambda: resumed(ended, with_recipe(iterations=10)), "iterations 30, not 10")


def test_only_the_length_of_a_finished_run_changes(ended, two):
    refusal(lambda: resumed(ended, with_recipe(iterations=30, learning_rate=1.0)), "learning_rate")
    refusal(lambda: resumed(ended, with_recipe(iterations=9)), "iterations 10, not 9")
    refusal(lambda: resumed(two, with_recipe(iterations=30)), "iterations 24, not 30")


def test_diverged_run_is_not_extended(ended):
    with Run(ended, with_recipe(iterations=10)) as run:
        run.resume()
        run.save(numbers(10), {"iteration": 10, "diverged": 10})
    refusal(lambda: resumed(ended, with_recipe(iterations=30)), "iterations 10, not 30")
