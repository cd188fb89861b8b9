"""Small sets in CIFAR's layouts that the tests write themselves."""

import pickle
import struct

import numpy as np
import pytest

TRAIN_FILES = {"cifar10": [f"data_batch_{k}" for k in range(1, 6)], "cifar100": ["train"]}
LABEL_BYTES = {"cifar10": 1, "cifar100": 2}


@pytest.fixture(scope="session")
def records(images):
    """{dataset: {file name without extension: uint8 records}} of a small CIFAR-10 and CIFAR-100."""
    names = [*TRAIN_FILES["cifar10"], "test_batch"]
    ten = {name: np.fromfile(images / f"{name}.bin", np.uint8).reshape(-1, 3073) for name in names}
    state = np.random.RandomState(1)

    def hundred(count):
        fine = state.permutation(np.arange(count) % 100)[:, None]
        pixels = state.randint(0, 256, (count, 3072))
        return np.concatenate([fine // 5, fine, pixels], 1).astype(np.uint8)

    return {"cifar10": ten, "cifar100": {"train": hundred(500), "test": hundred(100)}}


def as_dict(rows, label_bytes):
    """The content of a file of the Python version."""
    keys = [b"labels"] if label_bytes == 1 else [b"coarse_labels", b"fine_labels"]
    return {
        b"batch_label": b"training batch",
        **{key: column.tolist() for key, column in zip(keys, rows.T)},
        b"data": rows[:, label_bytes:].copy(),
        b"filenames": [b"picture_%d.png" % k for k in range(len(rows))],
    }


def python3_pickle(content):
    return pickle.dumps(content, protocol=2)


def python2_pickle(value):
    """Opcode for opcode what Python 2's cPickle and NumPy 1 wrote, as in the official archives
    (memo left out).
    """

    def write(value):
        if isinstance(value, dict):
            return b"}(" + b"".join(write(k) + write(v) for k, v in value.items()) + b"u"
        if isinstance(value, list):
            return b"](" + b"".join(map(write, value)) + b"e"
        if isinstance(value, bytes):
            return b"U" + bytes([len(value)]) + value
        if isinstance(value, int):
            return b"K" + bytes([value])
        return (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
            + b"".join(b"J" + struct.pack("<i", size) for size in value.shape)
            + b"\x86"
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            b"\x89T" + struct.pack("<i", value.nbytes) + value.tobytes() + b"tb"
        )

    return b"\x80\x02" + write(value) + b"."


def write(folder, version, dataset, content, dump=python3_pickle):
    """Write {file name without extension: records}. Returns the files' extension."""
    folder.mkdir(parents=True, exist_ok=True)
    ending = ".bin" if version == "binary" else ""
    for name, rows in content.items():
        python = dump(as_dict(rows, LABEL_BYTES[dataset])) if version == "python" else None
        (folder / f"{name}{ending}").write_bytes(python or rows.tobytes())
    return ending


def same(first, other):
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        a, b = getattr(first, name), getattr(other, name)
        assert a.dtype == b.dtype and np.array_equal(a, b), name
    assert first.fingerprint == other.fingerprint and first.classes == other.classes
