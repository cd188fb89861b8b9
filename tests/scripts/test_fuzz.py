"""Corrupt files of a run are rejected in one line, or read right. make fuzz: 10,000 of each."""

import contextlib
import io
import json
import math
import os

import numpy as np
import pytest
from cifar_files import as_dict, python2_pickle, python3_pickle
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from made_runs import RECIPE, as_bytes, numbers, resumed, written

from common.errors import UserError
from data import cifar, generated
from training import checkpoint
from training.log import COLUMNS, HEADER, read_log
from training.recipe import INTERVALS

CASES = int(os.environ.get("FUZZ_CASES", 150))
# with a fixed seed in make test, so that it gives one answer; with new ones in make fuzz
fuzz = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=CASES < 1000,
    suppress_health_check=list(HealthCheck),
)


def damage(*words):
    """Strategy of up to four edits of a file, or of other bytes. words: bytes that edits insert."""
    place = st.integers(0, 2**24)
    piece = st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from((b"\0", b"\xff", b"\n", b"0", b"1", b"-", *words)),
    )
    edit = st.one_of(
        st.tuples(st.just("cut"), place, st.just(b"")),
        st.tuples(st.sampled_from(["change", "insert"]), place, piece),
        st.tuples(st.sampled_from(["remove", "repeat"]), place, st.binary(min_size=1, max_size=64)),
    )
    return st.one_of(st.lists(edit, min_size=1, max_size=4), st.binary(max_size=200))


def corrupt(content, edits):
    """The content after the edits of damage()."""
    if isinstance(edits, bytes):
        return edits
    for kind, place, piece in edits:
        at = place % (len(content) + 1)
        end = at + len(piece)
        content = {
            "cut": content[:at],
            "change": content[:at] + piece + content[end:],
            "insert": content[:at] + piece + content[at:],
            "remove": content[:at] + content[end:],
            "repeat": content[:end] + content[at:],
        }[kind]
    return content


@contextlib.contextmanager
def instead(path, content):
    """Other bytes in a file for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def refused(call):
    """The result of call(), or None if it raised a UserError of one line."""
    try:
        return call()
    except UserError as error:
        assert len(str(error).splitlines()) == 1, error
        return None


def records(count, seed):
    images, labels = generated.draw(count, np.random.RandomState(seed))
    return np.concatenate([labels[:, None].astype(np.uint8), images.reshape(count, -1)], axis=1)


def loads_or_refuses(folder, name, content):
    with instead(folder / name, content):
        dataset = refused(lambda: cifar.load("cifar10", folder))
    event("read" if dataset else "refused")
    if dataset:
        assert dataset.train_images.shape == (10, 3, 32, 32)
        assert dataset.test_images.shape == (2, 3, 32, 32)
        assert dataset.train_labels.shape == (10,) and dataset.test_labels.shape == (2,)
        assert max(dataset.train_labels.max(), dataset.test_labels.max()) < 10


@pytest.fixture(scope="module")
def binary_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binary")
    generated.write(folder, images=12)
    return folder


@fuzz
@given(
    name=st.sampled_from(["data_batch_3.bin", "test_batch.bin", "generated.txt"]), edits=damage()
)
def test_cifar_binary_version(binary_set, name, edits):
    loads_or_refuses(binary_set, name, corrupt((binary_set / name).read_bytes(), edits))


@pytest.fixture(scope="module")
def python_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("python")
    for k, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        dump = python2_pickle if k % 2 else python3_pickle
        (folder / name).write_bytes(dump(as_dict(records(2, k), 1)))
    return folder


OPCODES = [
    bytes([code])
    for code in b"(.012K]}abceghijlqrstuCGIJMNQRSTUVX"
    + b"\x80\x81\x82\x85\x86\x87\x88\x8a\x8b\x8c\x8e\x93\x94\x95"
]


@fuzz
@given(
    name=st.sampled_from(["data_batch_1", "data_batch_2"]),
    in_head=st.booleans(),
    edits=damage(
        *OPCODES, b"cos\nsystem\n", b"cbuiltins\neval\n", b"\xff\xff\xff\x7f", b"r\xff\xff\xff\x7f"
    ),
)
def test_cifar_python_version(python_set, name, in_head, edits):
    content = (python_set / name).read_bytes()
    # the opcodes; the pixels follow them
    end = content.index(b"data") + 200 if in_head else len(content)
    loads_or_refuses(python_set, name, corrupt(content[:end], edits) + content[end:])


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp("run"), 5, 10)


@fuzz
@given(
    name=st.sampled_from(["arrays.params", "state.json"]),
    edits=damage(b"e", b"{", b'"', b"NaN", b"1e999"),
    older=st.one_of(st.none(), damage()),
)
def test_checkpoint(run_folder, name, edits, older):
    first, two = (run_folder / f"checkpoint-{k:07d}" / name for k in (5, 10))
    contents = [path.read_bytes() for path in (first, two)]
    changed = [
        contents[0] if older is None else corrupt(contents[0], older),
        corrupt(contents[1], edits),
    ]
    with contextlib.redirect_stdout(io.StringIO()), instead(first, changed[0]), instead(
        two, changed[1]
    ):
        result = refused(lambda: checkpoint.newest_checkpoint(run_folder))
    sound = [k for k, before, after in zip((5, 10), contents, changed) if before == after]
    reached = result[1]["iteration"] if result else None
    event(f"read from {reached}")
    assert result or not sound
    if result:
        assert reached >= max(sound, default=0)  # another spelling of the same JSON is no damage
        assert as_bytes(result[0]) == as_bytes(numbers(reached))
        assert len(result[1]["log"].splitlines()) == 1 + reached


@fuzz
@given(edits=damage(b"{", b"}", b"[", b'"', b"NaN", b"null", b"\\u0000"))
def test_config(run_folder, edits):
    content = corrupt((run_folder / "config.json").read_bytes(), edits)
    with instead(run_folder / "config.json", content):
        resumed_from = refused(lambda: resumed(run_folder))
    event("read" if resumed_from else "refused")
    if resumed_from:
        recipe = json.loads(content)["recipe"]
        for option in RECIPE.keys() - set(INTERVALS):
            assert recipe.get(option) == RECIPE[option], option


LOG = b"\n".join(
    [
        HEADER.encode().strip(),
        *(b"%d,0.5,0.1,%.3f,80,,,500,1.5" % (100 * k, 2.3 - k / 10) for k in range(1, 9)),
        b"",
    ]
)


@fuzz
@given(edits=damage(b",", b"nan", b"-inf", b"1e999", b'"', b"\r", b"9" * 5000))
def test_log(tmp_path_factory, edits):
    folder = tmp_path_factory.getbasetemp()
    (folder / "log.csv").write_bytes(LOG)
    whole, content = read_log(folder), corrupt(LOG, edits)
    (folder / "log.csv").write_bytes(content)
    rows = read_log(folder)
    event("read whole" if rows == whole else "read in part" if rows else "without a row")
    iterations = [row["iteration"] for row in rows]
    assert all(before < after for before, after in zip([0, *iterations], [*iterations, math.inf]))
    assert all(set(row) == set(COLUMNS) and isinstance(row["train_loss"], float) for row in rows)
    intact = os.path.commonprefix([LOG, content]).count(b"\n") - 1  # rows before the first damage
    assert rows[:intact] == whole[: max(intact, 0)] or intact < 0
