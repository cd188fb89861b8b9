"""The benchmarks that compare with PyTorch and with the original unit: arithmetic, processes, errors."""

import sys

import numpy as np
import pytest
from conftest import refusal

from analysis import measurements, networks
from benchmarks import peer, saved, timing, variants
from common import files
from symbols import counts, get_symbol


def test_ratio_is_the_median_of_the_faster_half_of_the_pairs():
    quiet = [(1.0, 1.1), (1.0, 1.2), (1.0, 1.4)]
    loud = [(9.0, 2.0), (2.0, 9.0), (5.0, 5.0)]
    assert timing.median_of_faster([*loud, *quiet]) == 1.2
    assert timing.median_of_faster([(2.0, 3.0)]) == 1.5


def test_our_process_trains_the_requested_network():
    trainer = peer.Trainer([sys.executable, "-W", "ignore", "-m", "benchmarks.ours"])
    try:
        answer = trainer.ask(depth=8, size=8, batch=4, dtype="float32")
        assert answer["parameters"] == sum(counts.parameters(get_symbol(8)).values())
        assert trainer.ask(steps=2)["seconds"] > 0
    finally:
        trainer.close()


def test_process_that_ends_is_one_line():
    trainer = peer.Trainer([sys.executable, "-c", ""])
    trainer._process.wait()
    refusal(lambda: trainer.ask(steps=1), "has ended")
    trainer.close()


@pytest.fixture
def python(tmp_path):
    """python(script): path of a program, a shell script that takes the place of a Python."""

    def write(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.mark.parametrize(
    "script, message",
    [
        ("echo 1.13.1+cpu", "2.4 or newer"),
        ("echo 2.3.0", "2.4 or newer"),
        ("echo ModuleNotFoundError: no torch >&2; exit 1", "name a Python that has PyTorch"),
    ],
)
def test_missing_or_old_pytorch_is_one_line(python, script, message):
    refusal(lambda: peer.version(python(script)), "PEER=", message)
    refusal(lambda: peer.version("/nowhere/python"), "PEER=/nowhere/python", "No such file")


@pytest.mark.parametrize("narrow", [True, False])
def test_unit_is_compared_with_the_original_of_its_depth(monkeypatch, narrow):
    """A round takes 3 seconds, the original's 2, in bfloat16 half of 3."""
    trained = []

    def rounds(jobs, count):
        for job in jobs:
            job()
        return np.array([[2.0, 3.0, 1.5][: len(jobs)]] * count)

    def trainer(symbol, *case):
        gates = [name for name in symbol.list_arguments() if "gate" in name]
        return lambda steps: trained.append((bool(gates), *case, steps))

    monkeypatch.setattr(variants, "trainer", trainer)
    monkeypatch.setattr(timing, "rounds", rounds)
    monkeypatch.setattr(variants, "has_bfloat16", lambda: narrow)
    network = networks.find(["exclusive_gating14"])["exclusive_gating14"]
    cost = variants.cost("exclusive_gating14", network)
    gates = [(16, 16, 16), (16, 16, 16), (16, 32, 8), (32, 32, 8), (32, 64, 4), (64, 64, 4)]
    gating = sum(before * after * size**2 for before, after, size in gates)
    work = 1 + gating / counts.multiply_adds(get_symbol(14), 16)
    faster = 2.0 if narrow else None
    assert cost == ("exclusive_gating14", 1.5, work, faster)
    assert ("bfloat16" in variants.line(cost)) == narrow
    types = [(False, "float32"), (True, "float32"), (True, "bfloat16")][: 2 + narrow]
    assert trained == [(is_gated, 16, 64, dtype, 5) for is_gated, dtype in types]


def test_measurements_are_kept_with_machine_and_day(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    saved.write(None, [{"step": 1.5}])
    assert not list(tmp_path.iterdir())
    saved.write("speed", [{"step": 1.5}])
    (row,) = measurements.read(tmp_path / "analysis" / "speed.csv")
    assert row["step"] == 1.5 and row["machine"] == saved.machine() and row["day"][:2] == "20"
