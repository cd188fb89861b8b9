"""Every variant builds, is as large as the paper's, starts as it must; a new file is a variant; a
bad one is named.
"""

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from conftest import PAPER, sound
from source import HALF_DROPOUT, run_in, source_copy

from common.errors import UserError
from symbols import counts, get_symbol, names, shortcut_constants
from symbols.activations import original
from symbols.resnet import resnet
from training.optimizer import initializer

# ../shared/paper/FACTS.md section C, "Parameter counts computed analytically"
PARAMETERS = [
    (dict(depth=20), 269722),
    (dict(depth=32), 464154),
    (dict(depth=44), 658586),
    (dict(depth=56), 853018),
    (dict(depth=110), 1727962),
    (dict(depth=1202), 19421274),
    (dict(depth=110, activation="preact"), 1727962),
    (dict(depth=110, unit="one_layer"), 1727962),
    (dict(depth=164), 1704154),
    (dict(depth=164, activation="preact"), 1703258),
    (dict(depth=164, activation="preact", classes=100), 1726388),
    (dict(depth=1001), 10328602),
    (dict(depth=1001, activation="preact"), 10327706),
    (dict(depth=1001, activation="preact", classes=100), 10350836),
    (dict(depth=110, shortcut="convolution"), 1727962 + 98240),
    (dict(depth=110, shortcut="exclusive_gating"), 1727962 + 96224),
    (dict(depth=110, shortcut="shortcut_only_gating"), 1727962 + 96224),
]


@pytest.mark.parametrize("arguments, count", PARAMETERS)
def test_network_has_the_papers_number_of_parameters(arguments, count):
    assert sum(counts.parameters(get_symbol(**arguments)).values()) == count


@pytest.mark.parametrize(
    "depth, billions", [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)]
)
def test_imagenet_network_has_the_papers_multiply_adds(depth, billions):
    # 1512.03385 Table 1 rounds, and does not say how it counts projections
    assert counts.multiply_adds(get_symbol(depth, family="imagenet"), 224) / 1e9 == pytest.approx(
        billions, rel=0.02
    )


def arguments_of(activation, shortcut, unit):
    return dict(
        activation=activation,
        shortcut=shortcut,
        unit=unit,
        depth={"basic": 8, "bottleneck": 11, "one_layer": 5}[unit],
    )


@pytest.mark.parametrize("unit", names.LAYERS)
@pytest.mark.parametrize("activation", sound("activations"))
@pytest.mark.parametrize("shortcut", sound("shortcuts"))
def test_every_pair_trains_one_step(activation, shortcut, unit):
    symbol = get_symbol(**arguments_of(activation, shortcut, unit))
    executor = symbol.simple_bind(mx.cpu(), data=(2, 3, 8, 8), softmax_label=(2,))
    for name, array in executor.arg_dict.items():
        if name not in ("data", "softmax_label"):
            initializer("in")(mx.init.InitDesc(name, symbol.attr_dict().get(name)), array)
    executor.arg_dict["data"][:] = mx.nd.random.normal(shape=(2, 3, 8, 8))
    assert np.isfinite(executor.forward(is_train=True)[0].asnumpy()).all()
    executor.backward()
    for name, gradient in executor.grad_dict.items():
        assert np.isfinite(gradient.asnumpy()).all(), name
    assert executor.grad_dict["conv1_weight"].asnumpy().any(), "no gradient reaches the first layer"


def test_same_call_gives_the_same_graph():
    assert (
        get_symbol(20, shortcut="exclusive_gating").tojson()
        == get_symbol(20, shortcut="exclusive_gating").tojson()
    )


def test_initial_deviations_differ_for_convolutions_classifier_and_gates():
    symbol = get_symbol(56, shortcut="exclusive_gating", shortcut_args={"bias": -5})
    module = mx.mod.Module(symbol)
    module.bind([("data", (1, 3, 32, 32))], [("softmax_label", (1,))])
    mx.random.seed(1)
    module.init_params(initializer("in"))
    start, _ = module.get_params()
    start = {name: array.asnumpy() for name, array in start.items()}
    assert start["stage3_unit2_conv2_weight"].std() == pytest.approx(
        np.sqrt(2 / (9 * 64)), rel=0.03
    )
    assert start["stage3_unit1_conv1_weight"].std() == pytest.approx(
        np.sqrt(2 / (9 * 32)), rel=0.03
    )  # fan-in, not fan-out
    assert start["stage3_unit3_gate_weight"].std() == pytest.approx(np.sqrt(1 / 64), rel=0.05)
    assert (start["stage3_unit3_gate_bias"] == -5).all()
    assert abs(start["fc_weight"]).max() <= 1 / 8 and start["fc_weight"].std() == pytest.approx(
        1 / 8 / np.sqrt(3), rel=0.1
    )
    assert (
        (start["fc_bias"] == 0).all()
        and (start["bn1_gamma"] == 1).all()
        and (start["bn1_beta"] == 0).all()
    )


def test_unknown_names_and_constants_are_refused():
    for arguments in [
        dict(activation="no_such"),
        dict(shortcut="no_such"),
        dict(option="D"),
        dict(bottleneck_stride="2x2"),
        dict(shortcut="exclusive_gating", shortcut_args={"scale": 1}),
        dict(shortcut_args={"bias": 1}),
    ]:
        with pytest.raises(UserError):
            get_symbol(20, **arguments)


def test_constants_default_to_the_papers():
    assert shortcut_constants("exclusive_gating", {}) == {"bias": -6}
    assert shortcut_constants("constant_scaling", {"scale": 0}) == {
        "scale": 0,
        "residual_scale": 0.5,
    }
    assert shortcut_constants("dropout", {}) == {"ratio": 0.5}


@pytest.fixture
def copy(tmp_path):
    """A copy of the source in which a test may add files."""
    return source_copy(tmp_path)


def test_new_file_is_a_new_variant_with_no_other_edit(copy, images):
    (copy / "symbols/shortcuts/half_dropout.py").write_text(HALF_DROPOUT)
    code, _, err = run_in(
        copy,
        "train_cifar.py",
        "--shortcut",
        "half_dropout",
        "--shortcut-args",
        "ratio=0.1",
        "--depth",
        8,
        "--data-dir",
        images,
        "--image-size",
        8,
        "--iterations",
        2,
        "--batch-size",
        10,
    )
    assert code == 0, err
    assert (copy / "runs/full/cifar10-half_dropout8-ratio=0.1/seed0/log.csv").is_file()


def test_every_file_of_the_paper_is_sound():
    for folder, variants in PAPER.items():
        assert set(variants) <= set(sound(folder))


def test_unit_knows_where_it_is():
    places = []

    def residual_unit(x, unit):
        places.append(
            (
                unit.stage,
                unit.index,
                unit.total,
                unit.channels_in,
                unit.channels,
                unit.stride,
                unit.is_first,
            )
        )
        return original.residual_unit(x, unit)

    variants = SimpleNamespace(
        residual_unit=residual_unit, join=lambda x, f, unit, projection: x + f
    )
    resnet(("basic", (2, 1, 2)), (16, 32, 64), variants, 10, "cifar", "A", "1x1")
    assert places == [
        (1, 1, 5, 16, 16, 1, True),
        (1, 2, 5, 16, 16, 1, False),
        (2, 3, 5, 16, 32, 2, False),
        (3, 4, 5, 32, 64, 2, False),
        (3, 5, 5, 64, 64, 1, False),
    ]
