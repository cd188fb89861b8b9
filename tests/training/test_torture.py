"""A short form of make torture: kills, cut checkpoint files, a full disk."""

import pytest
import torture

DROPOUT = torture.VARIANTS["dropout"]


@pytest.fixture(scope="module")
def tortured(tmp_path_factory):
    return torture.Torture(tmp_path_factory.mktemp("torture"), seed=1)


def test_run_that_is_killed_again_and_again_ends_as_an_uninterrupted_one(tortured):
    done, _, runs = torture.kills(tortured, 3, {"dropout": DROPOUT})
    assert done == 3 and runs >= 1


def test_run_whose_newest_checkpoint_is_cut_off_ends_as_an_uninterrupted_one(tortured):
    assert torture.cuts(tortured, DROPOUT, [("arrays.params", 9), ("state.json", 5)]) == 2


def test_run_whose_disk_fills_up_ends_as_an_uninterrupted_one(tortured):
    assert torture.full_disks(tortured, DROPOUT, [0.5])
