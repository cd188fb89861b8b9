"""Which runs count for a row of a table, and the cells of the row."""

import json
import math
import os
import re
import shutil
import statistics

import pytest

from common import data_names
from paper import experiments, run_files
from plots import curve_figures, tables

ORIGINAL = experiments.ORIGINAL110
NAME = ORIGINAL.at("pocket").folder_name


def row(scale="pocket"):
    """The row of the original network in Table 1."""
    return tables.rows_of("table1", scale)[0]


@pytest.fixture
def change(results, tmp_path):
    """change(seed, changes): edits the config.json of a seed at pocket scale."""

    def edit(seed=0, **changes):
        path = tmp_path / "results" / "pocket" / NAME / f"seed{seed}" / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def test_row_has_median_mean_deviation_and_count_of_last_iterates(results):
    results(ORIGINAL, [20, 26, 21])
    assert row().paper == "6.61" and row().runs == "3"
    assert row().ours == f"21.00 (22.33 ± {statistics.stdev([20, 26, 21]):.2f})"
    assert row().data == "test data" and row().iterations == "2,400" and row().dtype == "float32"
    assert row().command == "make cifar10-original56 SCALE=pocket"


@pytest.mark.parametrize(
    "log, ours",
    [
        ([(1200, 1.0, 10.0), (2400, 0.5, 30.0)], "30.00"),  # not the best iterate
        ([(1000, 1.0, 10.0)], "unfinished"),
        ([(1600, math.nan, 90.0)], "90.00"),  # diverged
        ([(1200, 1.0, 50.0), (2400, 0.5, math.nan)], "unfinished"),  # corrupt
    ],
)
def test_last_iterate_counts(results, capsys, log, ours):
    results(ORIGINAL, [0], rows=log)
    assert row().ours == ours
    assert ("1 corrupt row" in capsys.readouterr().out) == math.isnan(log[-1][2])


def test_runs_below_a_linked_folder_are_among_all_runs(results, tmp_path):
    results(ORIGINAL, [20])
    scale = tmp_path / "results" / "pocket"
    scale.rename(tmp_path / "elsewhere")
    scale.symlink_to(tmp_path / "elsewhere")
    assert len(run_files.every()) == 1


@pytest.mark.parametrize(
    "scale, dtype, ours",
    [("pocket", "float32", "20.00"), ("full", "bfloat16", "20.00"), ("full", "float16", "")],
)
def test_float32_and_bfloat16_count(results, scale, dtype, ours):
    results(ORIGINAL, [20], scale=scale, dtype=dtype)
    assert row(scale).ours == ours


def move_to_own(tmp_path, seed):
    """Make a published run the user's own."""
    place = f"pocket/{NAME}/seed{seed}"
    (tmp_path / "runs" / place).parent.mkdir(parents=True)
    (tmp_path / "results" / place).rename(tmp_path / "runs" / place)


def test_runs_of_a_user_count_beside_the_published_ones(results, tmp_path):
    results(ORIGINAL, [20, 30])
    move_to_own(tmp_path, 1)
    assert row().runs == "2"


@pytest.mark.parametrize("seed", [3, 0])
def test_own_run_on_other_images_replaces_the_published_ones(results, change, tmp_path, seed):
    results(ORIGINAL, [30] * (seed + 1))
    change(seed, data="own data")
    move_to_own(tmp_path, seed)
    shutil.rmtree(tmp_path / "results")
    results(ORIGINAL, [20, 22, 24])
    assert (row().ours, row().runs, row().data) == ("30.00", "1", "own data")


@pytest.mark.parametrize("seed, ours", [(3, "20.00 (23.33 ± 5.77)"), (0, "25.00 (25.00 ± 7.07)")])
def test_own_run_on_the_downloaded_cifar10_counts_beside_the_published_ones(
    results, change, tmp_path, seed, ours
):
    results(ORIGINAL, [30] * (seed + 1))
    change(seed, data=data_names.CIFAR10)
    move_to_own(tmp_path, seed)
    shutil.rmtree(tmp_path / "results")
    results(ORIGINAL, [20, 20], data=data_names.CIFAR10_NEARLY)
    assert row().ours == ours


def test_unfinished_own_run_on_other_images_replaces_nothing(results, change, tmp_path):
    results(ORIGINAL, [30], rows=[(1000, 1.0, 10.0)])
    change(0, data="own data")
    move_to_own(tmp_path, 0)
    results(ORIGINAL, [20])
    assert (row().ours, row().runs) == ("20.00", "1")


@pytest.mark.parametrize(
    "changes",
    [
        dict(iterations=1200),
        dict(validation=True),
        dict(dtype="float16"),
        dict(steps=[100, 200]),
    ],
)
def test_run_of_another_recipe_does_not_count(results, capsys, changes):
    results(ORIGINAL, [20], **changes)
    assert row().ours == "" and "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    "before, ours", [({"iterations": 100, "steps": [50]}, ""), ({"iterations": 100}, "20.00")]
)
def test_extended_run_counts_only_if_its_schedule_was_always_the_papers(
    results, change, before, ours
):
    results(ORIGINAL, [20])
    change(continued=[{"iteration": 100, "recipe": before}])
    assert row().ours == ours


def test_seed_counts_once(results, tmp_path, capsys):
    results(ORIGINAL, [20])
    folder = tmp_path / "results" / "pocket" / NAME
    shutil.copytree(folder / "seed0", folder / "seed0-copy")
    assert row().runs == "1" and "has the same seed 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    "others, ours", [([2], "25.00 (25.00 ± 7.07)"), ([1, 2], "31.00 (31.00 ± 1.41)")]
)
def test_seeds_on_other_images_than_most_do_not_count(results, change, others, ours):
    results(ORIGINAL, [20, 30, 32])
    for seed in others:
        change(seed, data="other data")
    assert (row().ours, row().runs) == (ours, "2")


def test_run_of_another_network_does_not_count(results, change, capsys):
    results(ORIGINAL, [20])
    change(name="cifar10-plain56")
    assert row().ours == "" and "has name cifar10-plain56" in capsys.readouterr().out


def test_tables_and_figures_name_the_missing_runs(results, capsys):
    results(ORIGINAL, [20])
    tables.draw("table1", "pocket")
    curve_figures.draw("figure3", "pocket")
    out = capsys.readouterr().out
    assert "10 of 11 rows are missing; make table1 SCALE=pocket" in out
    assert "figure3 lacks a complete run: make cifar10-convolution56 SCALE=pocket" in out
    assert re.search(r"original +Fig. 2\(a\) +6.61 +20.00 +1 +float32\n", out)


def test_finished_run_that_is_not_scored_names_the_command_that_scores_it(
    results, tmp_path, capsys
):
    line = experiments.TABLE5[0]
    results(line.experiment, [25], scale="full")
    first = tables.rows_of("table5", "full")[0]
    folder = tmp_path / "results/full/imagenet-original152/seed0"
    assert first.ours == "not scored"
    assert first.command == f"make score RUN={os.path.relpath(folder)} CROP={line.crop}"
    old = {f"{line.crop} at iteration 5": {"top1": 60.0, "iteration": 5}}
    last = {line.crop: {"top1": 23.5, "iteration": 600547}}
    run_files.add_tests(folder / "test.json", {**old, **last})
    assert tables.rows_of("table5", "full")[0].ours == "23.50"
    assert "left out" not in capsys.readouterr().out
