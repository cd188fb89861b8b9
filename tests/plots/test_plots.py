"""Figures are drawn from what is sound, and say what is not."""

import math

import matplotlib.image
import pytest
from drawn_runs import CONFIG, rows

from common import files
from common.errors import UserError
from paper import experiments, run_files
from plots import curves, figure_files, scales, series, styles
from training.recipe import CIFAR


def test_curve_is_a_picture(run, tmp_path):
    curves.draw(
        [
            run_files.read(run(rows(400))),
            run_files.read(
                run(
                    rows(400, 80),
                    activation="original",
                    shortcut="dropout",
                    shortcut_args={"ratio": 0.5},
                )
            ),
        ],
        tmp_path / "a.png",
    )
    assert matplotlib.image.imread(tmp_path / "a.png").std() > 0.01


def test_diverged_run_is_drawn(run, tmp_path):
    end = dict(
        iteration=400,
        epoch=1,
        learning_rate=0.1,
        train_loss=math.nan,
        train_error=90,
        test_loss=math.nan,
        test_error=90.0,
        images_per_second=1,
        seconds=1,
    )
    folder = run([*rows(300), end])
    curves.draw([run_files.read(folder)], tmp_path / "a.png")
    assert (
        run_files.is_whole(run_files.read(folder))
        and run_files.last_error(run_files.read(folder)) == 90
    )


def test_row_that_was_cut_off_is_left_out_with_the_command_that_goes_on(run, capsys):
    folder = run(rows(400))
    with open(folder / "log.csv", "a") as log:
        log.write("500,2.1,0.")
    assert run_files.read(folder).rows[-1]["iteration"] == 400
    out = capsys.readouterr().out
    assert (
        out.startswith("left out: 1 damaged row of ")
        and "python train_cifar.py --depth 20" in out
        and out.count("\n") == 1
    )
    run_files.read(run(rows(400)))
    assert not capsys.readouterr().out


def test_run_without_rows_is_refused_with_its_command(run):
    with pytest.raises(UserError, match="python train_cifar.py --depth 20"):
        run_files.read(run([]))
    with pytest.raises(UserError, match="holds no run"):
        run_files.read("/nowhere")


def test_unfinished_run_is_called_so(run, tmp_path):
    whole, part = run_files.read(run(rows(400))), run_files.read(run(rows(300)))
    assert run_files.is_whole(whole) and not run_files.is_whole(part)
    part = run_files.Run(
        part.folder, {**part.config, "recipe": {**part.config["recipe"], "depth": 32}}, part.rows
    )
    figure, axes = curves.plt.subplots()
    texts = [
        text.get_text()
        for text in curves.panel(axes, series.group_runs([whole, part])).get_legend().get_texts()
    ]
    assert "unfinished" in texts[1] and "unfinished" not in texts[0]


def test_label_uses_the_papers_words(run):
    def label(**recipe):
        return run_files.label(run_files.read(run(rows(200), **recipe)))

    assert label() == "20, pre-activation (yours)", "it does not lie under results/"
    assert label(activation="original") == "20, original (yours)"
    for recipe, words in [
        (
            dict(activation="original", shortcut="exclusive_gating", shortcut_args={"bias": -6}),
            "exclusive gating (init b=-6)",
        ),
        (dict(activation="original", shortcut="convolution"), "1x1 conv shortcut"),
        (
            dict(
                activation="original",
                shortcut="constant_scaling",
                shortcut_args={"scale": 0.5, "residual_scale": 1},
            ),
            "const scaling (0.5, 1)",
        ),
        (dict(activation="relu_only_preact"), "ReLU-only pre-activation"),
        (dict(activation="my_own"), "my own"),
    ]:
        assert label(**recipe) == f"20, {words} (yours)"


def test_own_and_published_runs_are_named_apart(run, monkeypatch, tmp_path):
    own = run_files.read(run(rows(200)))
    assert run_files.is_own(own)
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    published = run_files.read(own.folder)
    assert not run_files.is_own(published) and run_files.label(published) == "20, pre-activation"


def test_seeds_of_one_network_are_one_curve_its_median_and_band(run):
    members = [
        run_files.read(run(rows(400, error), seed=seed)) for seed, error in enumerate([30, 50, 44])
    ]
    (curve,) = series.group_runs(members)
    points = series.series(curve, "test_error")
    assert list(points.x) == [200, 400] and list(points.median) == [44, 44]
    assert list(points.low) == [30, 30] and list(points.high) == [50, 50]
    assert "error 44.00 %, median of 3" in series.legend_label(curve)


def test_unfinished_seed_does_not_pull_a_finished_curve(run):
    whole, part = run_files.read(run(rows(400, 40))), run_files.read(run(rows(200, 80), seed=1))
    (curve,) = series.group_runs([whole, part])
    assert list(series.series(curve, "test_error").high) == [40, 40]


def test_seed_that_diverged_keeps_its_last_error(run):
    end = dict(rows(200, 90.0)[-1], iteration=200, train_loss=math.nan)
    lost = run_files.read(run([rows(100)[0], end], seed=1))
    (curve,) = series.group_runs([run_files.read(run(rows(400, 40))), lost])
    assert list(series.series(curve, "test_error").high) == [90, 90]


def test_runs_of_other_recipes_are_curves_of_their_own_that_say_so(run):
    pair = [run_files.read(run(rows(400), learning_rate=rate)) for rate in (0.1, 0.05)]
    assert [curve.label for curve in series.group_runs(pair)] == [
        "20, pre-activation (yours), learning rate 0.1",
        "20, pre-activation (yours), learning rate 0.05",
    ]


def test_seed_of_another_version_joins_its_network(run):
    # the fixture's config.json has none of today's optional options
    old = run_files.read(run(rows(400, 30)))
    new = run_files.read(run(rows(400, 40), **{**CIFAR.settings(), **CONFIG["recipe"], "seed": 1}))
    (curve,) = series.group_runs([old, new])
    assert curve.label == "20, pre-activation (yours)" and len(curve.runs) == 2


def test_first_test_is_marked(run):
    figure, axes = curves.plt.subplots()
    right = curves.panel(axes, series.group_runs([run_files.read(run(rows(200)))]))
    (line,) = right.lines
    assert len(line.get_xdata()) == 1 and line.get_markevery() == 1


def test_axes_fit_the_curves_below_full_scale_and_are_the_papers_at_it(run):
    low, high = run_files.read(run(rows(400, 40.0))), run_files.read(run(rows(400, 60.0), seed=1))
    fitted = scales.limits(series.group_runs([low, high]))
    assert 30 < fitted.error[0] < 40 and 60 < fitted.error[1] < 70 and not fitted.papers
    assert 0.1 < fitted.loss[0] < 0.25 and 1 < fitted.loss[1] < 1.5
    assert scales.log_ticks(0.002, 2) == [0.01, 0.1, 1]


@pytest.mark.parametrize("low, high", [(1.2, 2.3), (1.75, 2.3), (2.2, 2.5), (2.1, 2.12)])
def test_axis_of_losses_has_three_ticks_however_narrow_it_is(low, high):
    ticks = scales.log_ticks(low, high)
    assert len(ticks) > 2 and low <= min(ticks) <= max(ticks) <= high


def test_plain_net_has_one_colour_beside_whatever_it_stands():
    plain, scaled = (
        dict(activation="original", shortcut=name) for name in ("plain", "constant_scaling")
    )
    assert styles.styles([plain, scaled])[0][0] == styles.styles([scaled, plain])[1][0]
    assert styles.styles([plain, scaled])[1][0] == styles.styles([scaled, plain])[0][0]


def test_depth_has_one_colour_on_both_sides():
    assert styles.of_depths([20, 56]) == styles.of_depths([20, 56, 20])[:2]
    assert len(set(styles.of_depths([14, 20, 26, 56]))) == 4


def test_caption_says_data_recipe_type_seeds_and_machine(run):
    runs_here = [run_files.read(run(rows(200), seed=seed, dtype="bfloat16")) for seed in (0, 1)]
    source = figure_files.source(runs_here)
    for words in (
        "generated shapes",
        "own recipe",
        "seeds 0, 1",
        "CPU x 1 (2 cores)",
        "batch 128",
        "16 pixels",
        "bfloat16",
        "median of its seeds",
    ):
        assert words in source
    assert "pocket" not in source, "400 iterations are not that scale's recipe"


def test_caption_names_the_scale_whose_recipe_the_runs_have(results):
    original = experiments.ORIGINAL110
    results(original, [40])
    assert "scale pocket" in figure_files.source(run_files.of(original, "pocket"))


def test_figures_of_different_runs_have_different_names():
    paths = [
        figure_files.figure_path(files.RESULTS / name)
        for name in ("full/a/seed0", "full/a/seed1", "pocket/a/seed0", "full/b/seed0")
    ]
    assert len(set(paths)) == 4 and paths[0] == files.FIGURES / "a.png"
