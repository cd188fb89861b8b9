"""Missing runs of a table or figure are planned, trained several at once, and drawn."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from threading import Thread
from types import SimpleNamespace

import matplotlib.image
import pytest
import small_scale
from commands import wait_until
from conftest import refusal

import reproduce
from common import data_names, files
from paper import experiments, scales
from paper.planned_run import Images
from training import processes
from training.log import read_log

NAMES = ("cifar10-original11", "cifar10-preact11")


@pytest.fixture
def figure1(images, tmp_path, monkeypatch):
    """figure1(*options): the exit code of reproduce.py for Figure 1, with 11 layers for 1001, in a
    folder of the test.
    """
    for place in ("RESULTS", "RUNS", "FIGURES"):
        monkeypatch.setattr(files, place, tmp_path / place.lower())
    monkeypatch.setitem(scales.SCALES, "demo", small_scale.scale(images))
    # the runs are other processes
    code = (
        "import sys; sys.path.insert(0, 'tests/helpers'); import small_scale; "
        f"small_scale.train({str(images)!r})"
    )
    monkeypatch.setattr(processes, "TRAIN", ["-c", code])

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["reproduce.py", "figure1", "--scale", "demo", *arguments])
        return reproduce.main()

    return call


def last_iteration(folder, name, seed=0):
    return read_log(folder / "demo" / name / f"seed{seed}")[-1]["iteration"]


def test_figure_is_trained_drawn_and_not_trained_again(figure1, tmp_path, capsys):
    assert not figure1("--jobs", "2")
    out = capsys.readouterr().out
    assert "2 runs, 2 at once" in out and "MB" in out and "FAILED" not in out
    for name in NAMES:
        assert f"ends: demo {name} seed 0" in out
        assert last_iteration(files.RUNS, name) == 20
    assert matplotlib.image.imread(files.FIGURES / "demo-figure1.png").std() > 0.01
    assert not figure1("--jobs", "2") and "at once" not in capsys.readouterr().out
    for name in NAMES:  # a seed on other images is not trained again
        copy = shutil.copytree(files.RUNS / "demo" / name / "seed0", tmp_path / name / "seed1")
        config = (copy / "config.json").read_text().replace('"seed": 0', '"seed": 1')
        (copy / "config.json").write_text(config.replace("generated shapes", "others"))
        shutil.move(str(copy), str(files.RUNS / "demo" / name))
    assert not figure1("--seeds", "0,1") and "at once" not in capsys.readouterr().out


def test_published_runs_are_shown_before_the_rest_is_trained(monkeypatch, tmp_path, capsys):
    shown = []

    def complete(runs, trainer, arguments):
        shown.append((len(runs), capsys.readouterr().out))

    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr(files, "RUNS", tmp_path)
    monkeypatch.setattr(reproduce, "complete", complete)
    words = ["reproduce.py", "table2", "--scale", "desk", "--seeds", "9"]  # no run has this seed
    monkeypatch.setattr(sys, "argv", words)
    assert not reproduce.main()
    jobs, before = shown.pop()
    assert jobs == len(experiments.TABLES["table2"]) and not shown
    assert "full pre-activation" in before and "desk-table2.png" in before


@pytest.mark.parametrize(
    "seeds, folder, data, missing",
    [
        ("0", None, "test data", []),
        ("0,1", None, "test data", [0, 1]),
        ("0,1", None, data_names.CIFAR10_JPEG, [0, 1]),
        ("0,1", None, data_names.CIFAR10_NEARLY, [1]),
        ("0", "own", "test data", [0]),
        ("0", "own", data_names.CIFAR10_NEARLY, []),
    ],
)
def test_published_runs_on_other_images_count_only_for_a_complete_row(
    results, monkeypatch, seeds, folder, data, missing
):
    original = experiments.ORIGINAL110
    results(original, [30], data=data)
    images = Images(data_names.CIFAR10, "fingerprint")
    monkeypatch.setattr(reproduce, "images_of", lambda dataset, arguments: images)
    words = ["table1", "--scale", "pocket", "--seeds", seeds]
    arguments = reproduce.parser().parse_args(words)
    arguments.data_dir = folder
    runs = reproduce.missing([original], arguments.seeds, arguments)
    assert [run.seed for run in runs] == missing
    assert all(files.RUNS in run.folder.parents for run in runs)


def test_incomplete_set_is_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    folder = tmp_path / "data" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "test_batch.bin").write_bytes(b"")
    arguments = reproduce.parser().parse_args(["table1"])
    assert reproduce.images_of("cifar10", arguments) == Images(data_names.CIFAR10, "")


def test_own_run_on_other_images_than_those_named_is_refused(results, monkeypatch):
    original = experiments.ORIGINAL110
    results(original, [30])
    place = files.run_place("pocket", original.at("pocket").folder_name, 0)
    shutil.copytree(files.RESULTS / place, files.RUNS / place)
    images = Images("test data", "fingerprint")  # sets of a user can share a name
    monkeypatch.setattr(reproduce, "images_of", lambda dataset, arguments: images)
    arguments = reproduce.parser().parse_args(["table1", "--scale", "pocket", "--data-dir", "own"])
    words = (str(place), "was trained on test data", "DATA=")
    refusal(lambda: reproduce.missing([original], [0], arguments), *words)


def test_missing_seed_is_not_trained_on_other_images_than_the_users_first(results, monkeypatch):
    original = experiments.ORIGINAL110
    results(original, [30])
    place = files.run_place("pocket", original.at("pocket").folder_name, 0)
    (files.RUNS / place).parent.mkdir(parents=True)
    shutil.move(files.RESULTS / place, files.RUNS / place)
    images = Images(data_names.CIFAR10, "")
    monkeypatch.setattr(reproduce, "images_of", lambda dataset, arguments: images)
    arguments = reproduce.parser().parse_args(["table1", "--scale", "pocket"])
    assert reproduce.missing([original], [0], arguments) == []
    words = (str(place), "was trained on test data, not on CIFAR-10", "--data-dir")
    refusal(lambda: reproduce.missing([original], [0, 1], arguments), *words)


@pytest.mark.parametrize("is_early", [False, True], ids=["while they train", "while they begin"])
def test_signal_reaches_all_runs_that_train_at_once(monkeypatch, tmp_path, capsys, is_early):
    code = f"""
import os, time
open({str(tmp_path)!r} + f"/begun-{{os.getpid()}}", "w").close()
time.sleep(100)
open({str(tmp_path)!r} + "/not stopped", "w").close()
"""
    monkeypatch.setattr(processes, "TRAIN", ["-c", code])
    arguments = reproduce.parser().parse_args(["table1", "--jobs", "2"])
    trainer = processes.Trainer(arguments)
    runs = [SimpleNamespace(folder=tmp_path / f"{i}", options=[]) for i in range(3)]
    begin = subprocess.Popen

    def popen(*words, **options):
        process = begin(*words, **options)
        if is_early:  # the signal arrives before the process is among those that train
            trainer.stopped = True
        return process

    def stop():
        wait_until(lambda: len(list(tmp_path.glob("begun*"))) == 2)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(processes.subprocess, "Popen", popen)
    if not is_early:
        Thread(target=stop, daemon=True).start()
    trainer.train(runs)
    assert trainer.report() == 130 and "re-run the command" in capsys.readouterr().err
    assert not trainer.failed and not (tmp_path / "2").exists()
    assert not (tmp_path / "not stopped").exists()


def test_generated_images_are_for_cifar10_only(figure1, capsys):
    arguments = reproduce.parser().parse_args(["table4", "--scale", "demo"])
    rows = [row.experiment for row in experiments.TABLE4]
    runs = reproduce.missing(rows, [0], arguments)
    assert runs and {run.experiment.dataset for run in runs} == {"cifar10"}
    assert "has images for CIFAR-10 only" in capsys.readouterr().out


def test_run_that_fails_is_named_and_stops_no_other(figure1, capsys):
    (files.RUNS / "demo").mkdir(parents=True)
    (files.RUNS / "demo" / NAMES[0]).write_text("in the way")
    assert figure1("--jobs", "2") == 1
    output = capsys.readouterr()
    assert f"failed: demo {NAMES[0]} seed 0" in output.err
    assert f"FAILED: demo {NAMES[0]}" in output.out
    assert f"ends: demo {NAMES[1]} seed 0" in output.out
    assert (files.FIGURES / "demo-figure1.png").exists()


@pytest.mark.parametrize(
    "options, words",
    [
        (["--gpus", "0,1,2", "--jobs", "2"], "does not divide 3 GPUs"),
        (["--seeds", "a"], "--seeds a"),
        (["--seeds=-1"], "--seeds -1"),
        (["--seeds", f"0,{2**31}"], f"--seeds 0,{2**31}"),
        (["--jobs", "0"], "--jobs: 0 is not a positive integer"),
    ],
)
def test_mistake_is_one_line(figure1, options, words):
    refusal(lambda: figure1(*options), words)


def test_run_of_another_recipe_is_named_before_any_training(figure1):
    assert not figure1("--jobs", "2")
    config = files.RUNS / "demo" / NAMES[1] / "seed0" / "config.json"
    config.write_text(config.read_text().replace('"momentum": 0.9', '"momentum": 0.8'))
    refusal(lambda: figure1("--jobs", "2"), "has momentum 0.8", "move it away")


@pytest.mark.parametrize("words", [["--scale", "desk"], ["--seeds", "3"], ["--gpus", "0"]])
def test_table5_takes_no_options_of_a_training(monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "table5", *words])
    refusal(reproduce.main, "table5 is at full scale and trains nothing")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_process_that_cannot_start_is_a_run_that_fails(figure1, monkeypatch, capsys, jobs):
    def nothing(*_, **__):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(processes, "subprocess", SimpleNamespace(Popen=nothing))
    assert figure1("--jobs", jobs) == 1
    assert capsys.readouterr().err.count("Resource temporarily unavailable") == len(NAMES)


def test_gpus_are_shared_equally_by_the_runs_at_once():
    arguments = SimpleNamespace(jobs=2, gpus=[0, 1, 2, 3])
    assert processes.slots(arguments) == [["--gpus", "0,2"], ["--gpus", "1,3"]]
    arguments.jobs = 3
    refusal(lambda: processes.slots(arguments), "does not divide 4 GPUs")


def test_small_scale_trains_one_run_on_each_core(monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "physical_cores", lambda: 2)
    arguments = reproduce.parser().parse_args(["table1", "--scale", "desk"])
    arguments.jobs = reproduce.default_jobs(arguments)
    assert arguments.jobs == 2
    reproduce.print_plan([], arguments)
    assert "0 runs, 2 at once (one thread each" in capsys.readouterr().out
    arguments.jobs = 1
    reproduce.print_plan([], arguments)
    assert "0 runs, 1 at once:" in capsys.readouterr().out
    for words in (["--scale", "full"], ["--scale", "desk", "--gpus", "0"]):
        assert reproduce.default_jobs(reproduce.parser().parse_args(["table1", *words])) == 1
