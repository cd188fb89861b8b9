"""A variant's file that breaks its contract is named in one line, and breaks nothing else."""

import json

import pytest
from bad_variants import FILES
from conftest import refused
from source import ROOT, run_in, source_copy


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the source with all bad files, and an editor's lock and backup."""
    folder = source_copy(tmp_path_factory.mktemp("source"))
    for file, (content, _) in FILES.items():
        (folder / "symbols" / f"{file}.py").write_text(content)
    (folder / "symbols/shortcuts/.#identity.py").symlink_to("user@host.1234")
    (folder / "symbols/shortcuts/identity.py~").write_text("an editor's backup")
    return folder


@pytest.fixture(scope="module")
def messages(copy):
    """{file: message}"""
    script = ROOT / "tests" / "helpers" / "bad_variants.py"
    code, out, err = run_in(copy, script, PYTHONPATH=copy)
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("file", FILES)
def test_bad_file_is_named_in_one_line(messages, file):
    message = messages[file]
    assert message.startswith(f"symbols/{file}.py"), message
    assert len(message.splitlines()) == 1
    assert FILES[file][1] in message, message


def test_bad_file_leaves_no_run_and_stops_no_other_network(copy, images):
    small = ["--data-dir", images, *"--image-size 8 --iterations 2 --batch-size 10".split()]
    assert refused(run_in(copy, "train_cifar.py", "fixed_name8", *small), "fixed_name.py, line 4")
    assert not (copy / "runs").exists()
    code, _, err = run_in(copy, "train_cifar.py", "original8", *small)
    assert code == 0, err


def test_variant_that_does_not_fit_the_image_size_is_one_line(copy, images):
    (copy / "symbols/activations/pooled.py").write_text(
        "import mxnet as mx\nfrom .original import residual_unit  # noqa: F401\n\n"
        "def after_last_unit(x):\n    return mx.sym.Pooling(x, kernel=(8, 8), pool_type='avg')\n"
    )
    small = ("--data-dir", images, "--image-size", "8")
    assert refused(run_in(copy, "train_cifar.py", "pooled8", *small), "pooled.py", "kernel size")


def test_shortcut_that_the_activation_does_not_use_is_rejected(copy, images):
    (copy / "symbols/activations/own_sum.py").write_text(
        "def residual_unit(x, unit):\n"
        "    return unit.project(x) + unit.weights[1](unit.weights[0](x))\n"
    )
    small = ("--data-dir", images, "--image-size", "8")
    done = run_in(copy, "train_cifar.py", "own_sum-dropout8", *small)
    assert refused(done, "own_sum.py", "does not call unit.join")


def test_projection_that_is_missing_is_named_where_it_is_needed(copy, images):
    (copy / "symbols/activations/no_projection.py").write_text(
        "def residual_unit(x, unit):\n"
        "    return unit.join(x, unit.weights[1](unit.weights[0](x)), None)\n"
    )
    words = ("no_projection8", "--option", "B", "--data-dir", images, "--image-size", "8")
    done = run_in(copy, "train_cifar.py", *words)
    assert refused(done, "no_projection.py, line 2: unit.join got NoneType as x or projection")


LATE = """
import mxnet as mx
def join(x, f, unit, scale=1.0, start=1.0, unused=1.0):
    late = scale * x if unit.index > 3 else x
    return late + mx.sym.broadcast_mul(f, unit.variable("alpha", start, (1,)))
"""
READ = (
    "import train_cifar; from common.errors import run_main; from symbols import network_options; "
    "from training import options; arguments = options.read(train_cifar.parser()); "
    "run_main(lambda: print(network_options.network(arguments, 'cifar')))"
)


def test_constant_must_change_the_network(copy):
    (copy / "symbols/shortcuts/late.py").write_text(LATE)
    words = ("late20", "--shortcut-args", "scale=2,start=3,unused=1")
    code, _, err = run_in(copy, "-c", READ, *words)
    assert code == 0, err
    for network, constant in (("late8", "scale=2"), ("late20", "unused=3")):
        done = run_in(copy, "-c", READ, network, "--shortcut-args", constant)
        assert refused(done, f"--shortcut-args {constant} changes nothing")
