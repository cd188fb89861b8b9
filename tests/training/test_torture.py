"""A short form of make torture: a kill, a checkpoint file that is cut off, a full disk."""

import torture


def test_run_that_is_killed_cut_off_or_without_disk_ends_as_an_uninterrupted_one(tmp_path):
    tortured = torture.Torture(tmp_path, seed=1)
    variant = {"dropout": torture.VARIANTS["dropout"]}
    done, _, runs = torture.kills(tortured, 1, variant)
    assert done == 1 and runs >= 1
    assert torture.cuts(tortured, variant["dropout"], [("arrays.params", 9)]) == 1
    assert torture.full_disks(tortured, variant["dropout"], [0.5])
