"""The experiments are the papers' rows and curves, and each is a command of the training scripts."""

import json

import pytest
from cifar_options import read_options

import train_cifar
import train_imagenet
from common.errors import UserError
from paper import digitized, experiments, scales, search
from plots.named import DRAW, draw
from symbols import constants, names, network_options

TABLES_AND_FIGURES = [*experiments.TABLES, *experiments.FIGURES, experiments.DEPTH]
NETWORKS = [
    experiment
    for name in [*TABLES_AND_FIGURES, experiments.SEARCH]
    for experiment in experiments.experiments_of(name)
]
EVERY = {experiment.folder_name: experiment for experiment in NETWORKS}
CIFAR = {name: experiment for name, experiment in EVERY.items() if experiment.dataset != "imagenet"}
FAIL = experiments.FAIL
# fmt: off
ERRORS = {
    "table1": [6.61, FAIL, FAIL, 12.35, FAIL, 8.70, 9.81, 12.86, 6.91, 12.22, FAIL],
    "table2": [6.61, 8.17, 7.84, 6.71, 6.37, 5.93, 6.50, 6.14, 5.91, 5.46],
    "table3": [9.90, 8.91, 6.61, 6.37, 5.93, 5.46, 7.61, 4.92, 25.16, 24.33, 27.82, 22.71],
    "table4": [6.61, 7.93, 5.46, 4.92, 4.62, 25.16, 27.82, 24.33, 22.71],
    "table5": [23.0, 21.3, 21.1, 21.8, 20.7, 20.1],
}
# fmt: on


@pytest.mark.parametrize("name", ERRORS)
def test_numbers_are_the_papers(name):
    assert [row.paper for row in experiments.TABLES[name]] == ERRORS[name]


@pytest.mark.parametrize("experiment", EVERY.values(), ids=EVERY)
def test_experiment_is_a_command_that_its_script_takes(experiment):
    imagenet = experiment.dataset == "imagenet"
    script = train_imagenet if imagenet else train_cifar
    typed = script.parser().parse_args(experiment.command)
    recipe = (
        train_imagenet.recipe_for(typed, 1281167)
        if imagenet
        else read_options(experiment.command)[1]
    )
    network = network_options.network(typed, names.family(experiment.dataset))
    assert (network.depth, network.unit) == (experiment.depth, experiment.unit)
    defaults = constants("shortcuts", experiment.shortcut, {})
    for constant, value in experiment.constants.items():
        assert value != defaults[constant], "a default constant would rename the run"
    name = network.name(typed.dataset)
    assert experiment.folder_name.startswith(name) and (
        experiment.changes or experiment.folder_name == name
    )
    config = json.loads(json.dumps({**recipe.settings(), **network.settings()}))
    settings = experiment.settings("full")
    assert {option: config[option] for option in settings} == settings


def test_a_row_needs_the_papers_recipe():
    cifar = experiments.ORIGINAL110.settings("full")
    assert cifar["steps"] == [32000, 48000] and cifar["dtype"] == "float32"
    assert (cifar["iterations"], cifar["batch_size"]) == (64000, 128)
    imagenet = experiments.TABLE5[0].experiment.settings("full")
    assert (imagenet["iterations"], imagenet["batch_size"]) == (600547, 256)
    assert imagenet["warmup_iterations"] == 0
    assert [round(step / 600547 * 120) for step in imagenet["steps"]] == [30, 60]


@pytest.mark.parametrize("experiment", CIFAR.values(), ids=CIFAR)
def test_pocket_scale_has_half_the_units_of_deep_networks(experiment):
    def units(depth):
        return names.stages(depth, experiment.unit)[1][0]

    half = experiment.depth in (110, 164, 1202)
    expected = -(-units(experiment.depth) // 2) if half else units(experiment.depth)
    assert units(experiment.at("pocket").depth) == expected


@pytest.mark.parametrize("name", TABLES_AND_FIGURES[:-1])
def test_no_two_networks_of_a_table_become_one(name):
    networks = experiments.experiments_of(name)
    for scale in scales.SCALES:
        # the batch of 64 in Table 4 is the usual one below full scale
        same = name == "table4" and scales.SCALES[scale].recipe.batch_size == 64
        # half of 110 layers are 56, which the figure has, too
        half = name == "degradation" and 110 in scales.SCALES[scale].depths
        names = {network.at(scale).folder_name for network in networks}
        assert len(names) == len(networks) - same - half


def test_different_experiments_have_different_folders():
    assert len(EVERY) == len({json.dumps(experiment) for experiment in NETWORKS})


def test_every_curve_is_digitized():
    for panels in experiments.FIGURES.values():
        for _, curves in panels:
            for curve in curves:
                assert digitized.read()[curve.paper]["test_err"], curve


@pytest.mark.parametrize(
    "curve, last",
    [
        (("1603.05027", "Fig3a", "original"), 6.59),
        (("1603.05027", "Fig3d", "variant"), 12.44),
        (("1603.05027", "Fig6_right", "pre-act(proposed)"), 5.46),
        *(
            (("1512.03385", "Fig6L plain", str(depth)), experiments.PLAIN[depth])
            for depth in (20, 32, 44, 56)
        ),
    ],
)
def test_papers_curves_end_at_the_papers_numbers(curve, last):
    assert max(digitized.read()[curve]["test_err"])[1] == pytest.approx(last, abs=0.06)


def test_unknown_table_is_rejected():
    with pytest.raises(UserError, match="table1"):
        experiments.experiments_of("table6")


def test_command_of_a_row_has_its_scale_and_folder():
    (batch64,) = [row.experiment for row in experiments.TABLE4 if row.experiment.changes]
    assert (
        batch64.target("demo") == "make cifar10-preact29 ARGS='--batch-size 64' "
        "OUTPUT=runs/demo/cifar10-preact29-batch-size=64/seed0 SCALE=demo"
    )
    assert experiments.ORIGINAL110.target() == "make cifar10-original110"


def test_gate_biases_are_the_papers():
    assert list(experiments.GATE_BIAS_SEARCH) == list(range(0, -11, -1))
    for experiment in experiments.GATE_BIAS_SEARCH.values():
        assert experiment.settings("full")["validation"] is True


def test_gate_bias_with_the_least_validation_error_is_trained_again_on_all(
    results, tmp_path, capsys
):
    *searched, last = experiments.GATE_BIAS_SEARCH.items()
    for bias, experiment in searched:
        results(experiment, [40 + abs(bias + 4)], scale="demo")
    assert search.best("demo") is None, "the search is incomplete"
    results(last[1], [90], scale="demo")
    assert search.best("demo") == -4
    best = experiments.gating(-4)
    assert best.constants == {"bias": -4} and "--validation" not in best.command
    results(best, [33], scale="demo")
    draw(experiments.SEARCH, "demo")
    out = capsys.readouterr().out
    assert (
        "best: -4 (the paper: -6); trained again on all training images: test error 33.00 %" in out
    )
    assert (tmp_path / "figures" / "demo-gate-bias-search.png").is_file()


@pytest.mark.parametrize("name", DRAW)
def test_no_run_is_no_error(results, name):
    draw(name, "demo")
