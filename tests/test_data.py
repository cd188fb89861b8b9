"""CIFAR's files in both versions, refusals, smaller and held-out pictures, the generated set."""
import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, refusal

from data import cifar, generated

TRAIN_FILES = {"cifar10": [f"data_batch_{k}" for k in range(1, 6)], "cifar100": ["train"]}
TEST_FILE = {"cifar10": "test_batch", "cifar100": "test"}
LABEL_BYTES = {"cifar10": 1, "cifar100": 2}


# ---- sets that the tests write themselves


@pytest.fixture(scope="module")
def generated_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    generated.write(folder, images=600)
    return folder


@pytest.fixture(scope="module")
def records(generated_folder):
    """{dataset: {file name without extension: uint8 records}} of a small CIFAR-10 and a small CIFAR-100."""
    names = [*TRAIN_FILES["cifar10"], TEST_FILE["cifar10"]]
    ten = {name: np.fromfile(generated_folder / f"{name}.bin", np.uint8).reshape(-1, 3073) for name in names}
    state = np.random.RandomState(1)

    def hundred(count):
        fine = state.permutation(np.arange(count) % 100)
        return np.concatenate([(fine // 5)[:, None], fine[:, None], state.randint(0, 256, (count, 3072))], 1).astype(np.uint8)

    return {"cifar10": ten, "cifar100": {"train": hundred(500), "test": hundred(100)}}


def write_binary(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in content.items():
        (folder / f"{name}.bin").write_bytes(rows.tobytes())


def as_dict(rows, label_bytes):
    """What the Python version's files hold."""
    labels = [column.tolist() for column in rows[:, :label_bytes].T]
    keys = [b"labels"] if label_bytes == 1 else [b"coarse_labels", b"fine_labels"]
    names = [b"picture_%d.png" % k for k in range(len(rows))]
    return {b"batch_label": b"training batch", **dict(zip(keys, labels)), b"data": rows[:, label_bytes:].copy(),
            b"filenames": names}


def python3_pickle(content):
    return pickle.dumps(content, protocol=2)


def python2_pickle(value):
    """Opcode for opcode what Python 2's cPickle and NumPy 1 wrote, as in the official archives (memo left out)."""
    def write(value):
        if isinstance(value, dict):
            return b"}(" + b"".join(write(k) + write(v) for k, v in value.items()) + b"u"
        if isinstance(value, list):
            return b"](" + b"".join(map(write, value)) + b"e"
        if isinstance(value, bytes):
            return b"U" + bytes([len(value)]) + value
        if isinstance(value, int):
            return b"K" + bytes([value])
        return (b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
                b"(K\x01" + b"".join(b"J" + struct.pack("<i", size) for size in value.shape) + b"\x86"
                b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
                b"\x89T" + struct.pack("<i", value.nbytes) + value.tobytes() + b"tb")
    return b"\x80\x02" + write(value) + b"."


def write_python(folder, content, label_bytes, dump=python3_pickle):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in content.items():
        (folder / name).write_bytes(dump(as_dict(rows, label_bytes)))


def same(one, other):
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype and np.array_equal(a, b), name
    assert one.fingerprint == other.fingerprint and one.classes == other.classes


# ---- reading


def test_generated_set_loads_with_the_pixels_and_labels_that_were_written(generated_folder, records):
    dataset = cifar.load("cifar10", generated_folder)
    train = np.concatenate([records["cifar10"][name] for name in TRAIN_FILES["cifar10"]])
    assert dataset.train_images.shape == (500, 3, 32, 32) and dataset.test_images.shape == (100, 3, 32, 32)
    assert dataset.train_images.dtype == dataset.train_labels.dtype == np.uint8
    assert np.array_equal(dataset.train_images.reshape(500, -1), train[:, 1:])
    assert np.array_equal(dataset.train_labels, train[:, 0])
    assert np.array_equal(dataset.test_labels, records["cifar10"]["test_batch"][:, 0])
    # the binary version has all red bytes first, row by row
    assert dataset.test_images[7, 2, 3, 4] == records["cifar10"]["test_batch"][7, 1 + 2 * 1024 + 3 * 32 + 4]
    assert dataset.classes == 10 and "generated shapes" in dataset.name


@pytest.mark.parametrize("dump", [python3_pickle, python2_pickle])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_binary_and_python_version_load_to_the_same_arrays_and_fingerprint(tmp_path, records, name, dump):
    write_binary(tmp_path / "binary", records[name])
    write_python(tmp_path / "python", records[name], LABEL_BYTES[name], dump)
    one, other = cifar.load(name, tmp_path / "binary"), cifar.load(name, tmp_path / "python")
    assert len(one.train_labels) == 500 and len(one.test_labels) == 100
    same(one, other)


@pytest.mark.parametrize("version", ["binary", "python"])
def test_class_of_a_cifar100_picture_is_its_fine_label(tmp_path, records, version):
    if version == "binary":
        write_binary(tmp_path, records["cifar100"])
    else:
        write_python(tmp_path, records["cifar100"], 2)
    dataset = cifar.load("cifar100", tmp_path)
    assert dataset.classes == 100
    assert np.array_equal(dataset.train_labels, records["cifar100"]["train"][:, 1])
    assert np.array_equal(dataset.test_labels, records["cifar100"]["test"][:, 1])
    assert np.array_equal(dataset.test_images.reshape(100, -1), records["cifar100"]["test"][:, 2:])


@pytest.mark.parametrize("name, inside", [("cifar10", "cifar-10-batches-bin"), ("cifar10", "cifar-10-batches-py"),
                                          ("cifar100", "cifar-100-binary"), ("cifar100", "cifar-100-python")])
def test_official_archives_folder_is_found_below_the_folder_given(tmp_path, records, name, inside):
    if "bin" in inside:
        write_binary(tmp_path / inside, records[name])
    else:
        write_python(tmp_path / inside, records[name], LABEL_BYTES[name])
    same(cifar.load(name, tmp_path), cifar.load(name, tmp_path / inside))


def test_fingerprint_changes_with_one_pixel_and_not_with_image_size(tmp_path, records):
    write_binary(tmp_path, records["cifar100"])
    before = cifar.load("cifar100", tmp_path).fingerprint
    assert cifar.load("cifar100", tmp_path, image_size=8).fingerprint == before
    changed = {name: rows.copy() for name, rows in records["cifar100"].items()}
    changed["train"][123, 2000] ^= 1
    write_binary(tmp_path, changed)
    assert cifar.load("cifar100", tmp_path).fingerprint != before


def test_set_in_the_working_folder_has_a_name(tmp_path, records, monkeypatch):
    write_binary(tmp_path / "mine", records["cifar10"])
    monkeypatch.chdir(tmp_path / "mine")
    assert cifar.load("cifar10", ".").name.startswith("mine (500 + 100 images")


# ---- refusing


def test_missing_folder_is_refused_with_a_way_to_name_it(tmp_path):
    refusal(lambda: cifar.load("cifar10", tmp_path / "nowhere"), tmp_path / "nowhere", "no folder", "--data-dir")
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, "test_batch.bin", "--data-dir")


@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("missing", ["data_batch_3", "test_batch"])
def test_missing_file_is_named(tmp_path, records, version, missing):
    if version == "binary":
        write_binary(tmp_path, records["cifar10"])
    else:
        write_python(tmp_path, records["cifar10"], 1)
    name = missing + (".bin" if version == "binary" else "")
    (tmp_path / name).unlink()
    message = refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, f"lacks {name} ", "copy")
    assert "data_batch_1" not in message


@pytest.mark.parametrize("name", ["data_batch_2.bin", "test_batch.bin"])
def test_file_cut_in_the_middle_of_a_record_is_refused(tmp_path, records, name):
    write_binary(tmp_path, records["cifar10"])
    path = tmp_path / name
    os.truncate(path, 50 * 3073 + 1001)
    refusal(lambda: cifar.load("cifar10", tmp_path), path, "truncated", "again")


@pytest.mark.parametrize("version, count", [("binary", 99), ("binary", 0), ("python", 99)])
@pytest.mark.parametrize("dataset, name", [("cifar10", "data_batch_4"), ("cifar10", "test_batch"),
                                           ("cifar100", "train"), ("cifar100", "test")])
def test_file_cut_between_two_records_is_refused(tmp_path, records, dataset, name, version, count):
    content = {key: rows[:count] if key == name else rows for key, rows in records[dataset].items()}
    if version == "binary":
        write_binary(tmp_path, content)
    else:
        write_python(tmp_path, content, LABEL_BYTES[dataset])
    refusal(lambda: cifar.load(dataset, tmp_path), tmp_path, name, "truncated", "again")


@pytest.mark.parametrize("version", ["binary", "python"])
def test_file_larger_than_any_of_cifar_is_refused_unread(tmp_path, records, version):
    if version == "binary":
        write_binary(tmp_path, records["cifar10"])
    else:
        write_python(tmp_path, records["cifar10"], 1)
    path = tmp_path / ("data_batch_2" + (".bin" if version == "binary" else ""))
    os.truncate(path, 100_000_000_000)  # no disk has to hold what was never written
    refusal(lambda: cifar.load("cifar10", tmp_path), path, "100,000,000,000 bytes", "again")


def test_pickle_of_pointers_to_itself_does_not_fill_the_memory(tmp_path, records):
    write_python(tmp_path, records["cifar10"], 1)
    lists = [[]]
    for _ in range(9):
        lists.append([lists[-1]] * 1000)
    (tmp_path / "data_batch_1").write_bytes(python3_pickle({b"data": lists[-1], b"labels": lists[-1]}))
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path / "data_batch_1", "again")


def test_set_of_empty_files_is_refused(tmp_path, records):
    write_binary(tmp_path, {name: rows[:0] for name, rows in records["cifar10"].items()})
    refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path, "again")


@pytest.mark.parametrize("dataset, name, label", [("cifar10", "data_batch_2", 10), ("cifar100", "test", 100)])
@pytest.mark.parametrize("version", ["binary", "python"])
def test_label_of_no_class_is_refused(tmp_path, records, dataset, name, label, version):
    content = {key: rows.copy() for key, rows in records[dataset].items()}
    content[name][13, LABEL_BYTES[dataset] - 1] = label
    if version == "binary":
        write_binary(tmp_path, content)
    else:
        write_python(tmp_path, content, LABEL_BYTES[dataset])
    path = tmp_path / (name + (".bin" if version == "binary" else ""))
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
    return {"empty": b"", "text": b"<html>404\nnot found</html>\n", "cut": python3_pickle(whole)[:-700],
            "no dict": python3_pickle([1, 2]), "no data": python3_pickle({b"labels": [0]}),
            "fewer labels": python3_pickle({**whole, b"labels": [0]}),
            "words for labels": python3_pickle({**whole, b"labels": [b"cat", b"dog", b"frog"]}),
            "flat data": python3_pickle({**whole, b"data": rows[:, 1:].ravel()}),
            "line break in the reason": b"\x80\x04c_codecs\nencode\n\x8c\x01x\x8c\x03a\nb\x86R."}


@pytest.mark.parametrize("content", broken_pickles().values(), ids=broken_pickles())
def test_broken_pickle_is_refused(tmp_path, records, content):
    write_python(tmp_path, records["cifar10"], 1)
    path = tmp_path / "data_batch_3"
    path.write_bytes(content)
    refusal(lambda: cifar.load("cifar10", tmp_path), path, "again")


def test_pickle_that_is_built_to_end_the_process_is_refused(tmp_path, records):
    write_python(tmp_path, records["cifar10"], 1)
    text = b"X" + struct.pack("<I", 100000) + b"a" * 100000
    for content in (b"\x80\x02})" + b"\x85" * 1000000 + b"K\x01s.",  # a key of a million tuples in each other: hashing it recurses
                    b"\x80\x02](" + text + b"q\x00" + b"".join(
                        [b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"] * 100) + b"e."):  # a text a hundred times
        (tmp_path / "data_batch_2").write_bytes(content)
        done = subprocess.run([sys.executable, "-c", f"from data import cifar; cifar.load('cifar10', {str(tmp_path)!r})"], cwd=ROOT,
                              text=True, capture_output=True)
        assert done.returncode == 1 and "UserError" in done.stderr and "data_batch_2 is no sound file" in done.stderr, done


def test_superclass_that_does_not_exist_is_refused(tmp_path, records):
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
def test_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, records, attack, protocol):
    trace = tmp_path / "trace.npy"
    evil = {"os.system": Call(os.system, f"echo > '{trace}'"), "eval": Call(eval, f"open({str(trace)!r}, 'w').close()"),
            "numpy.save": Call(np.save, str(trace), 0)}[attack]
    folder = tmp_path / "set"
    write_python(folder, records["cifar10"], 1)
    content = pickle.dumps({**as_dict(records["cifar10"]["test_batch"], 1), b"more": evil}, protocol)
    (folder / "test_batch").write_bytes(content)
    refusal(lambda: cifar.load("cifar10", folder), folder / "test_batch", "official archive")
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists(), "the attack itself is broken, so that this test proves nothing"


def test_dotted_name_does_not_lead_out_of_the_allowed_classes(tmp_path, records):
    write_python(tmp_path, records["cifar10"], 1)
    for module, name in (("numpy", "ndarray.tofile"), ("numpy.core.multiarray", "_reconstruct.__call__"),
                         ("codecs", "open"), ("two\nlines", "x")):
        (tmp_path / "data_batch_1").write_bytes(
            b"\x80\x04" + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93.")
        refusal(lambda: cifar.load("cifar10", tmp_path), tmp_path / "data_batch_1", "official archive")


@pytest.mark.parametrize("size", [7, 0, 64, -4, 2])
def test_image_size_that_does_not_divide_the_pictures_is_refused(generated_folder, size):
    refusal(lambda: cifar.load("cifar10", generated_folder, image_size=size), f"--image-size {size}", "32, 16, 8 or 4")


# ---- smaller pictures, held-out pictures


@pytest.mark.parametrize("size", [16, 8, 4])
def test_smaller_picture_is_the_rounded_mean_of_each_block(size):
    images = np.random.RandomState(0).randint(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    images[0, 0], images[0, 1] = 255, 0  # the largest sums, the smallest
    small, block = cifar.block_average(images, size), 32 // size
    assert small.dtype == np.uint8 and small.shape == (3, 3, size, size)
    for index in np.ndindex(*small.shape):
        n, channel, y, x = index
        pixels = [int(images[n, channel, block * y + i, block * x + j]) for i in range(block) for j in range(block)]
        assert small[index] == int(sum(pixels) / len(pixels) + 0.5), index


def test_size_32_leaves_every_pixel_as_it_is(generated_folder):
    images = cifar.load("cifar10", generated_folder).test_images
    assert np.array_equal(cifar.block_average(images, 32), images)
    assert np.array_equal(cifar.load("cifar10", generated_folder, image_size=8).test_images, cifar.block_average(images, 8))


def test_held_out_tenth_and_the_rest_are_disjoint_and_together_the_training_set(generated_folder):
    dataset = cifar.load("cifar10", generated_folder)
    split = cifar.split_validation(dataset, 3)
    assert len(split.train_images) == len(split.train_labels) == 450 and len(split.test_images) == len(split.test_labels) == 50

    def rows(images, labels):
        return {(picture.tobytes(), label) for picture, label in zip(images, labels)}

    whole = rows(dataset.train_images, dataset.train_labels)
    kept, held_out = rows(split.train_images, split.train_labels), rows(split.test_images, split.test_labels)
    assert len(whole) == 500 and not kept & held_out and kept | held_out == whole
    assert split.name != dataset.name


def test_held_out_tenth_depends_on_the_seed_and_on_nothing_else(generated_folder):
    dataset = cifar.load("cifar10", generated_folder)
    same(cifar.split_validation(dataset, 3), cifar.split_validation(dataset, 3))
    others = [cifar.split_validation(dataset, seed).test_images for seed in (3, 4, 5)]
    assert not any(np.array_equal(others[a], others[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


# ---- the generated set


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_generated_set_is_the_same_for_the_same_seed_and_another_for_another(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        generated.write(tmp_path / name, images=120, seed=seed)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b and a.keys() == c.keys()
    binaries = [content for name, content in [*a.items(), *c.items()] if name.endswith(".bin")]
    assert len(binaries) == 12 and len(set(binaries)) == 12, "two files, or two seeds, have the same pictures"


def test_generated_set_has_all_ten_classes_equally_often_in_every_file(records):
    for name, rows in records["cifar10"].items():
        assert np.bincount(rows[:, 0], minlength=10).tolist() == [10] * 10, name
        assert len({row.tobytes() for row in rows[:, 1:]}) == 100, f"{name} repeats pictures"


def test_generated_classes_need_both_shape_and_colour(generated_folder):
    pairs = [name.split(" ") for name in (generated_folder / "batches.meta.txt").read_text().splitlines()]
    assert sorted(map(tuple, pairs)) == sorted((colour, shape) for colour in ("cool", "warm") for shape in generated.SHAPES)
    assert len(set(generated.SHAPES)) == 5
    images, labels = generated.pictures(400, np.random.RandomState(0))
    centre = images[:, :, 12:20, 12:20].astype(int).mean((2, 3))
    redness = centre[:, 0] - centre[:, 2]
    for k in range(0, 10, 2):
        warm, cool = redness[labels == k], redness[labels == k + 1]
        assert pairs[k][0] == "warm" and pairs[k][1] == pairs[k + 1][1] and warm.mean() > cool.mean() + 10, pairs[k]
