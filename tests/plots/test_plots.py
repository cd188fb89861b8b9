"""Curves, legends and axes show the runs as they are."""

import math

import pytest
from drawn_runs import CONFIG, rows

from common import files
from common.errors import UserError
from paper import digitized, run_files
from plots import curves, figure_files, ranges, series
from training.recipe import CIFAR


@pytest.fixture(name="read")
def read_run(run):
    """read(rows, recipe changes): the run of a folder with that log."""
    return lambda log, **recipe: run_files.read(run(log, **recipe))


def legend_of(runs, title=None, width=7):
    """The legend of a panel with some runs."""
    figure, axes = curves.plt.subplots(figsize=(width, 4))
    box = curves.panel(axes, series.group_runs(runs), title).get_legend()
    curves.make_room(figure)
    return box


def lines_of(box):
    return [text.get_text() for text in box.get_texts()]


def test_run_without_rows_is_rejected_with_its_command(run):
    with pytest.raises(UserError, match="python train_cifar.py --depth 20"):
        run_files.read(run([]))
    with pytest.raises(UserError, match="is not a run folder"):
        run_files.read("/nowhere")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "pre-activation"),
        ({"activation": "original"}, "original"),
        ({"activation": "original", "shortcut": "exclusive_gating", "shortcut_args": {"bias": -6}}, "exclusive gating (init b=-6)"),
        ({"activation": "original", "shortcut": "constant_scaling", "shortcut_args": {"scale": 0.5, "residual_scale": 1}}, "const scaling (0.5, 1)"),
        ({"activation": "relu_only_preact", "shortcut": "convolution"}, "ReLU-only pre-activation and 1x1 conv shortcut"),
        ({"activation": "my_own"}, "my own"),
        ({"unit": "basic"}, "pre-activation"),
        ({"unit": "one_layer"}, "pre-activation, one layer units"),
        ({"unit": "basic", "widths": [32, 64]}, "pre-activation, widths 32, 64"),
    ],
)  # fmt: skip
def test_label_uses_the_papers_words(read, monkeypatch, tmp_path, changes, words):
    run = read(rows(200), **changes)
    assert run_files.label(run) == f"20, {words} (yours)"
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    assert run_files.label(run) == f"20, {words}", "published"


def test_seeds_of_one_network_are_one_curve_its_median_and_band(read):
    (curve,) = series.group_runs(
        [read(rows(400, error), seed=seed) for seed, error in enumerate([30, 50, 44])]
    )
    points = series.series(curve, "test_error")
    assert list(points.x) == [200, 400] and list(points.median) == [44, 44]
    assert list(points.low) == [30, 30] and list(points.high) == [50, 50]
    assert list(series.series(curve, "test_error", "fraction").x) == [0.5, 1]
    assert "error 44.00 %, median of 3" in series.legend_label(curve)


def test_repetition_of_a_seed_is_left_out(read, capsys):
    runs = [read(rows(400, error), seed=seed) for seed, error in ((0, 30), (1, 50), (1, 50))]
    (curve,) = series.group_runs(runs)
    assert curve.runs == runs[:2] and "repeats the seed of" in capsys.readouterr().out


def test_curves_with_equal_words_have_their_folders(read):
    curves = series.group_runs([read(rows(200), data=data) for data in ("a", "b")])
    assert [curve.label.endswith(f"({curve.runs[0].folder})") for curve in curves] == [True] * 2


def test_seed_without_a_loss_does_not_end_the_median(read):
    lost = [*rows(200), dict(rows(300)[-1], train_loss=math.nan, test_error=90.0)]
    runs = [read(rows(400), seed=0), read(rows(400), seed=1), read(lost, seed=2)]
    (curve,) = series.group_runs(runs)
    assert list(series.series(curve, "train_loss").median) == [1, 0.5, pytest.approx(1 / 3), 0.25]


def test_unfinished_seeds_are_counted_in_the_legend_and_not_in_the_caption(read):
    runs = [read(rows(400), seed=seed) for seed in (0, 1)] + [read(rows(200), seed=7)]
    (label,) = lines_of(legend_of(runs))
    assert label.endswith("(error 30.00 %, median of 2, 1 more unfinished)")
    assert "seeds 0, 1;" in curves.figure_of(runs).get_supxlabel()


def test_label_names_images_that_are_not_those_of_most_curves(read):
    runs = [read(rows(400), depth=depth) for depth in (20, 32, 56)]
    runs[1].config["data"] = "other data"
    legend = curves.figure_of(runs).axes[1].get_legend()
    labels = [text.split(" (error")[0] for text in lines_of(legend)]
    assert labels == [
        "20, pre-activation (yours)",
        "32, pre-activation (yours), other data",
        "56, pre-activation (yours)",
    ]


DIVERGED = [rows(100)[0], dict(rows(200, 90.0)[-1], train_loss=math.nan)]


@pytest.mark.parametrize("other, highest", [(rows(200, 80), 40), (DIVERGED, 90)])
def test_only_finished_and_diverged_seeds_count(read, other, highest):
    (curve,) = series.group_runs([read(rows(400, 40)), read(other, seed=1)])
    assert list(series.series(curve, "test_error").high) == [highest] * 2


def test_longest_run_is_drawn_if_none_is_finished(read):
    (curve,) = series.group_runs([read(rows(200, 80)), read(rows(300, 40), seed=1)])
    assert list(series.series(curve, "train_loss").high) == [1, 0.5, pytest.approx(1 / 3)]
    label = series.legend_label(curve)
    assert label.endswith("(error 40.00 %, unfinished, the longest of 2)")
    (curve,) = series.group_runs([read(rows(100))])
    assert series.legend_label(curve).endswith("(no test yet, unfinished)")


def test_seed_of_another_version_joins_its_network(read):
    # the fixture's config.json has none of today's optional options
    old = read(rows(400, 30))
    new = read(rows(400, 40), **{**CIFAR.settings(), **CONFIG["recipe"], "workers": 1, "seed": 1})
    (curve,) = series.group_runs([old, new])
    assert curve.label == "20, pre-activation (yours)" and len(curve.runs) == 2


@pytest.mark.parametrize(
    "changes, suffixes",
    [
        ([{}, {"learning_rate": 0.05}], ["learning rate 0.1", "learning rate 0.05"]),
        ([{}, {"optimizer": "adam"}], ["", "optimizer adam"]),
        ([{}, {"validation": True}], ["", "tested on held-out images"]),
        ([{}, {"nesterov": True, "test_every": 7}], ["", "Nesterov momentum"]),
        ([{"steps": [10]}, {"steps": []}], ["steps 10", "steps none"]),
        ([{}, {"widths": [8, 16, 32]}], ["", "widths 8, 16, 32"]),
        ([{}, {"dtype": "bfloat16"}], ["", "dtype bfloat16"]),  # of the same seed
    ],
)
def test_label_names_what_differs_in_plain_words(read, changes, suffixes):
    pair = series.group_runs([read(rows(400), **change) for change in changes])
    name = "20, pre-activation (yours)"
    assert [curve.label for curve in pair] == [
        ", ".join(filter(None, [name, suffix])) for suffix in suffixes
    ]


def test_label_names_how_the_recipe_of_another_network_differs(read):
    changes = [{}, {"depth": 32, "learning_rate": 0.05, "dtype": "bfloat16", "unit": "basic"}]
    pair = series.group_runs([read(rows(400), **change) for change in changes])
    assert [curve.label for curve in pair] == [
        "20, pre-activation (yours), learning rate 0.1",
        "32, pre-activation (yours), learning rate 0.05",
    ]


@pytest.mark.parametrize("width", [4, 7, 10])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_legend_of_any_length_fits_its_figure(read, width, count):
    long = "a_shortcut_with_a_very_long_name_that_somebody_has_chosen_for_it" * 2
    runs = [read(rows(400), shortcut=long, depth=8 + 6 * k) for k in range(count)]
    box = legend_of(runs, "A title of many words, with $x_{, that is too long" * 4, width)
    figure = box.figure
    assert box.get_window_extent().width <= figure.bbox.width
    assert figure.get_figheight() > 4 + box.get_window_extent().height / figure.dpi - 0.01
    assert len(box.get_texts()) == count


def test_first_test_on_held_out_images_is_marked(read):
    figure, axes = curves.plt.subplots()
    right = curves.panel(axes, series.group_runs([read(rows(200), validation=True)]))
    (line,) = right.lines
    assert len(line.get_xdata()) == 1 and line.get_markevery() == 1
    assert right.get_ylabel() == "Validation error, % (solid)"


def test_paper_curve_has_gaps_where_it_leaves_the_axis():
    line = digitized.broken([(0, 1.0), (1, 2.0), (2, 3.0), (9, 4.0), (10, 5.0)])
    assert [x for x, y in line if math.isnan(y)] == [5.5] and len(line) == 6
    loss = digitized.read()["1603.05027", "Fig1_right", "pre-act(proposed)"]["train_loss"]
    assert any(math.isnan(y) for x, y in digitized.broken(loss) if x > 50000)
    # 1603.05027, Figure 3(d): below 20 % at 22,000 and 26,000 iterations, above it before and after
    error = digitized.read()["1603.05027", "Fig3d", "variant"]["test_err"]
    assert [x for x, y in digitized.broken(error) if y == 21] == [24000, 28000]


def test_axes_fit_the_curves_below_full_scale(read):
    pair = [read(rows(400, 40.0)), read(rows(400, 60.0), seed=1)]
    loss, error = ranges.limits(series.group_runs(pair))
    assert 30 < error[0] < 40 and 60 < error[1] < 70
    assert 0.1 < loss[0] < 0.25 and 1 < loss[1] < 1.5


@pytest.mark.parametrize("low, high", [(1.2, 2.3), (2.1, 2.12), (0.5, 2.5), (0.2, 2.5), (0.01, 3)])
def test_axis_of_losses_has_some_ticks(low, high):
    figure, axes = curves.plt.subplots(figsize=(4, 2))
    ranges.loss_axis(axes, (low, high))
    assert 3 <= sum(low <= tick <= high for tick in axes.get_yticks()) <= 9


def test_caption_explains_a_band_only_where_the_figure_has_one(read):
    pair = [read(rows(400)), read(rows(400), seed=1)]
    several = [read(rows(400), activation="preact"), read(rows(400), activation="original", seed=1)]
    for runs, has_band in ((pair, True), (several, False)):
        text = curves.figure_of(runs).get_supxlabel()
        assert ("a curve with a band: median" in text) == has_band and "seeds 0, 1" in text


def test_caption_gives_data_recipe_type_seeds_and_machine(read):
    runs = [read(rows(200), seed=seed, dtype="bfloat16") for seed in (0, 1)]
    assert figure_files.source(runs) == (
        "test data; own recipe; 16 pixels square; batch 128; bfloat16; seeds 0, 1; "
        "a CPU (threads: 2)"
    ), "400 iterations are not pocket scale's recipe"


@pytest.mark.parametrize(
    "devices, threads, machine",
    [
        ("CPU x 1", "1", "AMD EPYC (threads: 1)"),
        ("CPU x 2", "1", "AMD EPYC (devices: 2, threads: 1 each)"),
        ("CPU x 1", None, "AMD EPYC (threads: 2)"),
        ("GPU [0, 1]", "2", "GPU [0, 1] (threads: 2)"),
    ],
)
def test_machine_is_processor_devices_and_threads(read, devices, threads, machine):
    run = read(rows(200))
    host = {"processor": "AMD EPYC, avx2", "devices": devices, "OMP_NUM_THREADS": threads}
    run.config["host"].update(host)
    assert run_files.machine(run) == machine
    run.config["continued"] = [
        {"host": run.config["host"]},
        {"host": {**host, "OMP_NUM_THREADS": "9"}},
    ]
    assert run_files.machine(run).startswith(f"{machine}, ")
