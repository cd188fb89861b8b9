"""A run that begins from other weights takes what it says, and leaves what is frozen as it was."""
import json

import mxnet as mx
import numpy as np
import pytest
from conftest import SMALL, arrays, refusal, refused, rows, same, start

from symbols import get_symbol
from training.initial import frozen_names, initial, with_frozen
from training.recipe import Recipe

LONGER = ["--steps", "30", "--warmup-iterations", "0"]


@pytest.fixture(scope="module")
def ten(images, tmp_path_factory):
    """A run of 150 iterations on ten classes."""
    folder = tmp_path_factory.mktemp("runs") / "ten"
    _, err = start("--data-dir", images, *SMALL, "--iterations", "150", "--output", folder).communicate()
    assert (folder / "checkpoint-0000150").is_dir(), err
    return folder


@pytest.fixture(scope="module")
def three(images, tmp_path_factory):
    """The pictures of three classes, as a set of one's own: 10 of each to train on."""
    folder = tmp_path_factory.mktemp("three")
    for name in ("data_batch_1", "test_batch"):
        records = np.fromfile(images / f"{name}.bin", np.uint8).reshape(-1, 3073)
        chosen = [records[records[:, 0] == label][:10] for label in range(3)]
        (folder / f"{name}.bin").write_bytes(np.concatenate(chosen).tobytes())
    return folder


def tuned(three, output, *arguments):
    process = start("--dataset", "pictures", "--data-dir", three, *SMALL, *LONGER, "--output", output, *arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def test_three_classes_from_ten_beat_three_from_scratch(ten, three, tmp_path):
    length = ["--iterations", "100"]
    out = tuned(three, tmp_path / "tuned", *length, "--initial", ten)
    assert "fc_weight and fc_bias begin anew, for 3 classes in place of 10" in out
    tuned(three, tmp_path / "scratch", *length)
    errors = [rows(tmp_path / name)[-1][-1] for name in ("tuned", "scratch")]
    assert errors[0] < errors[1]


def test_frozen_layers_stay_bit_for_bit_and_a_run_with_them_goes_on(ten, three, tmp_path):
    options = ["--initial", ten, "--freeze", "conv1,bn1,stage1", "--cpus", "2", "--micro-batch", "10"]
    out = tuned(three, tmp_path / "whole", *options, "--iterations", "40")
    assert "stay as they are" in out
    tuned(three, tmp_path / "halves", *options, "--iterations", "20")
    tuned(three, tmp_path / "halves", *options, "--iterations", "40")
    assert same(tmp_path / "whole", tmp_path / "halves")
    before = arrays(ten)
    after = arrays(tmp_path / "whole")
    kept = [name for name in before if name.split(":")[1].startswith(("conv1", "bn1", "stage1"))]
    assert {name.split(":")[0] for name in kept} == {"arg", "aux0"}
    for name in kept:
        assert before[name].tobytes() == after[name].tobytes(), name
    assert (before["arg:stage2_unit1_conv1_weight"] != after["arg:stage2_unit1_conv1_weight"]).any()
    recipe = json.loads((tmp_path / "whole" / "config.json").read_text())["recipe"]
    assert recipe["initial"] == str(ten)
    assert recipe["freeze"] == "conv1,bn1,stage1"


def test_what_does_not_fit_is_refused_before_there_is_a_folder(ten, train, tmp_path):
    result = train("--initial", ten, "--output", tmp_path / "run", "--activation", "preact")
    assert refused(result, "another network", "last_bn_beta")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("freeze, words", [
    ("stage9", ["'stage9'", "conv1, bn1, stage1"]), ("conv1,", ["''"]), ("all,fc", ["nothing is left"])])
def test_layers_that_cannot_be_frozen_are_refused(freeze, words):
    refusal(lambda: frozen_names(get_symbol(8), freeze), "--freeze", *words)


def test_random_weights_are_not_frozen():
    refusal(lambda: Recipe(freeze="all"), "--freeze all", "--initial")


def test_same_classes_keep_their_classifier(ten):
    taken = initial(Recipe(initial=str(ten)), get_symbol(8))
    assert "fc_weight" in taken.arguments
    assert "anew" not in taken.words


def test_deeper_network_is_not_taken_for_its_beginning(tmp_path):
    deeper = get_symbol(14)
    arguments, _, states = deeper.infer_shape(data=(1, 3, 8, 8))
    kinds = [("arg", deeper.list_arguments(), arguments), ("aux", deeper.list_auxiliary_states(), states)]
    file = tmp_path / "deeper.params"
    mx.nd.save(str(file), {f"{kind}:{name}": mx.nd.zeros(shape) for kind, names, shapes in kinds
                           for name, shape in zip(names, shapes) if name not in ("data", "softmax_label")})
    refusal(lambda: initial(Recipe(initial=str(file)), get_symbol(8)), "another network", "stage1_unit2")
    taken = initial(Recipe(initial=str(file)), get_symbol(14, classes=3))
    assert "fc_weight" not in taken.arguments
    assert "fc_weight and fc_bias begin anew" in taken.words


def test_beginning_of_a_name_ends_where_a_part_of_it_does():
    symbol = get_symbol(74)  # twelve units a stage
    names = frozen_names(symbol, "stage1_unit1")
    assert names
    assert all(name.startswith("stage1_unit1_") for name in names)


def test_all_is_all_but_the_classifier():
    symbol = get_symbol(8)
    assert set(symbol.list_arguments()) - set(frozen_names(symbol, "all")) == {
        "data", "softmax_label", "fc_weight", "fc_bias"}


def test_nothing_frozen_is_the_symbol_as_it_was():
    symbol = get_symbol(8)
    assert with_frozen(symbol, frozen_names(symbol, None)) is symbol
