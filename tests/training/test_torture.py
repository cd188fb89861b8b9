"""A short form of make torture: kills, checkpoint files cut off, a disk that fills up."""

import pytest
import torture

DROPOUT = {"dropout": torture.VARIANTS["dropout"]}


@pytest.fixture(scope="module")
def tortured(tmp_path_factory):
    return torture.Torture(tmp_path_factory.mktemp("torture"), seed=1)


def test_run_that_is_killed_again_and_again_ends_as_its_unbroken_twin(tortured):
    done, _, equal, runs = torture.kills(tortured, 3, DROPOUT)
    assert done == 3 and equal == runs >= 1


def test_run_whose_newest_checkpoint_is_cut_off_ends_as_its_unbroken_twin(tortured):
    assert (
        torture.cuts(tortured, DROPOUT["dropout"], [("arrays.params", 9), ("state.json", 5)]) == 2
    )


def test_run_whose_disk_fills_up_ends_as_its_unbroken_twin(tortured):
    assert torture.full_disks(tortured, DROPOUT["dropout"], [0.5])[0] == 1
