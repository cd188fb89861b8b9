"""Stages of any width after a fixed stem."""

import pytest
from cifar_options import read_options

from common.errors import UserError
from symbols import get_symbol, names, network_options
from training.recipe import CIFAR, IMAGENET

WIDE = (32, 64, 128)


def typed(*words):
    return network_options.network(read_options(list(words))[0], "cifar")


def shapes(**arguments):
    symbol = get_symbol(**arguments)
    size = 224 if arguments.get("family") == "imagenet" else 32
    values, _, _ = symbol.infer_shape(data=(1, 3, size, size))
    return dict(zip(symbol.list_arguments(), values))


def test_widths_are_those_of_the_3x3_layers_of_stages():
    shape = shapes(depth=8, widths=WIDE)
    assert shape["conv1_weight"] == (16, 3, 3, 3)
    for stage, width in enumerate(WIDE, 1):
        assert shape[f"stage{stage}_unit1_conv2_weight"] == (width, width, 3, 3)
    assert shape["fc_weight"] == (10, 128)
    shape = shapes(depth=50, family="imagenet", widths=(8, 16, 24, 40))
    assert shape["conv1_weight"] == (64, 3, 7, 7)
    assert shape["stage3_unit1_conv2_weight"] == (24, 24, 3, 3)
    assert shape["stage3_unit1_conv3_weight"] == (96, 24, 1, 1)


def test_fewer_channels_need_a_projection():
    with pytest.raises(UserError, match="16 channels to 8: use --option B"):
        get_symbol(8, widths=(8, 16, 32))
    shape = shapes(depth=8, widths=(8, 16, 32), option="B")
    assert shape["stage1_unit1_projection_weight"] == (8, 16, 1, 1)
    # a plain network ignores the projection, and cannot be built without it
    assert typed("plain8", "--widths", "8,16,32", "--option", "B").option == "B"


@pytest.mark.parametrize("text", ["16,32", "a", "0,1,2", "16,,64", "99999999999,32,64"])
def test_wrong_widths_are_rejected(text):
    with pytest.raises(UserError, match="16,32,64"):
        typed("original20", "--widths", text)


def test_widths_are_in_the_runs_name_if_they_are_not_the_papers():
    wide = typed("original20", "--widths", "32,64,128")
    assert wide.name("cifar10") == "cifar10-original20-widths=32,64,128"
    assert typed("original20", "--widths", "16,32,64") == typed("original20")
    assert typed("original20").name("cifar10") == "cifar10-original20"


def test_image_size_is_that_of_the_recipe():
    recipes = {"cifar": CIFAR.image_size, "imagenet": IMAGENET.image_size}
    assert recipes == names.IMAGE_SIZE
