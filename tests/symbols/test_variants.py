"""The gallery of docs/VARIANTS.md: each file is short, trains as printed, and computes what it
says.
"""

import json
import re
import types

import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT
from gallery import IDEAS
from source import run_in, source_copy

from symbols.unit import Unit

NAMES = [file.split("/")[-1][:-3] for file in IDEAS]
# One process for all of them: most of a small run's time is its start.
TRAIN = """
import sys
import train_cifar
from training.figure import Figure
Figure.draw = Figure.finish = lambda self: None
data, *networks = sys.argv[1:]
for network in networks:
    sys.argv[1:] = [network, "--data-dir", data, "--image-size", "8", "--batch-size", "20",
                    "--iterations", "4", "--log-every", "2", "--test-every", "2"]
    assert train_cifar.main() == 0
    assert train_cifar.main() == 0  # resumes, and sees that it is finished
"""


def test_gallery_has_eight_files_of_fifteen_lines():
    assert len(IDEAS) == 8
    for file, content in IDEAS.items():
        assert len(content.splitlines()) <= 15, file
        assert len(content.splitlines()) <= 10 or "stochastic_depth" not in file


def test_every_idea_trains_as_printed(images, tmp_path):
    folder = source_copy(tmp_path)
    for file, content in IDEAS.items():
        (folder / file).write_text(content)
    networks = [f"{name}8" for name in NAMES]
    code, out, err = run_in(folder, "-c", TRAIN, images, *networks, "swish-stochastic_depth11")
    assert code == 0, err
    assert out.count("finished: test error") == 2 * len(networks) + 2
    for network in networks:
        rows = (folder / f"runs/full/cifar10-{network}/seed0/log.csv").read_text().splitlines()
        assert len(rows) == 3 and re.search(r"[0-9]", rows[2])


def idea(name):
    """The functions of a file of the gallery, as a module of symbols/shortcuts/ or activations/."""
    (file,) = [file for file in IDEAS if file.endswith(f"/{name}.py")]
    module = types.ModuleType(name)
    module.__package__ = ".".join(file.split("/")[:-1])
    exec(compile(IDEAS[file], file, "exec"), vars(module))
    return module


def joined(name, train, index=1, total=1, **constants):
    """(output, {name: array}) of a shortcut of the gallery at random x and F of four pictures."""
    unit = Unit(
        "u", mx.sym.Variable("x"), "basic", 8, 8, 1, "A", "1x1", None, index=index, total=total
    )
    with mx.name.NameManager(), unit.layers:
        symbol = idea(name).join(unit.input, mx.sym.Variable("f"), unit, **constants)
    executor = symbol.simple_bind(mx.cpu(), x=(4, 8, 6, 6), f=(4, 8, 6, 6))
    generator = np.random.RandomState(0)
    for array in executor.arg_dict.values():
        array[:] = generator.normal(0, 0.5, array.shape)
    mx.random.seed(3)
    output = executor.forward(is_train=train)[0].asnumpy()
    arrays = {name: array.asnumpy() for name, array in executor.arg_dict.items()}
    return output, arrays.pop("x"), arrays.pop("f"), arrays


def test_learnt_numbers_scale_the_path_that_they_stand_on():
    output, x, f, values = joined("learnt_scale", True)
    assert np.allclose(output, values["u_alpha"] * x + f, atol=1e-6)
    output, x, f, values = joined("rezero", True)
    assert np.allclose(output, x + values["u_alpha"] * f, atol=1e-6)


def test_learnt_numbers_start_where_the_file_says():
    for name, start in (("learnt_scale", 1), ("rezero", 0)):
        unit = Unit("u", mx.sym.Variable("x"), "basic", 8, 8, 1, "A", "1x1", None)
        symbol = idea(name).join(unit.input, mx.sym.Variable("f"), unit)
        initializer = json.loads(symbol.attr_dict()["u_alpha"]["__init__"])
        assert initializer == ["constant", {"value": start}]


@pytest.mark.parametrize("index, dropped", [(1, 0.05), (9, 0.45), (10, 0.5)])
def test_stochastic_depth_drops_more_of_later_units(index, dropped):
    output, x, f, _ = joined("stochastic_depth", False, index, 10)
    assert np.allclose(output, x + f, atol=1e-6)
    output, x, f, _ = joined("stochastic_depth", True, index, 10)
    for picture in range(4):
        rest = output[picture] - x[picture]
        survives = np.allclose(rest, f[picture] / (1 - dropped), atol=1e-5)
        assert survives or not rest.any()


def test_squeeze_and_excitation_scales_the_channels_of_f():
    output, x, f, values = joined("squeeze_excitation", True)
    inner = np.maximum(f.mean((2, 3)) @ values["u_squeeze_weight"][:, :, 0, 0].T, 0)
    scales = 1 / (1 + np.exp(-inner @ values["u_excite_weight"][:, :, 0, 0].T))
    assert np.allclose(output, x + f * scales[:, :, None, None], atol=1e-5)


def test_concatenation_mixes_both_paths():
    output, x, f, values = joined("concatenation", True)
    both = np.concatenate([x, f], axis=1)
    assert np.allclose(
        output, np.einsum("nchw,oc->nohw", both, values["u_mix_weight"][:, :, 0, 0]), atol=1e-5
    )


def test_page_names_what_a_unit_has():
    unit = Unit("u", mx.sym.Variable("x"), "basic", 8, 8, 1, "A", "1x1", None)
    page = (ROOT / "docs" / "VARIANTS.md").read_text()
    for name in re.findall(r"`unit\.(\w+)", page):
        assert hasattr(unit, name), name
