"""What a table or figure lacks is planned, trained several at once, and drawn; what fails is named
and stops nothing else.
"""

import os
import sys
from pathlib import Path

import matplotlib.image
import pytest
from conftest import refusal

import reproduce
import train_cifar
from common import files
from common.errors import run_main
from paper import experiments, queue, scales
from training.log import read_log
from training.recipe import CIFAR

NAMES = ("cifar10-original11", "cifar10-preact11")


def small(images):
    """A scale for a second."""
    return scales.Scale(
        CIFAR.lasting(20, image_size=8, batch_size=20, log_every=5, test_every=10),
        {1001: 11},
        Path(images),
    )


def train(images):
    """train_cifar.py, where the demo scale is small."""
    sys.argv[0] = "train_cifar.py"
    scales.SCALES["demo"] = small(images)
    run_main(train_cifar.main)


@pytest.fixture
def figure1(images, tmp_path, monkeypatch):
    """figure1(*options): the exit code of reproduce.py for Figure 1, with 11 layers for 1001, in a
    folder of the test.
    """
    monkeypatch.setattr(files, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(files, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(files, "RUNS", tmp_path / "runs")
    monkeypatch.setitem(scales.SCALES, "demo", small(images))
    # the runs are processes of their own, and have to be told, too
    code = (
        "import sys; sys.path[:0] = ['tests', 'tests/helpers', 'tests/scripts']; import test_reproduce;"
        f" test_reproduce.train({str(images)!r})"
    )
    monkeypatch.setattr(reproduce, "TRAIN", [sys.executable, "-W", "ignore", "-c", code])

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["reproduce.py", "figure1", "--scale", "demo", *arguments])
        return reproduce.main()

    return call


def test_figure_is_trained_drawn_and_not_trained_again(figure1, tmp_path, capsys):
    assert not figure1("--jobs", "2", "--seeds", "0,1")
    out = capsys.readouterr().out
    assert "4 runs, 2 at once" in out and "MB" in out and "FAILED" not in out
    for name in NAMES:
        for seed in (0, 1):
            assert f"ends: demo {name} seed {seed}" in out
            assert (
                read_log(tmp_path / "runs" / "demo" / name / f"seed{seed}")[-1]["iteration"] == 20
            )
    assert matplotlib.image.imread(tmp_path / "figures" / "demo-figure1.png").std() > 0.01
    assert not figure1("--jobs", "2", "--seeds", "0,1") and "at once" not in capsys.readouterr().out


def test_what_is_published_is_shown_before_the_rest_is_trained(monkeypatch, tmp_path, capsys):
    shown = []

    def complete(runs, trainer, slots, arguments):
        shown.append((len(runs), capsys.readouterr().out))

    monkeypatch.setattr(files, "FIGURES", tmp_path)
    monkeypatch.setattr(reproduce, "complete", complete)
    monkeypatch.setattr(
        sys, "argv", ["reproduce.py", "table2", "--scale", "desk", "--seeds", "9"]
    )  # a seed that nobody has
    assert not reproduce.main()
    jobs, before = shown.pop()
    assert jobs == len(experiments.TABLES["table2"]) and not shown
    assert "full pre-activation" in before and "desk-table2.png" in before


def test_seed_on_other_pictures_is_not_trained_again(figure1, tmp_path, capsys):
    assert not figure1("--jobs", "1") and "2 runs, 1 at once" in capsys.readouterr().out
    for name in NAMES:
        path = tmp_path / "runs" / "demo" / name / "seed0" / "config.json"
        path.write_text(path.read_text().replace("generated shapes", "others"))
    assert not figure1("--jobs", "1") and "at once" not in capsys.readouterr().out


def test_run_that_fails_is_named_and_stops_no_other(figure1, tmp_path, capsys):
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    (tmp_path / "runs" / "demo" / NAMES[0]).write_text("in the way")
    assert figure1("--jobs", "2") == 1
    output = capsys.readouterr()
    assert (
        f"failed: demo {NAMES[0]} seed 0" in output.err and f"FAILED: demo {NAMES[0]}" in output.out
    )
    assert f"ends: demo {NAMES[1]} seed 0" in output.out
    assert (tmp_path / "figures" / "demo-figure1.png").exists()


@pytest.mark.parametrize(
    "options, words",
    [
        (["--gpus", "0,1,2", "--jobs", "2"], "--jobs 2 on 3 GPUs"),
        (["--seeds", "a"], "--seeds a"),
        (["--jobs", "0"], "--jobs 0"),
    ],
)
def test_mistake_is_one_line(figure1, options, words):
    refusal(lambda: figure1(*options), words)


def test_published_runs_are_trained_in_their_order_into_their_own_folder(
    figure1, images, tmp_path, monkeypatch, capsys
):
    expected = [
        queue.Planned(experiments.experiment(1001, "preact"), "demo", 1),
        queue.Planned(experiments.experiment(1001), "demo", 0),
    ]
    monkeypatch.setattr(queue, "planned", lambda: expected)
    monkeypatch.setattr(os, "nice", lambda value: None)  # of this process: it would stay
    monkeypatch.setattr(sys, "argv", ["reproduce.py", "queue"])
    assert reproduce.main() == 0
    out = capsys.readouterr().out
    assert (
        out.index(f"demo {NAMES[1]} seed 1") < out.index(f"demo {NAMES[0]} seed 0")
        and "ends " in out
    )
    for name, seed in ((NAMES[1], 1), (NAMES[0], 0)):
        assert read_log(tmp_path / "results" / "demo" / name / f"seed{seed}")[-1]["iteration"] == 20
    assert reproduce.main() == 0 and "all published runs are complete" in capsys.readouterr().out


def test_queue_has_every_row_of_tables_1_and_2():
    order = queue.planned()
    assert len(order) == len({(run.experiment.name, run.scale, run.seed) for run in order})
    assert order[0].scale == "full"
    desk = [run.experiment for run in order if run.scale == "desk" and run.seed == 0]
    rows = experiments.TABLE1 + experiments.TABLE2[:5]
    assert {network.name for network in desk[:15]} == {row.experiment.name for row in rows}
    assert {network.depth for network in desk[15:]} == {20, 56}
    assert [run.experiment.at("pocket").depth for run in order if run.scale == "pocket"] == [
        1001
    ] * 2


def test_small_scale_trains_one_run_on_each_core(monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "physical_cores", lambda: 2)
    arguments = reproduce.parser().parse_args(["table1", "--scale", "desk"])
    arguments.jobs = reproduce.default_jobs(arguments)
    assert arguments.jobs == 2
    reproduce.print_plan([], [[], []], arguments)
    assert "0 runs, 2 at once (with a thread each" in capsys.readouterr().out
    arguments.jobs = 1
    reproduce.print_plan([], [[]], arguments)
    assert "0 runs, 1 at once:" in capsys.readouterr().out
    for words in (["--scale", "full"], ["--scale", "desk", "--gpus", "0"]):
        assert reproduce.default_jobs(reproduce.parser().parse_args(["table1", *words])) == 1
