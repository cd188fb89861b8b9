"""Dropout's masks: the same for one key, independent for neighbouring ones."""

from itertools import combinations

import mxnet as mx
import pytest

from training.seeds import seed_masks

KEYS = [(0, 1, 0), (0, 2, 0), (0, 3, 0), (1, 1, 0), (0, 1, 1)]  # seed, iteration, worker


def blocks(key):
    """The blocks of 64 samples of a mask. MXNet takes each from one of 1,024 generators."""
    seed_masks(*key)
    with mx.autograd.record():
        dropped = mx.nd.Dropout(mx.nd.ones((1024, 64)), p=0.5)
    return {block.tobytes() for block in dropped.asnumpy() > 0}


@pytest.mark.parametrize("key, other", combinations(KEYS, 2))
def test_no_block_of_a_mask_is_in_another(key, other):
    assert len(blocks(key)) == 1024
    assert not blocks(key) & blocks(other)


def test_one_key_is_one_mask():
    assert blocks(KEYS[0]) == blocks(KEYS[0])
