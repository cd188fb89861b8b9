"""The paper's experiments are the paper's, and tables and figures are drawn from whatever runs
there are.
"""

import json
import math
import re
import shutil
import statistics

import matplotlib.image
import pytest

import train_cifar
import train_imagenet
from common import files
from common.errors import UserError
from paper import digitized, experiments, run_files, scales, search, significance
from plots import curve_figures, gate_bias, series, summary, tables
from plots.named import DRAW
from symbols import names, network_options, shortcut_constants

EVERY = {
    each.name: each
    for name in [*experiments.TABLES, *experiments.FIGURES]
    for each in experiments.experiments_of(name)
}
ORIGINAL = experiments.ORIGINAL110.at("pocket").name
EVERY.update({each.name: each for each in experiments.GATE_BIAS_SEARCH})


def test_rows_and_numbers_are_the_papers():
    paper = {name: [row.paper for row in rows] for name, rows in experiments.TABLES.items()}
    fail = experiments.FAIL
    assert paper["table1"] == [6.61, fail, fail, 12.35, fail, 8.70, 9.81, 12.86, 6.91, 12.22, fail]
    assert paper["table2"] == [6.61, 8.17, 7.84, 6.71, 6.37, 5.93, 6.50, 6.14, 5.91, 5.46]
    assert paper["table3"] == [
        9.90,
        8.91,
        6.61,
        6.37,
        5.93,
        5.46,
        7.61,
        4.92,
        25.16,
        24.33,
        27.82,
        22.71,
    ]
    assert paper["table4"] == [6.61, 7.93, 5.46, 4.92, 4.62, 25.16, 27.82, 24.33, 22.71]
    assert paper["table5"] == [23.0, 21.3, 21.1, 21.8, 20.7, 20.1]


@pytest.mark.parametrize("experiment", EVERY.values(), ids=EVERY)
def test_experiment_is_a_command_that_its_script_takes(experiment):
    imagenet = experiment.dataset == "imagenet"
    script = train_imagenet if imagenet else train_cifar
    typed = script.parser().parse_args(experiment.command)
    recipe = (
        train_imagenet.recipe_for(typed, 1281167)
        if imagenet
        else train_cifar.read_options(experiment.command)[1]
    )
    network = network_options.network(typed, "imagenet" if imagenet else "cifar", script.DEPTH)
    assert (network.depth, network.unit) == (experiment.depth, experiment.unit)
    defaults = shortcut_constants(experiment.shortcut, {})
    assert set(experiment.constants) <= set(defaults)
    assert all(
        value != defaults[key] for key, value in experiment.constants.items()
    ), "a default constant would rename the run"
    named = network.name(typed.dataset)
    assert experiment.name.startswith(named) and (experiment.changes or experiment.name == named)
    config = json.loads(json.dumps({**recipe.settings(), **network.settings()}))
    assert {
        option: config[option] for option in experiment.settings("full")
    } == experiment.settings("full")


def test_what_a_row_demands_is_the_papers_recipe():
    cifar = experiments.ORIGINAL110.settings("full")
    assert (cifar["iterations"], cifar["batch_size"], cifar["steps"], cifar["dtype"]) == (
        64000,
        128,
        [32000, 48000],
        "float32",
    )
    imagenet = experiments.TABLE5[0].experiment.settings("full")
    assert (imagenet["iterations"], imagenet["batch_size"], imagenet["warmup_iterations"]) == (
        600547,
        256,
        0,
    )
    assert [round(step / 600547 * 120) for step in imagenet["steps"]] == [30, 60]


def test_runs_of_either_type_count_where_the_scale_takes_the_fastest(results, capsys):
    for dtype in ("float32", "bfloat16"):
        results(experiments.ORIGINAL110, [20], dtype=dtype)
        assert tables.rows_of("table1", "pocket")[0].ours == "20.00", capsys.readouterr().out
        shutil.rmtree(files.RESULTS)
    results(experiments.ORIGINAL110, [20], scale="full", dtype="bfloat16")
    assert tables.rows_of("table1", "full")[0].ours == ""


def test_a_users_own_runs_count_beside_the_published_ones(results, tmp_path):
    results(experiments.ORIGINAL110, [20, 30])
    own = tmp_path / "runs" / "pocket" / ORIGINAL
    own.mkdir(parents=True)
    shutil.move(str(tmp_path / "results" / "pocket" / ORIGINAL / "seed1"), str(own / "seed1"))
    assert tables.rows_of("table1", "pocket")[0].runs == "2"


def test_small_scales_have_fewer_units_of_the_same_kind():
    for name in experiments.TABLES:
        for each in (
            each for each in experiments.experiments_of(name) if each.dataset != "imagenet"
        ):
            units = [
                names.stages(depth, each.unit)[1][0]
                for depth in (each.depth, each.at("pocket").depth)
            ]
            half = -(-units[0] // 2)  # of each of the paper's stages; 1001 layers stay
            assert units[1] == (units[0] if each.depth in (1001, 20) else half)
    preact = experiments.experiment(1001, "preact")
    assert (
        preact.at("full") == preact
        and preact.at("demo").depth == 29
        and preact.at("demo").unit == "bottleneck"
    )
    assert preact.target("demo") == "make cifar10-preact29 UNIT=bottleneck SCALE=demo"
    for name in [
        *experiments.TABLES,
        *experiments.FIGURES,
    ]:  # no two networks of a table become one
        rows = experiments.experiments_of(name)
        assert len({each.at("demo").name for each in rows}) == len(rows)
    assert (
        experiments.depths_note("pocket", "table2") == "56 layers for the paper's 110, 83 for 164"
    )


def test_different_experiments_have_different_folders():
    every = {
        each
        for name in [*experiments.TABLES, *experiments.FIGURES]
        for each in [(e.name, json.dumps(e)) for e in experiments.experiments_of(name)]
    }
    assert len({name for name, _ in every}) == len(every)


def test_every_curve_has_the_papers_own():
    for figure in experiments.FIGURES.values():
        for _, curves in figure:
            for curve in curves:
                assert digitized.read()[curve.paper]["test_err"], curve


def test_papers_curves_end_at_the_papers_numbers():
    # FACTS.md section B: the plots' last values are near the tables'
    for curve, last in [
        (("1603.05027", "Fig3a", "original"), 6.59),
        (("1603.05027", "Fig3d", "variant"), 12.44),
        (("1603.05027", "Fig6_right", "pre-act(proposed)"), 5.46),
    ]:
        assert max(digitized.read()[curve]["test_err"])[1] == pytest.approx(last, abs=0.06)


def test_unknown_table_or_scale_is_refused():
    with pytest.raises(UserError, match="table1"):
        experiments.experiments_of("table6")
    with pytest.raises(UserError, match="full, desk, pocket, demo"):
        scales.scale_named("huge")


def test_table_has_median_mean_deviation_and_count_of_last_iterates(results):
    results(experiments.ORIGINAL110, [20, 26, 21])
    row = tables.rows_of("table1", "pocket")[0]
    assert row.paper == "6.61" and row.runs == "3" and row.scale == "pocket"
    assert row.ours == f"21.00 (22.33 ± {statistics.stdev([20, 26, 21]):.2f})"
    assert row.data == "test data" and row.iterations == "2,400" and row.dtype == "float32"
    assert row.command == "make cifar10-original56 SCALE=pocket"


def test_table_never_takes_the_best_iterate(results):
    results(experiments.ORIGINAL110, [0], rows=[(1200, 1.0, 10.0), (2400, 0.5, 30.0)])
    assert tables.rows_of("table1", "pocket")[0].ours == "30.00"


def test_unfinished_run_gives_no_number(results):
    results(experiments.ORIGINAL110, [0], rows=[(1000, 1.0, 10.0)])
    assert tables.rows_of("table1", "pocket")[0].ours == "unfinished"


def test_diverged_run_is_a_number(results):
    results(experiments.ORIGINAL110, [0], rows=[(1600, math.nan, 90.0)])
    assert tables.rows_of("table1", "pocket")[0].ours == "90.00"


def test_run_of_another_scale_is_not_taken(results):
    results(experiments.ORIGINAL110, [20], scale="demo")
    assert tables.rows_of("table1", "pocket")[0].ours == ""


@pytest.mark.parametrize(
    "changes",
    [
        dict(iterations=1200),
        dict(image_size=32),
        dict(batch_size=128),
        dict(warmup_iterations=20),
        dict(nesterov=True),
        dict(validation=True),
        dict(option="B"),
        dict(dtype="float16"),
        dict(steps=[100, 200]),
    ],
)
def test_run_of_another_recipe_does_not_count(results, capsys, changes):
    results(experiments.ORIGINAL110, [20], **changes)
    assert (
        tables.rows_of("table1", "pocket")[0].ours == "" and "left out" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "before, ours", [({"iterations": 100, "steps": [50]}, ""), ({"iterations": 100}, "20.00")]
)
def test_run_that_went_on_counts_only_if_its_schedule_was_the_papers_throughout(
    results, tmp_path, before, ours
):
    results(experiments.ORIGINAL110, [20])
    path = tmp_path / "results" / "pocket" / ORIGINAL / "seed0" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "continued": [{"iteration": 100, "recipe": before}]}))
    assert tables.rows_of("table1", "pocket")[0].ours == ours


def counted(scale):
    """(ours, runs) of the original network."""
    row = tables.rows_of("table1", scale)[0]
    return row.ours, row.runs


def test_one_seed_counts_once(results, tmp_path, capsys):
    results(experiments.ORIGINAL110, [20])
    folder = tmp_path / "results" / "pocket" / ORIGINAL
    shutil.copytree(folder / "seed0", folder / "seed0-copy")
    assert counted("pocket") == ("20.00", "1") and "seed 0 once more" in capsys.readouterr().out


def test_seeds_on_other_pictures_do_not_count(results, tmp_path):
    results(experiments.ORIGINAL110, [20, 30, 32])
    for seed, line in (
        (2, ("25.00 (25.00 ± 7.07)", "2")),
        (1, ("31.00 (31.00 ± 1.41)", "2")),
    ):  # most of them count
        path = tmp_path / "results" / "pocket" / ORIGINAL / f"seed{seed}" / "config.json"
        path.write_text(path.read_text().replace("test data", "other data"))
        assert counted("pocket") == line


def test_run_of_another_network_does_not_count(results, tmp_path, capsys):
    results(experiments.ORIGINAL110, [20])
    path = tmp_path / "results" / "pocket" / ORIGINAL / "seed0" / "config.json"
    path.write_text(path.read_text().replace(f'"name": "{ORIGINAL}"', '"name": "cifar10-plain56"'))
    assert (
        tables.rows_of("table1", "pocket")[0].ours == ""
        and "has name cifar10-plain56" in capsys.readouterr().out
    )


def test_configuration_that_lacks_what_figures_say_is_left_out(results, tmp_path, capsys):
    results(experiments.ORIGINAL110, [20])
    path = tmp_path / "results" / "pocket" / ORIGINAL / "seed0" / "config.json"
    config = json.loads(path.read_text())
    for lacking in (
        {**config, "host": {}},
        {**config, "recipe": {**config["recipe"], "seed": None, "depth": 56}},
    ):
        path.write_text(json.dumps({key: value for key, value in lacking.items() if key != "name"}))
        assert tables.rows_of("table1", "pocket")[0].ours == ""
    assert "holds no run" in capsys.readouterr().out


def test_error_that_is_no_number_is_a_damaged_row(results, capsys):
    results(experiments.ORIGINAL110, [20], rows=[(1200, 1.0, 50.0), (2400, 0.5, math.nan)])
    assert (
        tables.rows_of("table1", "pocket")[0].ours == "unfinished"
        and "1 damaged row" in capsys.readouterr().out
    )


def test_figure_takes_the_whole_runs(results, tmp_path):
    results(experiments.ORIGINAL110, [20, 30])
    log = tmp_path / "results" / "pocket" / ORIGINAL / "seed0" / "log.csv"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    (curve,) = series.group_runs(run_files.of(experiments.ORIGINAL110, "pocket"))
    assert [run.config["recipe"]["seed"] for run in series.shown(curve)] == [1]


def test_command_of_a_row_says_its_scale_and_folder():
    batch64 = next(row.experiment for row in experiments.TABLE4 if row.experiment.changes)
    assert (
        batch64.target("demo") == "make cifar10-preact29 UNIT=bottleneck ARGS='--batch-size 64' "
        "OUTPUT=runs/demo/cifar10-preact29-batch-size=64/seed0 SCALE=demo"
    )
    assert experiments.ORIGINAL110.target() == "make cifar10-original110"


@pytest.mark.parametrize(
    "scale, verdict", [("full", "no / yes"), ("desk", "no / yes"), ("pocket", "")]
)
def test_failure_is_told_there_and_here_where_the_rule_applies(results, scale, verdict):
    results(experiments.ORIGINAL110, [30, 20.01, 5], scale=scale)
    plain = experiments.TABLE1[1]
    results(plain.experiment, [20], scale=scale)
    rows = tables.rows_of("table1", scale)
    assert rows[0].fails == verdict
    assert rows[1].fails == ("yes / no" if verdict else ""), "20 % itself is no failure"
    assert rows[2].fails == "", "a row without runs says nothing"


@pytest.mark.parametrize("sign, correlation", [(1, 1), (-1, -1)])
def test_rank_correlation_sees_the_order(results, sign, correlation):
    for i, row in enumerate(sorted(experiments.TABLES["table2"][:5], key=lambda row: row.paper)):
        results(row.experiment, [50 + sign * i])
    pairs = significance.measured(experiments.TABLES["table2"][:5], "pocket")
    assert significance.rank_correlation(pairs) == pytest.approx(correlation) and len(pairs) == 5


def test_tables_1_and_2_are_one_list_of_15_networks(results):
    for row in summary.networks():
        folder = files.RESULTS / "pocket" / row.experiment.at("pocket").name
        if not folder.exists():
            results(row.experiment, [50])
    assert len(significance.measured(summary.networks(), "pocket")) == 15
    assert significance.say_order(summary.networks(), "pocket") == "", "all alike is no order"


def test_neighbours_in_the_papers_order_are_compared_by_their_seeds(results):
    errors = {
        "preact": [30, 31, 32],
        "original": [40, 41, 42],
        "relu_only_preact": [40.5],
        "relu_before_addition": [35, 36, 37],
    }
    for row in experiments.TABLES["table2"][:4] + experiments.TABLES["table2"][4:5]:
        if row.experiment.activation in errors:
            results(row.experiment, errors[row.experiment.activation])
    first, second, third = significance.neighbours(experiments.TABLES["table2"][:5], "pocket")
    assert first.difference == pytest.approx(10) and first.counts == (3, 3)
    assert first.error == pytest.approx(math.sqrt(2 / 3)), "Welch's"
    assert first.p == pytest.approx(0.000255, rel=0.01), "four degrees of freedom"
    assert second.error == pytest.approx(math.sqrt(1 + 1 / 3)), "pooled, for one row has one seed"
    assert [
        significance.conclusion(pair.difference, pair.p) for pair in (first, second, third)
    ] == [
        "as in the paper",
        "reversed, not significant",
        "reversed",
    ]


def test_single_seeds_cannot_tell_neighbours_apart(results):
    for row in experiments.TABLE1[:6]:
        results(row.experiment, [30])
    pairs = significance.neighbours(experiments.TABLE1, "pocket")
    assert [(pair.better.paper, pair.worse.paper) for pair in pairs] == [
        (6.61, 8.70),
        (8.70, 12.35),
        *[(12.35, "fail")] * 3,
    ], "failures have no order"
    assert {pair.p for pair in pairs} == {None}
    assert significance.conclusion(1.0, None) == "as in the paper, one run each"


def test_degrees_of_freedom_are_not_rounded():
    # exclusive gating -7 and 1x1 convolution at pocket scale: 2.95 degrees of freedom
    difference, error, p = significance.welch([63.29, 61.75, 63.75], [60.24, 59.72, 60.76])
    assert (difference, error) == pytest.approx((-2.69, 0.67), abs=0.01)
    assert p == pytest.approx(0.03, abs=0.005)


def test_equal_samples_are_not_significant():
    assert significance.welch([30, 30], [30, 30]) == (0, 0, 1)
    assert significance.welch([30, 30], [31, 31]) == (1, 0, 0)
    assert significance.pooled([30], [31], [[30, 30]]) == (1, None, None)


def test_failures_of_the_paper_are_tied(results):
    for row in experiments.TABLE1[:3]:
        results(row.experiment, [50 if row.paper == 6.61 else 90])
    pairs = significance.measured(experiments.TABLE1[:3], "pocket")
    assert significance.rank_correlation(pairs) == pytest.approx(1)


def test_table_is_aligned_text_and_markdown_without_empty_columns():
    table = tables.Table(["network", "", "error, %"], [["a", "", "6.61"], ["bc", "", "fail"]])
    assert table.filled().text().splitlines() == [
        "network  error, %",
        "a        6.61",
        "bc       fail",
    ]
    assert table.filled().markdown() == [
        "| network | error, % |",
        "|---|---:|",
        "| a | 6.61 |",
        "| bc | fail |",
    ]


def test_tables_and_figures_are_drawn_and_say_what_is_missing(results, tmp_path, capsys):
    results(experiments.ORIGINAL110, [20])
    tables.draw("table1", "pocket")
    for name in ("figure3", "figure6"):
        curve_figures.draw(name, "pocket")
    out = capsys.readouterr().out
    assert "10 of 11 rows are missing; make table1 SCALE=pocket" in out
    assert "figure3 lacks a whole run: make cifar10-convolution56 SCALE=pocket" in out
    for name in ("pocket-table1.png", "pocket-figure6.png"):
        assert matplotlib.image.imread(tmp_path / "figures" / name).std() > 0.01
    assert re.search(r"original +Fig. 2\(a\) +6.61 +20.00 +1 +float32\n", out)


def test_papers_curve_lies_behind_ours_and_the_legend_says_so(results, monkeypatch):
    results(experiments.ORIGINAL110, [6.6], scale="full")
    seen = []
    monkeypatch.setattr(
        curve_figures.figure_files, "save", lambda figure, path: seen.append(figure)
    )
    curve_figures.draw("figure6", "full")
    (legend,) = [axes.get_legend() for axes in seen[0].axes if axes.get_legend()][:1]
    assert [text.get_text() for text in legend.get_texts()] == [
        "110, original (error 6.60 %)",
        "light: the paper's own",
    ]
    right = [axes for axes in seen[0].axes if axes.get_legend()][0]
    assert list(right.get_yticks()) == [0, 5, 10, 15, 20]
    results(experiments.ORIGINAL110, [40])
    curve_figures.draw("figure6", "pocket")
    texts = [
        text.get_text()
        for axes in seen[1].axes
        if axes.get_legend()
        for text in axes.get_legend().get_texts()
    ]
    assert texts and not any("light" in text for text in texts)


def test_degradation_has_training_and_test_error_on_one_axis(results, monkeypatch):
    for _, wanted in experiments.FIGURES["degradation"]:
        for curve in wanted:
            results(curve.experiment, [40], scale="full")
    seen = []
    monkeypatch.setattr(
        curve_figures.figure_files, "save", lambda figure, path: seen.append(figure)
    )
    curve_figures.draw("degradation", "full")
    left, right = seen[0].axes
    for axes in (left, right):
        assert axes.get_ylabel() == "Error, %" and len(axes.lines) == 8
    assert [line.get_color() for line in left.lines] == [line.get_color() for line in right.lines]


def test_gate_bias_with_the_least_validation_error_is_trained_again_on_all(
    results, tmp_path, capsys
):
    for each in experiments.GATE_BIAS_SEARCH[:-1]:
        results(each, [40 + abs(search.bias(each) + 4)], scale="demo")
    assert search.best("demo") is None, "a search that is not whole has no best"
    results(experiments.GATE_BIAS_SEARCH[-1], [90], scale="demo")
    best = search.best("demo")
    assert best.constants == {"bias": -4} and best.command[-2:] == [
        "--shortcut-args",
        "bias=-4",
    ], "without --validation"
    results(best, [33], scale="demo")
    gate_bias.draw("gate-bias-search", "demo")
    out = capsys.readouterr().out
    assert "best: -4 (the paper: -6); trained again on all pictures, test error 33.00 %" in out
    assert matplotlib.image.imread(tmp_path / "figures" / "demo-gate-bias-search.png").std() > 0.01


def test_gate_biases_are_the_papers():
    assert [search.bias(each) for each in experiments.GATE_BIAS_SEARCH] == [
        0,
        -1,
        -2,
        -3,
        -4,
        -5,
        -6,
        -7,
        -8,
        -9,
        -10,
    ]
    assert all(each.settings("full")["validation"] is True for each in experiments.GATE_BIAS_SEARCH)


@pytest.mark.parametrize("name", DRAW)
def test_nothing_is_drawn_from_nothing_without_an_error(results, name):
    DRAW[name](name, "demo")
