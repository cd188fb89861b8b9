"""Files that are not CIFAR, corrupt or malicious are rejected in one line."""

import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from cifar_files import LABEL_BYTES, as_dict, python3_pickle, write
from conftest import ROOT, refusal

from data import cifar


def load(folder, dataset="cifar10"):
    return lambda: cifar.load(dataset, folder)


def test_missing_set_is_rejected_with_a_way_to_name_it(tmp_path):
    place = tmp_path / "nowhere"
    refusal(load(place), place, "does not exist", "--data-dir")
    refusal(load(tmp_path), tmp_path, "test_batch.bin", "--data-dir")


@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("missing", ["data_batch_3", "test_batch"])
def test_missing_file_is_named(tmp_path, records, version, missing):
    ending = write(tmp_path, version, "cifar10", records["cifar10"])
    (tmp_path / (missing + ending)).unlink()
    message = refusal(load(tmp_path), tmp_path, f"lacks {missing}{ending} ", "copy")
    assert "data_batch_1" not in message


@pytest.mark.parametrize("version, count", [("binary", 99), ("binary", 0), ("python", 99)])
@pytest.mark.parametrize(
    "dataset, name", [("cifar10", "data_batch_4"), ("cifar10", "test_batch"), ("cifar100", "test")]
)
def test_file_cut_between_two_records_is_rejected(tmp_path, records, dataset, name, version, count):
    content = {key: rows[:count] if key == name else rows for key, rows in records[dataset].items()}
    write(tmp_path, version, dataset, content)
    refusal(load(tmp_path, dataset), tmp_path, name, "truncated", "again")


def test_set_of_empty_files_is_rejected(tmp_path, records):
    write(
        tmp_path, "binary", "cifar10", {key: rows[:0] for key, rows in records["cifar10"].items()}
    )
    refusal(load(tmp_path), tmp_path, "again")


def test_file_of_another_size_is_rejected(tmp_path, records):
    path = tmp_path / f"data_batch_2{write(tmp_path, 'binary', 'cifar10', records['cifar10'])}"
    os.truncate(path, 50 * 3073 + 1001)
    refusal(load(tmp_path), path, "truncated", "again")


@pytest.mark.parametrize(
    "dataset, name, label", [("cifar10", "data_batch_2", 10), ("cifar100", "test", 100)]
)
@pytest.mark.parametrize("version", ["binary", "python"])
def test_label_without_a_class_is_rejected(tmp_path, records, dataset, name, label, version):
    content = {key: rows.copy() for key, rows in records[dataset].items()}
    content[name][13, LABEL_BYTES[dataset] - 1] = label
    ending = write(tmp_path, version, dataset, content)
    words = (tmp_path / (name + ending), "image 13", f"label {label}", "again")
    refusal(load(tmp_path, dataset), *words)


def nested_lists():
    """Few pointers to 10^27 numbers."""
    lists = [[]]
    for _ in range(9):
        lists.append([lists[-1]] * 1000)
    return lists[-1]


ROWS = np.zeros((3, 3073), np.uint8)
SOUND = as_dict(ROWS, 1)
PICKLES = {
    "empty": b"",
    "text": b"<html>404\nnot found</html>\n",
    "cut": python3_pickle(SOUND)[:-700],
    "no dict": python3_pickle([1, 2]),
    "no data": python3_pickle({b"labels": [0]}),
    "fewer labels": python3_pickle({**SOUND, b"labels": [0]}),
    "words for labels": python3_pickle({**SOUND, b"labels": [b"cat", b"dog", b"frog"]}),
    "a label below 0": python3_pickle({**SOUND, b"labels": [0, 1, -1]}),
    "a label that fits no byte": python3_pickle({**SOUND, b"labels": [0, 1, 256]}),
    "flat data": python3_pickle({**SOUND, b"data": ROWS[:, 1:].ravel()}),
    "line break in the reason": b"\x80\x04c_codecs\nencode\n\x8c\x01x\x8c\x03a\nb\x86R.",
    "pointers to itself": python3_pickle({b"data": nested_lists(), b"labels": nested_lists()}),
}


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES)
def test_corrupt_pickle_is_rejected(tmp_path, records, content):
    write(tmp_path, "python", "cifar10", records["cifar10"])
    path = tmp_path / "data_batch_3"
    path.write_bytes(content)
    refusal(load(tmp_path), path, "again")


TEXT = b"X" + struct.pack("<I", 100000) + b"a" * 100000
BOMBS = {
    "a key of a million nested tuples": b"\x80\x02})" + b"\x85" * 1000000 + b"K\x01s.",
    "a text a hundred times": b"".join(
        [b"\x80\x02](", TEXT, b"q\x00"]
        + [b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"] * 100
        + [b"e."]
    ),
    "a memo of 2^31 entries": b"\x80\x02}r\xff\xff\xff\x7f",
    "an array of 10^12 bytes": b"\x80\x05}\x96" + struct.pack("<Q", 10**12),
}


def test_pickle_that_is_built_to_end_the_process_is_rejected(tmp_path, records):
    for number, bomb in enumerate(BOMBS.values()):
        write(tmp_path / str(number), "python", "cifar10", records["cifar10"])
        (tmp_path / str(number) / "data_batch_2").write_bytes(bomb)
    code = f"""
from common.errors import UserError
from data import cifar
for number in range({len(BOMBS)}):
    try:
        cifar.load("cifar10", f"{tmp_path}/{{number}}")
    except UserError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True)
    assert done.stdout.count("data_batch_2 is not a valid file") == len(BOMBS), done


class Call:
    """What unpickles as function(*arguments)."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("attack", ["os.system", "eval", "numpy.save"])
def test_pickle_that_runs_code_is_rejected_and_does_not_run(tmp_path, records, attack, protocol):
    trace = tmp_path / "trace.npy"
    evil = {
        "os.system": Call(os.system, f"echo > '{trace}'"),
        "eval": Call(eval, f"open({str(trace)!r}, 'w').close()"),
        "numpy.save": Call(np.save, str(trace), 0),
    }[attack]
    folder = tmp_path / "set"
    write(folder, "python", "cifar10", records["cifar10"])
    content = pickle.dumps({**SOUND, b"more": evil}, protocol)
    (folder / "test_batch").write_bytes(content)
    refusal(load(folder), folder / "test_batch", "official archive")
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists(), "the attack itself is broken, so that this test proves nothing"


@pytest.mark.parametrize(
    "module, name",
    [
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "_reconstruct.__call__"),
        ("codecs", "open"),
        ("two\nlines", "x"),
    ],
)
def test_dotted_name_does_not_lead_out_of_the_allowed_classes(tmp_path, records, module, name):
    write(tmp_path, "python", "cifar10", records["cifar10"])
    texts = (b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04" + b"".join(texts) + b"\x93.")
    refusal(load(tmp_path), tmp_path / "data_batch_1", "official archive")


@pytest.mark.parametrize("size", [7, 0, 64, -4, 2])
def test_image_size_that_does_not_divide_the_images_is_rejected(images, size):
    words = (f"--image-size {size}", "32, 16, 8 or 4")
    refusal(lambda: cifar.load("cifar10", images, size), *words)
