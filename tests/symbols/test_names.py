"""A network's name and depth have the papers' meaning."""

import pytest

from common.errors import UserError
from symbols import names


@pytest.mark.parametrize(
    "depths, kind", [((20, 32, 44, 56, 110, 1202), "basic"), ((164, 1001), "bottleneck")]
)
def test_paper_depth_has_the_papers_unit(depths, kind):
    layers = {"basic": 6, "bottleneck": 9}[kind]
    for depth in depths:
        assert names.stages(depth) == (kind, ((depth - 2) // layers,) * 3)


@pytest.mark.parametrize(
    "depth, unit, units",
    [
        (110, "one_layer", 36),
        (110, "bottleneck", 12),
        (164, "basic", 27),
        (8, None, 1),
        (29, None, 3),
    ],
)
def test_other_depths_follow_the_rule_of_their_unit(depth, unit, units):
    assert names.stages(depth, unit)[1] == (units,) * 3


def test_imagenet_depth_has_the_papers_stages():
    stages = {depth: names.stages(depth, family="imagenet")[1] for depth in names.IMAGENET}
    assert stages == {
        18: (2, 2, 2, 2),
        34: (3, 4, 6, 3),
        50: (3, 4, 6, 3),
        101: (3, 4, 23, 3),
        152: (3, 8, 36, 3),
        200: (3, 24, 36, 3),
    }


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((38,), "--unit basic or --unit bottleneck"),
        ((21,), "nearest: 20 and 26"),
        ((2,), "nearest"),
        ((-4,), "nearest"),
        ((110, "triple"), "basic, bottleneck, one_layer"),
        ((45, "one_layer"), "nearest: 44 and 47"),
        ((19, None, "imagenet"), "18, 34, 50"),
        ((50, "basic", "imagenet"), "leave out --unit"),
        ((20, None, "mnist"), "cifar, imagenet"),
    ],
)
def test_ambiguous_or_impossible_network_is_rejected(arguments, words):
    with pytest.raises(UserError, match=words):
        names.stages(*arguments)


@pytest.mark.parametrize(
    "text, parsed",
    [
        ("110", ("original", "identity", 110)),
        ("original20", ("original", "identity", 20)),
        ("identity20", ("original", "identity", 20)),
        ("preact-identity20", ("preact", "identity", 20)),
    ],
)
def test_name_of_a_network(text, parsed):
    assert names.parse(text) == parsed


@pytest.mark.parametrize("activation", names.variants("activations"))
@pytest.mark.parametrize("shortcut", names.variants("shortcuts"))
def test_name_and_parse_agree(activation, shortcut):
    assert names.parse(names.name(activation, shortcut, 110)) == (activation, shortcut, 110)


def test_name_of_a_variant_in_both_folders_says_which(monkeypatch):
    monkeypatch.setattr(names, "variants", lambda folder: ("identity", "original", "foo"))
    assert names.name("foo", "identity", 20) == "foo-identity20"
    assert names.name("original", "foo", 20) == "original-foo20"


@pytest.mark.parametrize(
    "text", ["", "preact", "gating110", "preact-gating110", "foo-identity110", "110x"]
)
def test_unknown_name_is_rejected(text):
    with pytest.raises(UserError):
        names.parse(text)


@pytest.mark.parametrize("depth", [29, 38, 56, 110])
def test_units_of_one_depth_have_different_names(depth):
    folders = [
        names.run_name("cifar10", "original", "identity", depth, unit, {})
        for unit in names.LAYERS
        if (depth - 2) % (3 * names.LAYERS[unit]) == 0
    ]
    assert len(set(folders)) == len(folders) >= 2
    assert (
        names.run_name("imagenet", "preact", "identity", 50, "bottleneck", {})
        == "imagenet-preact50"
    )
