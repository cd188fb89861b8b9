"""The benchmark beside PyTorch: its arithmetic, its processes, and what it refuses."""
import sys

import pytest
from conftest import refusal

from benchmarks import peer
from symbols import counts, get_symbol


def test_ratio_is_the_median_of_the_quieter_half_of_the_pairs():
    quiet = [(1.0, 1.1), (1.0, 1.2), (1.0, 1.4)]
    loud = [(9.0, 2.0), (2.0, 9.0), (5.0, 5.0)]
    assert peer.median_of_quieter([*loud, *quiet]) == 1.2
    assert peer.median_of_quieter([(2.0, 3.0)]) == 1.5


class Counted:
    """A trainer whose steps take a known time."""

    def __init__(self, parameters, seconds):
        self.parameters = parameters
        self.seconds = seconds
        self.asked = []

    def ask(self, steps=None, **case):
        self.asked.append(steps or case)
        return {"seconds": steps * self.seconds} if steps else {"parameters": self.parameters}


def test_blocks_of_both_are_interleaved_and_as_long():
    ours = Counted(269722, 0.1)
    theirs = Counted(269722, 0.125)
    result = peer.compare(ours, theirs, peer.Case(20, 32, 128), "bfloat16", pairs=3)
    assert result == pytest.approx((1280, 1024, 1.25))
    case = {"depth": 20, "size": 32, "batch": 128, "dtype": "bfloat16"}
    assert ours.asked == [case, 2, 2, 10, 10, 10] and theirs.asked == [case, 2, 10, 10, 10]


def test_networks_that_differ_are_not_compared():
    refusal(lambda: peer.compare(Counted(1, 1.0), Counted(2, 1.0), peer.CASES[0], "float32", 1),
            "20 layers differ", "[1, 2]")


def test_our_process_trains_the_network_that_it_is_asked_for():
    trainer = peer.Trainer([sys.executable, "-W", "ignore", "-m", "benchmarks.ours"], None)
    try:
        said = trainer.ask(depth=8, size=8, batch=4, dtype="float32")
        assert said["parameters"] == sum(counts.parameters(get_symbol(8)).values())
        assert 0 < trainer.ask(steps=2)["seconds"] < 60
    finally:
        trainer.close()


def test_process_that_ends_is_one_line():
    trainer = peer.Trainer([sys.executable, "-c", ""], None)
    refusal(lambda: [trainer.ask(steps=1) for _ in range(2)], "has ended")
    trainer.close()


@pytest.mark.parametrize("said, words", [
    ("echo 1.13.1+cpu", "2.4 or newer"), ("echo 2.3.0", "2.4 or newer"),
    ("echo ModuleNotFoundError: no torch >&2; exit 1", "name a Python that has PyTorch")])
def test_python_without_pytorch_or_with_an_old_one_is_one_line(tmp_path, said, words):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{said}\n")
    python.chmod(0o755)
    refusal(lambda: peer.version(str(python)), "PEER=", words)


def test_python_that_is_not_there_is_one_line():
    refusal(lambda: peer.version("/nowhere/python"), "PEER=/nowhere/python", "No such file")


@pytest.mark.parametrize("said", ["2.4.0", "2.13.0+cpu", "3.0"])
def test_new_pytorch_is_taken(tmp_path, said):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {said}\n")
    python.chmod(0o755)
    assert peer.version(str(python)) == said
