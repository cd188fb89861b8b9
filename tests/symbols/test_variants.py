"""The gallery of docs/VARIANTS.md: each file trains as printed and computes its claim."""

import json
import re

import mxnet as mx
import numpy as np
import pytest
from gallery import EXAMPLES, PAGE, example
from source import run_in, source_copy

from symbols.unit import Unit

# One process for all of them: most of a small run's time is its start.
TRAIN = """
import json
import sys
import train_cifar
from symbols import get_symbol
from training.figure import Figure
Figure.draw = Figure.finish = lambda self: None
data, *networks = sys.argv[1:]
for network in networks:
    sys.argv[1:] = [*network.split(), "--data-dir", data, "--image-size", "8", "--batch-size", "20",
                    "--iterations", "4", "--log-every", "2", "--test-every", "2"]
    assert train_cifar.main() == 0
    assert train_cifar.main() == 0  # resumes, and sees that it is finished
nodes = json.loads(get_symbol(8, "swish", activation_args={"beta": 3}).tojson())["nodes"]
print([float(node["attrs"]["scalar"]) for node in nodes if node["op"] == "_mul_scalar"])
"""


def test_every_idea_trains_as_printed_by_its_name_and_its_constants(images, tmp_path):
    folder = source_copy(tmp_path)
    for file, content in EXAMPLES.items():
        (folder / file).write_text(content)
    names = [f"{file.split('/')[-1][:-3]}8" for file in EXAMPLES]
    others = ["swish-stochastic_depth11", "swish8 --activation-args beta=2 --widths 16,24,40"]
    code, out, err = run_in(folder, "-c", TRAIN, images, *names, *others)
    assert code == 0, err
    assert out.count("finished: test error") == 2 * len(names) + 4
    for name in (*names, "swish8-widths=16,24,40-beta=2"):
        run = folder / f"runs/full/cifar10-{name}/seed0"
        rows = (run / "log.csv").read_text().splitlines()
        assert len(rows) == 3 and re.search(r"[0-9]", rows[2])
    recipe = json.loads((run / "config.json").read_text())["recipe"]
    assert recipe["activation_args"] == {"beta": 2} and recipe["widths"] == [16, 24, 40]
    assert (
        json.loads(out.splitlines()[-1]) == [3.0] * 7
    ), "the stem's, and two in each of three units"


def unit(index=1, total=1):
    x = mx.sym.Variable("x")
    return Unit("u", x, "basic", 8, 8, 1, "A", "1x1", None, index=index, total=total)


def joined(name, train=True, *place):
    """(output, x, F, {parameter: array}) of a shortcut of the gallery at random points."""
    part = unit(*place)
    with mx.name.NameManager(), part.layers:
        symbol = example(name).join(part.input, mx.sym.Variable("f"), part)
    executor = symbol.simple_bind(mx.cpu(), x=(4, 8, 6, 6), f=(4, 8, 6, 6))
    generator = np.random.RandomState(0)
    for array in executor.arg_dict.values():
        array[:] = generator.normal(0, 0.5, array.shape)
    mx.random.seed(3)
    output = executor.forward(is_train=train)[0].asnumpy()
    arrays = {name: array.asnumpy() for name, array in executor.arg_dict.items()}
    return output, arrays.pop("x"), arrays.pop("f"), arrays


def test_learnt_number_scales_its_path_and_starts_where_the_file_says():
    output, x, f, values = joined("learnt_scale")
    assert np.allclose(output, values["u_alpha"] * x + f, atol=1e-6)
    output, x, f, values = joined("rezero")
    assert np.allclose(output, x + values["u_alpha"] * f, atol=1e-6)
    for name, start in (("learnt_scale", 1), ("rezero", 0)):
        symbol = example(name).join(mx.sym.Variable("x"), mx.sym.Variable("f"), unit())
        initializer = json.loads(symbol.attr_dict()["u_alpha"]["__init__"])
        assert initializer == ["constant", {"value": start}]


@pytest.mark.parametrize("index, dropped", [(1, 0.05), (9, 0.45), (10, 0.5)])
def test_stochastic_depth_drops_more_of_later_units(index, dropped):
    output, x, f, _ = joined("stochastic_depth", False, index, 10)
    assert np.allclose(output, x + f, atol=1e-6)
    output, x, f, _ = joined("stochastic_depth", True, index, 10)
    for image in range(4):
        rest = output[image] - x[image]
        survives = np.allclose(rest, f[image] / (1 - dropped), atol=1e-5)
        assert survives or not rest.any()


def test_squeeze_and_excitation_scales_the_channels_of_f():
    output, x, f, values = joined("squeeze_excitation")
    inner = np.maximum(f.mean((2, 3)) @ values["u_squeeze_weight"][:, :, 0, 0].T, 0)
    scales = 1 / (1 + np.exp(-inner @ values["u_excite_weight"][:, :, 0, 0].T))
    assert np.allclose(output, x + f * scales[:, :, None, None], atol=1e-5)


def test_concatenation_mixes_both_paths():
    output, x, f, values = joined("concatenation")
    both = np.concatenate([x, f], axis=1)
    mixed = np.einsum("nchw,oc->nohw", both, values["u_mix_weight"][:, :, 0, 0])
    assert np.allclose(output, mixed, atol=1e-5)


def test_page_names_what_a_unit_has():
    for name in re.findall(r"`unit\.(\w+)", PAGE):
        assert hasattr(unit(), name), name
