"""A run that starts from other weights uses them, and leaves frozen layers unchanged."""

import json
import shutil

import mxnet as mx
import numpy as np
import pytest
from conftest import SMALL, arrays, refusal, refused, run_here, same

from data import generated
from symbols import get_symbol
from training.batch_norm import with_frozen
from training.initial import frozen_names, read_initial
from training.recipe import Recipe
from training.weights import read, shapes_of


@pytest.fixture(scope="module")
def set_of_ten(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ten classes")
    generated.write(folder, images=1200)
    return folder


@pytest.fixture(scope="module")
def ten(set_of_ten, tmp_path_factory):
    """A run on ten classes."""
    folder = tmp_path_factory.mktemp("runs") / "ten"
    finished("--data-dir", set_of_ten, "--iterations", "20", "--output", folder)
    return folder


@pytest.fixture(scope="module")
def three(set_of_ten, tmp_path_factory):
    """Three of the classes as a user's own set, with four training images each."""
    folder = tmp_path_factory.mktemp("three classes")
    for name, count in (("data_batch_1", 4), ("test_batch", 20)):
        records = np.fromfile(set_of_ten / f"{name}.bin", np.uint8).reshape(-1, 3073)
        selected = [records[records[:, 0] == label][:count] for label in range(3)]
        (folder / f"{name}.bin").write_bytes(np.concatenate(selected).tobytes())
    return folder


def finished(*arguments):
    """Standard output of train_cifar.py with these arguments."""
    code, out, err = run_here(*SMALL, "--image-size", "16", *arguments)
    assert code == 0, err
    return out


def tuned(three, output, *arguments):
    options = "--dataset pictures --batch-size 10 --steps 50 --learning-rate 0.02"
    words = [*options.split(), "--warmup-iterations", "0", "--data-dir", three]
    return finished(*words, *arguments, "--output", output)


def test_frozen_layers_stay_bit_for_bit_and_their_run_is_extended(ten, three, tmp_path):
    # conv1 before them is trained, so that gradients pass through: MXNet moves BN's averages then
    weights = shutil.copytree(ten, tmp_path / "weights")
    options = ["--initial", weights, "--freeze", "bn1,stage1", "--cpus", "2", "--micro-batch", "2"]
    out = tuned(three, tmp_path / "whole", *options, "--iterations", "40")
    assert "parameters unchanged" in out
    tuned(three, tmp_path / "halves", *options, "--iterations", "20")
    shutil.rmtree(weights)  # needed only at the start
    tuned(three, tmp_path / "halves", *options, "--iterations", "40")
    assert same(tmp_path / "whole", tmp_path / "halves")
    before = arrays(ten)
    after = arrays(tmp_path / "whole")
    kept = [name for name in before if name.split(":")[1].startswith(("bn1", "stage1"))]
    assert {name.split(":")[0] for name in kept} == {"arg", "aux0"}
    for name in kept:
        assert before[name].tobytes() == after[name].tobytes(), name
    assert (before["arg:stage2_unit1_conv1_weight"] != after["arg:stage2_unit1_conv1_weight"]).any()
    recipe = json.loads((tmp_path / "whole" / "config.json").read_text())["recipe"]
    assert recipe["initial"] == str(weights)
    assert recipe["freeze"] == "bn1,stage1"


def test_cost_is_that_of_the_frozen_network(ten, train, monkeypatch):
    frozen = []

    class Module(mx.mod.Module):
        def __init__(self, *arguments, fixed_param_names=None, **options):
            super().__init__(*arguments, fixed_param_names=fixed_param_names, **options)
            frozen.extend(fixed_param_names)

    monkeypatch.setattr(mx.mod, "Module", Module)
    code, out, err = train("--initial", ten, "--freeze", "all", "--cost-json")
    assert code == 0 and json.loads(out)["images_per_second"] > 0, err
    assert "stage3_unit1_conv2_weight" in frozen and "fc_weight" not in frozen


def test_weights_of_another_network_are_rejected_before_a_folder_exists(ten, train, tmp_path):
    result = train("--initial", ten, "--output", tmp_path / "run", "--activation", "preact")
    assert refused(result, "another network", "last_bn_beta")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "freeze, words",
    [
        ("stage9", ["'stage9'", "conv1, bn1, stage1"]),
        ("stage", ["'stage'", "begins with stage_"]),
        ("conv1,", ["''"]),
        ("all,fc", ["nothing is left"]),
    ],
)
def test_layers_that_cannot_be_frozen_are_refused(freeze, words):
    refusal(lambda: frozen_names(get_symbol(8), freeze), "--freeze", *words)


def test_classifier_of_classes_with_other_names_is_not_used(ten):
    names = read(ten).class_names
    assert len(names) == 10
    recipe = Recipe(initial=str(ten))
    for same_names in (names, ()):
        weights = read_initial(recipe, get_symbol(8), same_names)
        assert "fc_weight" in weights.arguments and "random" not in weights.words
    other = read_initial(recipe, get_symbol(8), names[::-1])
    assert "fc_weight" not in other.arguments and "random" in other.words
    frozen = Recipe(initial=str(ten), freeze="stage1,fc")
    assert "fc_weight" in read_initial(frozen, get_symbol(8), names).arguments
    refusal(
        lambda: read_initial(frozen, get_symbol(8), names[::-1]),
        "--freeze stage1,fc",
        "leave fc out",
    )


def test_deeper_network_is_not_taken_for_its_beginning(tmp_path):
    deeper = get_symbol(14)
    arrays = {
        f"{'aux' if '_moving_' in name else 'arg'}:{name}": mx.nd.zeros(shape)
        for name, shape in shapes_of(deeper, (1, 3, 8, 8)).items()
    }
    file = tmp_path / "deeper.params"
    mx.nd.save(str(file), arrays)
    recipe = Recipe(initial=str(file))
    refusal(lambda: read_initial(recipe, get_symbol(8)), "another network: its stage1_unit2")
    weights = read_initial(recipe, get_symbol(14, classes=3))
    assert "fc_weight" not in weights.arguments
    assert "fc_weight and fc_bias are random" in weights.words


def test_frozen_parameters_are_those_of_the_layers_that_are_named():
    symbol = get_symbol(110)  # eighteen units a stage
    names = frozen_names(symbol, "stage1_unit1")
    assert names and all(name.startswith("stage1_unit1_") for name in names)
    others = set(symbol.list_arguments()) - set(frozen_names(symbol, "all"))
    assert others == {"data", "softmax_label", "fc_weight", "fc_bias"}
    assert with_frozen(symbol, frozen_names(symbol, None)) is symbol
