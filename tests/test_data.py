"""CIFAR's files, the generated set, augmentation and batches."""
import os
import pickle
import struct
import threading
import time

import numpy as np
import pytest

import training  # noqa: F401  sets MXNet's environment, so it comes before whatever imports MXNet
from data import augment, batches, cifar, generated
from errors import UserError

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


def refusal(call, *mentions):
    """The message of the UserError that call() raises: one line that has all of mentions."""
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert message.splitlines() == [message]
    for mention in mentions:
        assert str(mention) in message, message
    return message


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
    refusal(lambda: cifar.load("cifar10", tmp_path / "nowhere"), tmp_path / "nowhere", "test_batch.bin", "--data-dir")


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


# ---- augmentation


def within_5_sigma_of_equal(counts):
    """Pearson's chi-square of equal frequencies, normally approximated."""
    expected, freedom = counts.mean(), counts.size - 1
    return abs(((counts - expected) ** 2 / expected).sum() - freedom) < 5 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("padding", [4, 1])
def test_every_crop_and_flip_is_drawn_equally_often(padding):
    side = 2 * padding + 1
    counts = np.zeros((side, side, 2), int)
    for epoch in range(5):
        draws = augment.draw(11, epoch, 20000, padding)
        np.add.at(counts, (draws.top, draws.left, draws.flip.astype(int)), 1)
    assert counts.sum() == 100000 and within_5_sigma_of_equal(counts)


def test_what_a_sample_undergoes_is_drawn_anew_for_each_sample_and_epoch():
    draws = [augment.draw(11, epoch, 5000, 4) for epoch in range(4)]
    same_draw = [np.mean((a.top == b.top) & (a.left == b.left) & (a.flip == b.flip)) for a, b in zip(draws, draws[1:])]
    assert max(same_draw) < 1 / 162 + 5 * np.sqrt(1 / 162 / 5000)
    assert np.mean(draws[0].top == draws[0].left) < 1 / 9 + 5 * np.sqrt(1 / 9 / 5000)


def test_every_crop_and_flip_is_shown_equally_often():
    """Read back from the pixels: each picture says where its pixels come from."""
    images = np.zeros((1000, 3, 32, 32), np.uint8)
    images[:, 0], images[:, 1] = np.arange(32)[:, None] + 1, np.arange(32) + 1
    training_set = batches.TrainingBatches(images, np.zeros(1000, np.uint8), np.zeros((3, 32, 32), np.float32), 1000, 0)
    counts = np.zeros((9, 9, 2), int)
    for iteration in range(1, 11):
        shown, _ = training_set.batch(iteration)
        flip = shown[:, 1, 16, 16] > shown[:, 1, 16, 17]
        top, left = shown[:, 0, 16, 16] - 13, np.where(flip, shown[:, 1, 16, 15], shown[:, 1, 16, 16]) - 13
        np.add.at(counts, (top.astype(int), left.astype(int), flip.astype(int)), 1)
    assert counts.sum() == 10000 and within_5_sigma_of_equal(counts)


def test_border_is_exactly_zero_after_the_mean_is_subtracted():
    mean = np.random.RandomState(0).uniform(60, 200, (3, 32, 32)).astype(np.float32)
    augmenter = augment.Augmenter(np.full((1, 3, 32, 32), 255, np.uint8), mean, 4)
    for top in range(9):
        for left in range(9):
            shown = augmenter(np.array([0]), np.array([top]), np.array([left]), np.array([False]))[0]
            inside = np.zeros((32, 32), bool)
            inside[max(4 - top, 0):36 - top, max(4 - left, 0):36 - left] = True
            assert (shown[:, ~inside] == 0).all() and (shown[:, inside] > 50).all(), (top, left)


@pytest.mark.parametrize("size, padding", [(32, 4), (16, 2), (8, 1), (4, 0)])
def test_shown_pictures_equal_a_slow_pad_crop_and_flip(size, padding):
    state = np.random.RandomState(5)
    images, labels = state.randint(0, 256, (40, 3, size, size)).astype(np.uint8), state.randint(0, 10, 40).astype(np.uint8)
    mean = images.mean(0).astype(np.float32)
    untouched = images.copy()
    training_set = batches.TrainingBatches(images, labels, mean, 16, 9)
    seen = set()
    for iteration in range(1, 6):
        shown, shown_labels = training_set.batch(iteration)
        assert shown.dtype == shown_labels.dtype == np.float32 and shown.shape == (16, 3, size, size)
        for picture, label, (epoch, sample) in zip(shown, shown_labels, training_set.samples(iteration)):
            draws = augment.draw(9, epoch, 40, padding)
            top, left, flip = draws.top[sample], draws.left[sample], draws.flip[sample]
            padded = np.zeros((3, size + 2 * padding, size + 2 * padding), np.float32)
            padded[:, padding:padding + size, padding:padding + size] = images[sample].astype(np.float32) - mean
            expected = padded[:, top:top + size, left:left + size]
            assert np.array_equal(picture, expected[:, :, ::-1] if flip else expected)
            assert label == labels[sample]
            seen.add((top, left, flip))
    assert len(seen) > min(2 * (2 * padding + 1) ** 2, 60) // 2
    assert np.array_equal(images, untouched)


# ---- batches


def training_batches(samples=50, batch_size=16, seed=0, size=8):
    state = np.random.RandomState(2)
    images = state.randint(0, 256, (samples, 3, size, size)).astype(np.uint8)
    return batches.TrainingBatches(images, np.arange(samples).astype(np.uint8), images.mean(0).astype(np.float32), batch_size, seed)


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_batch_is_the_same_whatever_was_asked_for_before():
    asked = training_batches()
    for iteration in (4, 1, 30, 2, 30, 7, 8, 1, 29, 100, 4):
        assert equal(asked.batch(iteration), training_batches().batch(iteration)), iteration


@pytest.mark.parametrize("batch_size", [16, 50, 1, 120])
def test_epoch_shows_each_sample_once_even_if_the_batch_does_not_divide_it(batch_size):
    training_set = training_batches(batch_size=batch_size)
    iterations = range(1, 4 * 50 // batch_size + 2)
    shown = [pair for iteration in iterations for pair in training_set.samples(iteration)]
    labels = np.concatenate([training_set.batch(iteration)[1] for iteration in iterations])
    assert all(len(training_set.samples(iteration)) == batch_size for iteration in iterations) and len(shown) >= 200
    assert [sample for _, sample in shown] == labels.tolist()
    orders = []
    for epoch in range(4):
        here = shown[50 * epoch:50 * (epoch + 1)]
        assert [number for number, _ in here] == [epoch] * 50
        orders.append([sample for _, sample in here])
        assert sorted(orders[-1]) == list(range(50))
    assert len(set(map(tuple, orders))) == 4, "two epochs have the same order"


def test_other_seed_gives_other_batches():
    one, other = training_batches(seed=0), training_batches(seed=1)
    assert one.samples(1) != other.samples(1)
    draws = [augment.draw(seed, 0, 50, 4) for seed in (0, 1)]
    assert not any(np.array_equal(a, b) for a, b in zip(*draws))


def test_epochs_differ_in_order_crops_and_flips():
    draws = [augment.draw(0, epoch, 50, 4) for epoch in (0, 1)]
    assert not any(np.array_equal(a, b) for a, b in zip(*draws))


@pytest.mark.parametrize("first, last", [(1, 9), (5, 12), (3, 3), (4, 5)])
def test_stream_gives_exactly_the_batches_asked_for_in_order(first, last):
    streamed = list(training_batches().stream(first, last))
    assert len(streamed) == last - first + 1
    for iteration, batch in enumerate(streamed, first):
        arrays = batch.data[0].asnumpy(), batch.label[0].asnumpy()
        assert equal(arrays, training_batches().batch(iteration)), iteration
        assert batch.pad == 0 and arrays[0].dtype == arrays[1].dtype == np.float32


def test_stream_of_nothing_is_empty():
    assert list(training_batches().stream(5, 4)) == []


@pytest.mark.parametrize("how", ["close", "drop", "error"])
def test_stream_abandoned_early_leaves_no_thread(how):
    before = set(threading.enumerate())
    stream = training_batches().stream(1, 10**9)
    next(stream), next(stream)
    assert set(threading.enumerate()) - before, "nothing is prepared in the background"
    if how == "close":
        stream.close()
    elif how == "drop":
        del stream
    else:
        with pytest.raises(KeyboardInterrupt):
            stream.throw(KeyboardInterrupt)
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


def test_failure_in_the_background_reaches_whoever_reads_the_stream(monkeypatch):
    training_set = training_batches()
    good = training_set.batch

    def batch(iteration):
        if iteration == 3:
            raise MemoryError("no room")
        return good(iteration)

    monkeypatch.setattr(training_set, "batch", batch)
    stream = training_set.stream(1, 10)
    next(stream), next(stream)
    with pytest.raises(MemoryError, match="no room"):
        next(stream)


@pytest.mark.parametrize("batch_size", [16, 7, 40, 100])
def test_test_set_that_no_batch_divides_is_covered_once_in_order(batch_size):
    state = np.random.RandomState(4)
    images, labels = state.randint(0, 256, (37, 3, 4, 4)).astype(np.uint8), (np.arange(37) % 10).astype(np.uint8)
    mean = images.mean(0).astype(np.float32)
    iterator = batches.test_batches(images, labels, mean, batch_size)
    for _ in range(2):  # a second pass, too, starts at the beginning
        iterator.reset()
        all_batches = list(iterator)
        assert [batch.pad for batch in all_batches] == [0] * (37 // batch_size) + [batch_size - 37 % batch_size]
        assert all(batch.data[0].shape == (batch_size, 3, 4, 4) for batch in all_batches)
        shown = np.concatenate([batch.data[0].asnumpy()[:batch_size - batch.pad] for batch in all_batches])
        shown_labels = np.concatenate([batch.label[0].asnumpy()[:batch_size - batch.pad] for batch in all_batches])
        assert np.array_equal(shown, images.astype(np.float32) - mean) and np.array_equal(shown_labels, labels)


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
