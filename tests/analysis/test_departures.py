"""Without departures the network is the paper's; with all of them it is the notes'."""

import dataclasses
import json

import numpy as np
import pytest
from conftest import refused, run_here, scored
from modules import first_step

from analysis import departures, networks
from common import files
from paper import run_files
from paper.scales import SCALES
from symbols import get_symbol, notes
from training.optimizer import decay_multipliers

IMAGES = (4, 3, 16, 16)


def test_without_a_departure_it_is_the_papers_network_bit_for_bit():
    ours = first_step(notes.get_symbol(2, departures=()), IMAGES, 50)
    papers = first_step(get_symbol(14, "preact"), IMAGES, 50)
    for ours_part, papers_part in zip(ours, papers):
        assert ours_part.keys() == papers_part.keys()
        for name, array in ours_part.items():
            assert np.array_equal(array, papers_part[name]), name


@pytest.mark.parametrize("name", notes.DEPARTURES)
def test_departure_alone_changes_the_network(name):
    symbol = notes.get_symbol(1, departures=[name])
    paper = notes.get_symbol(1, departures=())
    assert symbol.tojson() != paper.tojson()
    assert len(symbol.infer_shape(data=IMAGES)[1]) == 1  # it also works at 16x16
    assert (decay_multipliers(symbol, "weights") != decay_multipliers(paper, "weights")) == (
        name in ("projection", "stem", "biases", "decay")
    )


@pytest.fixture
def trains(images, tmp_path, monkeypatch):
    """trains(*words) -> (exit code, output, errors) of analysis.departures, with small runs."""
    monkeypatch.setattr(files, "RUNS", tmp_path)
    monkeypatch.setattr(departures, "UNITS", 1)
    monkeypatch.setattr(departures, "DEPTH", 8)
    recipe = SCALES["demo"].recipe.lasting(2, batch_size=10)
    monkeypatch.setitem(SCALES, "demo", dataclasses.replace(SCALES["demo"], recipe=recipe))
    place = ("--scale", "demo", "--data-dir", images)
    return lambda *words: run_here(*words, *place, main=departures.main)


def test_each_run_departs_in_one_thing_and_is_tested(trains, images, tmp_path, monkeypatch):
    assert trains("none", "constant", "biases")[0] == 0
    for name in ("none", "biases"):
        run = tmp_path / "demo" / f"cifar10-preact8-notes-{name}" / "seed0"
        assert scored(monkeypatch, run, "--data-dir", images) == 0
        assert (run / "network-symbol.json").exists()
    recipes = {}
    for name in ("none", "constant", "biases"):
        folder = tmp_path / "demo" / f"cifar10-preact8-notes-{name}" / "seed0"
        config = json.loads((folder / "config.json").read_text())
        recipes[name] = config["recipe"]
        assert config["recipe"].pop("departure") == name
        label = f"8, pre-activation, the notes' {name} (yours)"
        assert run_files.label(run_files.read(folder)) == label
        assert (config["parameters"]["other"] > 0) == (name == "biases")
    assert recipes["biases"] == recipes["none"]
    assert recipes["constant"] == {**recipes["none"], "steps": [], "warmup_iterations": 0}


def test_run_with_a_departure_is_not_taken_for_the_papers_network(trains, tmp_path):
    assert trains("epsilon")[0] == 0
    folder = tmp_path / "demo" / "cifar10-preact8-notes-epsilon" / "seed0"
    expected = notes.get_symbol(1, departures=["epsilon"])
    assert networks.of_run(folder).symbol.tojson() == expected.tojson()


def test_unknown_departure_and_one_folder_for_several_are_refused(trains):
    assert refused(trains("strid"), "choose from none, stride, projection")
    assert refused(trains("stem", "nag", "--output", "runs/x"), "name one departure")
