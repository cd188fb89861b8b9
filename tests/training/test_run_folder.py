"""A run folder is compared with the command, and files that no run has written are kept."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import refusal
from made_runs import CONFIG, RECIPE, numbers, resumed, written

from symbols import get_symbol
from training import checkpoint
from training.configuration import fingerprint, source
from training.log import HEADER
from training.run import Run


def with_recipe(**changes):
    return {**CONFIG, "recipe": {**RECIPE, **changes}}


def test_run_of_another_type_names_the_machine_that_can_resume_it(two):
    refusal(
        lambda: resumed(two, with_recipe(dtype="other")), "on a machine that computes in float32"
    )


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def test_lock_of_a_dead_process_is_no_obstacle_and_a_living_one_is_named(two):
    (two / ".lock").write_text("process 1 on nowhere")
    with Run(two, CONFIG):
        holder = f"process {os.getpid()} on {os.uname().nodename}"
        refusal(lambda: Run(two, CONFIG), holder, "--output")
    resumed(two)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"\xff\xfe\0",
        b"{}",
        b'{"recipe": {}, "network": 1, "data": "", "versions": {}, "host": {}}',
        b"[" * 100000,
    ],
)
def test_config_that_no_run_has_written_is_rejected(two, content):
    (two / "config.json").write_bytes(content)
    refusal(lambda: resumed(two), "config.json", "move it away")


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.2}, {"seed": "0"}, {"momentum": None}, {"steps": []}]
)
def test_config_edited_together_with_the_command_does_not_mix_two_recipes(two, change):
    edited = with_recipe(**change)
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


def git(folder, *words):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    settings = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}  # not the user's
    done = subprocess.run(
        command, cwd=folder, check=True, text=True, capture_output=True, env=settings
    )
    return done.stdout.strip()


def test_source_is_the_commit_and_the_changes_of_its_own_checkout(tmp_path, monkeypatch):
    unknown = {"commit": None, "uncommitted": None}
    assert source(tmp_path) == unknown
    git(tmp_path, "init", "-q")
    (tmp_path / "file.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert source(tmp_path) == {"commit": commit, "uncommitted": []}
    (tmp_path / "file.py").write_text("2")
    for name in ("new.py", "results/log.csv", "unpacked/file.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    changes = ["M file.py", "?? new.py", "?? unpacked/file.py"]
    assert source(tmp_path) == {"commit": commit, "uncommitted": changes}
    assert source(tmp_path / "unpacked") == unknown, "an outer repository is another project's"
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert source(tmp_path / "unpacked") == unknown


def test_network_is_recognized_by_its_graph():
    published = "7b4238233b141346bcf364801344e5d25fa3b08a"  # of the published runs of original20
    assert fingerprint(get_symbol(20)) == published != fingerprint(get_symbol(20, "preact"))


def test_other_number_of_workers_is_refused(tmp_path):
    written(tmp_path, 5, config=with_recipe(workers=2))
    resumed(tmp_path, with_recipe(workers=2))
    refusal(lambda: resumed(tmp_path, with_recipe(workers=3)), "workers 2, not 3")


# ---- without config.json


@pytest.mark.parametrize("change", [{"seed": 5}, {"iterations": 25}])
def test_lost_config_is_not_replaced_by_that_of_another_recipe(two, change):
    (two / "config.json").unlink()
    refused = ["config.json is missing", "checkpoint-0000010", *change]
    refusal(lambda: resumed(two, with_recipe(**change)), *refused)
    assert not (two / "config.json").exists()


def test_lost_config_is_restored_from_the_checkpoint(two):
    before = config_of(two)
    (two / "config.json").unlink()
    resumed(two)
    assert config_of(two) == before


# ---- files that no run has written


@pytest.mark.parametrize(
    "name, content",
    [
        ("log.csv", b"\xef\xbb\xbf" + HEADER.encode()),
        ("log.csv", b"time;value\n1;2\n"),
        (".lock", b"pid=7\n"),
        (".lock", b"\xff\xfe"),
        ("curves.png", b"\x89PNG, of somebody else"),
        ("inputs.json", b"[]"),
    ],
)
def test_foreign_file_is_refused_and_stays(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refusal(lambda: resumed(tmp_path), tmp_path / name, "--output")
    assert (tmp_path / name).read_bytes() == content and not (tmp_path / "config.json").exists()


def test_run_in_a_checkpoint_which_is_deleted_later_is_refused(two):
    newest = checkpoint.paths(two)[-1]
    for folder in (newest, newest / "run"):
        refusal(lambda: resumed(folder), "is in a checkpoint")  # noqa: B023


def test_run_in_a_file_is_refused(two):
    refusal(lambda: resumed(two / "log.csv"), "is a file", "--output")


@pytest.mark.parametrize(
    "encoded", [lambda text: text.replace(",", ";").encode(), lambda text: text.encode("utf-8-sig")]
)
def test_log_saved_by_a_spreadsheet_is_not_overwritten(two, encoded):
    for path in checkpoint.paths(two):
        shutil.rmtree(path)
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
    longer = {**with_recipe(iterations=30, steps=[15]), "command": "python train_cifar.py longer"}
    for _ in range(2):  # stopped before its next checkpoint
        with Run(ended, longer) as run:
            assert run.resume()[1]["iteration"] == 10
            assert not run.finished
    assert capsys.readouterr().out.count("is extended to 30") == 1
    config = config_of(ended)
    assert config["recipe"] == longer["recipe"] and config["command"] == longer["command"]
    before = {"iterations": 10, "steps": RECIPE["steps"]}
    assert config["continued"] == [
        {"iteration": 10, "recipe": before, "host": CONFIG["host"], "versions": CONFIG["versions"]}
    ]
    refusal(lambda: resumed(ended, with_recipe(iterations=10)), "iterations 30, not 10")


def test_command_that_names_no_length_extends_no_run(ended):
    """A short trial would otherwise become the first part of the paper's run."""
    with Run(ended, with_recipe(iterations=30)) as run:
        refusal(lambda: run.resume(is_length_named=False), "10 iterations", "ITERATIONS=")
    with Run(ended, with_recipe(iterations=10)) as run:
        assert run.resume(is_length_named=False)[1]["iteration"] == 10


def test_only_the_length_of_a_finished_run_changes(ended, two):
    refusal(lambda: resumed(ended, with_recipe(iterations=30, learning_rate=1.0)), "learning_rate")
    refusal(lambda: resumed(ended, with_recipe(iterations=9)), "iterations 10, not 9")
    refusal(lambda: resumed(two, with_recipe(iterations=30)), "iterations 24, not 30")


def test_diverged_run_is_not_extended(ended):
    with Run(ended, with_recipe(iterations=10)) as run:
        run.resume()
        run.save(numbers(10), {"iteration": 10, "diverged": 10})
    refusal(lambda: resumed(ended, with_recipe(iterations=30)), "iterations 10, not 30")


def test_intervals_of_rows_and_tests_may_change(ended, two):
    intervals = {"log_every": 7, "test_every": 9}
    resumed(two, with_recipe(**intervals))
    assert {**config_of(two)["recipe"], **intervals} == config_of(two)["recipe"]
    resumed(ended, with_recipe(iterations=10, **intervals))
