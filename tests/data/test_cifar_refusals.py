"""Files that are not CIFAR, corrupt or malicious are rejected in one line."""

import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from cifar_files import (
    LABEL_BYTES,
    as_dict,
    python3_pickle,
    write,
    write_binary,
    write_python,
)
from conftest import ROOT, refusal

from data import cifar


def test_missing_folder_is_rejected_with_a_way_to_name_it(tmp_path):
    refusal(
        lambda: cifar.load("cifar10", tmp_path / "nowhere"),
        tmp_path / "nowhere",
        "does not exist",
        "--data-dir",
    )
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, "test_batch.bin", "--data-dir")


@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("missing", ["data_batch_3", "test_batch"])
def test_missing_file_is_named(tmp_path, records, version, missing):
    _, ending = write(tmp_path, version, "cifar10", records["cifar10"])
    (tmp_path / (missing + ending)).unlink()
    lacks = f"lacks {missing}{ending} "
    message = refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, lacks, "copy")
    assert "data_batch_1" not in message


@pytest.mark.parametrize("name", ["data_batch_2.bin", "test_batch.bin"])
def test_file_cut_within_a_record_is_rejected(tmp_path, records, name):
    write_binary(tmp_path, records["cifar10"])
    os.truncate(tmp_path / name, 50 * 3073 + 1001)
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path / name, "truncated", "again")


@pytest.mark.parametrize("version, count", [("binary", 99), ("binary", 0), ("python", 99)])
@pytest.mark.parametrize(
    "dataset, name",
    [
        ("cifar10", "data_batch_4"),
        ("cifar10", "test_batch"),
        ("cifar100", "train"),
        ("cifar100", "test"),
    ],
)
def test_file_cut_between_two_records_is_rejected(tmp_path, records, dataset, name, version, count):
    content = {key: rows[:count] if key == name else rows for key, rows in records[dataset].items()}
    write(tmp_path, version, dataset, content)
    refusal(lambda: cifar.load(dataset, tmp_path), tmp_path, name, "truncated", "again")


def test_set_of_empty_files_is_rejected(tmp_path, records):
    write_binary(tmp_path, {name: rows[:0] for name, rows in records["cifar10"].items()})
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, "again")


@pytest.mark.parametrize("version", ["binary", "python"])
def test_file_larger_than_any_of_cifar_is_rejected_before_it_is_read(tmp_path, records, version):
    _, ending = write(tmp_path, version, "cifar10", records["cifar10"])
    path = tmp_path / f"data_batch_2{ending}"
    os.truncate(path, 100_000_000_000)  # a sparse file
    refusal(lambda: cifar.load("cifar10", tmp_path), path, "100,000,000,000 bytes", "again")


def test_pickle_of_pointers_to_itself_does_not_fill_the_memory(tmp_path, records):
    write_python(tmp_path, records["cifar10"], 1)
    lists = [[]]
    for _ in range(9):
        lists.append([lists[-1]] * 1000)
    (tmp_path / "data_batch_1").write_bytes(
        python3_pickle({b"data": lists[-1], b"labels": lists[-1]})
    )
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path / "data_batch_1", "again")


@pytest.mark.parametrize(
    "dataset, name, label", [("cifar10", "data_batch_2", 10), ("cifar100", "test", 100)]
)
@pytest.mark.parametrize("version", ["binary", "python"])
def test_label_without_a_class_is_rejected(tmp_path, records, dataset, name, label, version):
    content = {key: rows.copy() for key, rows in records[dataset].items()}
    content[name][13, LABEL_BYTES[dataset] - 1] = label
    _, ending = write(tmp_path, version, dataset, content)
    path = tmp_path / (name + ending)
    refusal(lambda: cifar.load(dataset, tmp_path), path, "image 13", f"label {label}", "again")


@pytest.mark.parametrize("label", [-1, 256])
def test_label_that_fits_no_byte_is_not_wrapped_around(tmp_path, records, label):
    write_python(tmp_path, records["cifar10"], 1)
    content = as_dict(records["cifar10"]["test_batch"], 1)
    content[b"labels"][5] = label
    (tmp_path / "test_batch").write_bytes(python3_pickle(content))
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path / "test_batch", "again")


def broken_pickles():
    rows = np.zeros((3, 3073), np.uint8)
    whole = as_dict(rows, 1)
    return {
        "empty": b"",
        "text": b"<html>404\nnot found</html>\n",
        "cut": python3_pickle(whole)[:-700],
        "no dict": python3_pickle([1, 2]),
        "no data": python3_pickle({b"labels": [0]}),
        "fewer labels": python3_pickle({**whole, b"labels": [0]}),
        "words for labels": python3_pickle({**whole, b"labels": [b"cat", b"dog", b"frog"]}),
        "flat data": python3_pickle({**whole, b"data": rows[:, 1:].ravel()}),
        "line break in the reason": b"\x80\x04c_codecs\nencode\n\x8c\x01x\x8c\x03a\nb\x86R.",
    }


@pytest.mark.parametrize("content", broken_pickles().values(), ids=broken_pickles())
def test_broken_pickle_is_rejected(tmp_path, records, content):
    write_python(tmp_path, records["cifar10"], 1)
    path = tmp_path / "data_batch_3"
    path.write_bytes(content)
    refusal(lambda: cifar.load("cifar10", tmp_path), path, "again")


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


@pytest.mark.parametrize("bomb", BOMBS)
def test_pickle_that_is_built_to_end_the_process_is_rejected(tmp_path, records, bomb):
    write_python(tmp_path, records["cifar10"], 1)
    (tmp_path / "data_batch_2").write_bytes(BOMBS[bomb])
    code = f"from data import cifar; cifar.load('cifar10', {str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 1 and "UserError" in done.stderr, done
    assert "data_batch_2 is not a sound file" in done.stderr, done


def test_superclass_that_does_not_exist_is_rejected(tmp_path, records):
    write_binary(tmp_path, records["cifar100"])
    content = bytearray((tmp_path / "train.bin").read_bytes())
    content[0] = 250
    (tmp_path / "train.bin").write_bytes(content)
    refusal(lambda: cifar.load("cifar100", tmp_path), "train.bin is corrupt", "20 superclasses")


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
    write_python(folder, records["cifar10"], 1)
    content = pickle.dumps(
        {**as_dict(records["cifar10"]["test_batch"], 1), b"more": evil}, protocol
    )
    (folder / "test_batch").write_bytes(content)
    refusal(lambda: cifar.load("cifar10", folder), folder / "test_batch", "official archive")
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists(), "the attack itself is broken, so that this test proves nothing"


def test_dotted_name_does_not_lead_out_of_the_allowed_classes(tmp_path, records):
    write_python(tmp_path, records["cifar10"], 1)
    for module, name in (
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "_reconstruct.__call__"),
        ("codecs", "open"),
        ("two\nlines", "x"),
    ):
        (tmp_path / "data_batch_1").write_bytes(
            b"\x80\x04"
            + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
            + b"\x93."
        )
        refusal(
            lambda: cifar.load("cifar10", tmp_path), tmp_path / "data_batch_1", "official archive"
        )


@pytest.mark.parametrize("size", [7, 0, 64, -4, 2])
def test_image_size_that_does_not_divide_the_pictures_is_rejected(images, size):
    refusal(
        lambda: cifar.load("cifar10", images, image_size=size),
        f"--image-size {size}",
        "32, 16, 8 or 4",
    )
