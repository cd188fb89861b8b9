"""A network's name and depth mean what the papers mean by them."""

import pytest

from common.errors import UserError
from symbols import names


@pytest.mark.parametrize(
    "depth, kind, units",
    [
        (20, "basic", 3),
        (32, "basic", 5),
        (44, "basic", 7),
        (56, "basic", 9),
        (110, "basic", 18),
        (1202, "basic", 200),
        (164, "bottleneck", 18),
        (1001, "bottleneck", 111),
    ],
)
def test_paper_depth_has_the_papers_unit(depth, kind, units):
    assert names.stages(depth) == (kind, (units,) * 3)


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


@pytest.mark.parametrize(
    "depth, unit, words",
    [
        (38, None, "--unit basic or --unit bottleneck"),
        (21, None, "nearest: 20 and 26"),
        (2, None, "nearest"),
        (-4, None, "nearest"),
        (0, None, "nearest"),
        (110, "triple", "basic, bottleneck, one_layer"),
        (45, "one_layer", "nearest: 44 and 47"),
    ],
)
def test_ambiguous_or_impossible_depth_is_refused(depth, unit, words):
    with pytest.raises(UserError, match=words):
        names.stages(depth, unit)


@pytest.mark.parametrize(
    "depth, units",
    [
        (18, (2, 2, 2, 2)),
        (34, (3, 4, 6, 3)),
        (50, (3, 4, 6, 3)),
        (101, (3, 4, 23, 3)),
        (152, (3, 8, 36, 3)),
        (200, (3, 24, 36, 3)),
    ],
)
def test_imagenet_depth_has_the_papers_stages(depth, units):
    assert names.stages(depth, family="imagenet")[1] == units


def test_imagenet_refuses_other_depths_units_and_families():
    for arguments in [(19, None, "imagenet"), (50, "basic", "imagenet"), (20, None, "mnist")]:
        with pytest.raises(UserError):
            names.stages(*arguments)


@pytest.mark.parametrize(
    "text, parsed",
    [
        ("preact1001", ("preact", "identity", 1001)),
        ("110", ("original", "identity", 110)),
        ("original20", ("original", "identity", 20)),
        ("identity20", ("original", "identity", 20)),
        ("exclusive_gating110", ("original", "exclusive_gating", 110)),
        ("plain56", ("original", "plain", 56)),
        ("preact-constant_scaling110", ("preact", "constant_scaling", 110)),
    ],
)
def test_name_of_a_network(text, parsed):
    assert names.parse(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "preact",
        "gating110",
        "preact-gating110",
        "foo-identity110",
        "../x20",
        "preact 110",
        "110x",
    ],
)
def test_unknown_name_is_refused(text):
    with pytest.raises(UserError):
        names.parse(text)


@pytest.mark.parametrize("activation", names.variants("activations"))
@pytest.mark.parametrize("shortcut", names.variants("shortcuts"))
def test_name_and_parse_agree(activation, shortcut):
    assert names.parse(names.name(activation, shortcut, 110)) == (activation, shortcut, 110)
