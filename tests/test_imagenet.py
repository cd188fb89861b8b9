"""ImageNet from a folder of files to its errors: prepared, trained, stopped, resumed and tested on small trees of real JPEGs."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT, refusal
from PIL import Image

import train_imagenet
from common import files
from common.environment import without_notes
from data import crops, folders, imagenet
from data.crops import CropBatches, TestCrops
from paper import experiments, runs
from plots import tables
from symbols import get_symbol, pretrained
from training import checkpoint
from training.evaluate import evaluate
from training.log import read_log
from training.state import collect

SIDE = 137  # what crops of 64 need: 480 of 224


def picture(path, width, height, colour=(128, 128, 128), mode="RGB", kind="JPEG", seed=0):
    state = np.random.RandomState(seed)
    blocks = np.clip(np.array(colour) + state.randint(-50, 50, (5, 4, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(blocks).resize((width, height), Image.BICUBIC).convert(mode).save(path, kind, quality=92)


def tree(folder, classes=3, train=12, val=4):
    """train/<class>/ and val/<class>/ with pictures of odd sizes, kinds and names."""
    for label in range(classes):
        colour = [(230, 40, 40), (40, 230, 40), (40, 40, 230), (200, 200, 40)][label % 4]
        for split, count in (("train", train), ("val", val)):
            for i in range(count):
                mode = {1: "L", 2: "CMYK"}.get(i, "RGB")
                picture(folder / split / f"class {label}" / f"a picture {i}.JPEG", 60 + 17 * i, 190 - 11 * i, colour, mode,
                        "PNG" if i == 3 and mode == "RGB" else "JPEG", seed=100 * label + i)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return tree(tmp_path_factory.mktemp("tree of pictures"))


@pytest.fixture(scope="module")
def prepared(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    return imagenet.prepare(source, folder, SIDE, workers=2), folder


def decoded(records, i):
    reader = mx.recordio.MXIndexedRecordIO(str(records.index), str(records.path), "r")
    header, jpeg = mx.recordio.unpack(reader.read_idx(i))
    return header, mx.image.imdecode(jpeg).asnumpy()


# --- preparation ---

def test_every_picture_is_there_once_with_its_class_and_shorter_side(source, prepared):
    made, folder = prepared
    assert (len(made.train_images), len(made.test_images), made.classes) == (36, 12, 3)
    listed = [line.split("\t") for line in (folder / "train.lst").read_text().splitlines()]
    assert sorted(path for _, _, path in listed) == sorted(
        os.path.relpath(path, source) for path in (source / "train").glob("*/*"))
    means = []
    for i, (number, label, path) in enumerate(listed):
        header, pixels = decoded(made.train_images, i)
        assert (header.id, header.label, made.train_images.labels[i]) == (int(number), float(label), float(label))
        assert path.startswith(f"train/class {int(float(label))}/")
        with Image.open(source / path) as image:
            width, height = image.size
        assert min(pixels.shape[:2]) == SIDE and abs(pixels.shape[1] / pixels.shape[0] - width / height) < 0.02
        means.append(pixels.mean(axis=(0, 1)))
    assert np.allclose(made.mean, np.mean(means, axis=0), atol=1)
    assert not list(folder.glob("*.partial"))


def test_im2rec_reader_of_mxnet_reads_it(prepared):
    made, folder = prepared
    rows = mx.io.ImageRecordIter(path_imgrec=str(folder / "train.rec"), path_imgidx=str(folder / "train.idx"),
                                 data_shape=(3, 64, 64), batch_size=36, verbose=False)
    assert (rows.next().label[0].asnumpy() == made.train_images.labels).all()


def test_colours_survive_grey_and_cmyk(tmp_path):
    for mode in ("RGB", "L", "CMYK", "RGBA", "P"):
        path = tmp_path / f"{mode}.img"
        Image.new("RGB", (90, 70), (200, 100, 50)).convert(mode).save(path, "JPEG" if mode in ("RGB", "L", "CMYK") else "PNG")
        _, mean = imagenet.encode(path, 64)
        expected = np.array([200, 100, 50]) if mode != "L" else np.full(3, 0.299 * 200 + 0.587 * 100 + 0.114 * 50)
        assert np.allclose(mean, expected, atol=12 if mode == "P" else 4), mode


def test_sixteen_bits_become_eight(tmp_path):
    values = np.linspace(0, 60000, 64)[None].repeat(64, axis=0)  # which would be white from the first 0.4 % on
    for name, dtype in (("I;16.png", np.uint16), ("I;16B.tif", ">u2"), ("I.tif", np.int32)):
        Image.fromarray(values.astype(dtype)).save(tmp_path / name)
        pixels = mx.image.imdecode(imagenet.encode(tmp_path / name, 64)[0]).asnumpy()
        assert abs(pixels - (values / 257)[:, :, None]).max() < 4, name
    for number, floats in enumerate((values.astype(np.float32), values.astype(np.int32) - 1, values.astype(np.int32) * 2)):
        Image.fromarray(floats).save(tmp_path / f"{number}.tif")
        with pytest.raises(ValueError, match="bits"):
            imagenet.encode(tmp_path / f"{number}.tif", 64)


def test_narrow_picture_is_refused_before_it_is_made_huge(tmp_path, monkeypatch):
    Image.new("RGB", (2, 2000)).save(tmp_path / "narrow.png")
    monkeypatch.delattr(Image.Image, "resize")
    with pytest.raises(ValueError, match="2x2000"):
        imagenet.encode(tmp_path / "narrow.png", 480)


def test_unreadable_files_are_named_and_left_out_only_when_told_so(tmp_path):
    source = tree(tmp_path / "source", classes=2, train=5, val=2)
    whole = (source / "train/class 1/a picture 0.JPEG").read_bytes()
    (source / "train/class 1/truncated.JPEG").write_bytes(whole[:len(whole) // 2])
    (source / "train/class 0/notes.txt").write_text("no picture")
    (source / "val/class 0/empty.JPEG").write_bytes(b"")
    (source / "train/class 0/.DS_Store").write_bytes(b"hidden files are nobody's pictures")
    output = tmp_path / "set"
    refusal(lambda: imagenet.prepare(source, output, 64, 2), "3 files", "notes.txt", "truncated.JPEG", "--skip-unreadable")
    assert len((output / "unreadable.txt").read_text().splitlines()) == 3 and not (output / "set.json").exists()
    made = imagenet.prepare(source, output, 64, 2, skip_unreadable=True)
    assert (len(made.train_images), len(made.test_images)) == (10, 4)
    assert json.loads((output / "set.json").read_text())["unreadable"] == sorted(
        ["train/class 0/notes.txt", "train/class 1/truncated.JPEG", "val/class 0/empty.JPEG"])


@pytest.mark.parametrize("fault, words", [
    ("empty class", ["class 9", "no pictures"]), ("unknown class", ["val/class 9", "no class of"]),
    ("loose picture", ["val has 1 files", "2.JPEG"]), ("no classes", ["class folders"]),
    ("nowhere", ["no folder", "SOURCE="]), ("flat val", ["--val-list"])])
def test_layout_that_is_none_gets_one_line(tmp_path, fault, words):
    source = tmp_path / "source"
    for name in ("train/a", "train/b", "val/a"):
        (source / name).mkdir(parents=True)
        (source / name / "1.JPEG").write_bytes(b"")
    if fault == "empty class":
        (source / "train/class 9").mkdir()
    elif fault == "unknown class":
        (source / "val/class 9").mkdir()
    elif fault == "loose picture":
        (source / "val/2.JPEG").write_bytes(b"")
    elif fault == "flat val":
        (source / "val/a/1.JPEG").rename(source / "val/1.JPEG")
        (source / "val/a").rmdir()
    source = {"no classes": source / "val/a", "nowhere": tmp_path / "nowhere"}.get(fault, source)
    refusal(lambda: folders.listing(source), *words)


@pytest.mark.parametrize("name, text", [
    ("LOC_val_solution.csv", "ImageId,PredictionString\nv 2,n02 1 2 3 4 n02 5 6 7 8\nv 1,n05 1 2 3 4\n"),
    ("val.txt", "v 1.JPEG 1\nv 2.JPEG 0\n".replace("v ", "v")),
    ("ILSVRC2012_validation_ground_truth.txt", "7\n1\n")])
def test_flat_val_takes_its_classes_from_each_kind_of_list(tmp_path, name, text, monkeypatch):
    # the devkit's numbers are in an order of their own: here 7 is n05, the second of train/, and 1 is n02, the first
    stem = "v " if name.endswith("csv") else "v"
    for path in ("train/n02/1.JPEG", "train/n05/1.JPEG", f"val/{stem}1.JPEG", f"val/{stem}2.JPEG"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    (tmp_path / name).write_text(text)
    if name.startswith("ILSVRC"):
        refusal(lambda: folders.listing(tmp_path), "meta.mat")
        from scipy.io import savemat
        kinds = np.array([(7, "n05"), (1, "n02")], dtype=[("ILSVRC2012_ID", object), ("WNID", object)])
        savemat(str(tmp_path / "meta.mat"), {"synsets": kinds})
    assert folders.listing(tmp_path)[1]["val"] == [(f"val/{stem}1.JPEG", 1), (f"val/{stem}2.JPEG", 0)]


def flat(folder, *names):
    """ILSVRC's own layout: two classes of train/, and val/ without class folders."""
    for path in ("train/n02/1.JPEG", "train/n05/1.JPEG", *(f"val/{name}" for name in names)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


@pytest.mark.parametrize("name, content, words", [
    ("LOC_val_solution.csv", b"ImageId,PredictionString\nv1,\n", ["no class of train/", "v1.JPEG"]),
    ("val.txt", b"v1.JPEG n02\xff\n", ["val.txt", "UTF-8"]), ("val.txt", "v1.JPEG \u00b2\n".encode(), ["no class of train/"]),
    ("ILSVRC2012_validation_ground_truth.txt", b"1\n", ["meta.mat", "anew"])])
def test_list_that_is_none_gets_one_line(tmp_path, name, content, words):
    flat(tmp_path, "v1.JPEG")
    (tmp_path / name).write_bytes(content)
    for junk in (b"junk", b"", b"MATLAB 5.0" + bytes(500)):
        (tmp_path / "meta.mat").write_bytes(junk)
        refusal(lambda: folders.listing(tmp_path), *words)


def test_names_that_no_list_can_hold_and_no_workers_get_one_line(source, tmp_path):
    refusal(lambda: folders.listing(flat(tmp_path, "v\r1.JPEG")), "line break")
    refusal(lambda: imagenet.prepare(source, tmp_path / "set", SIDE, workers=-1), "--workers -1")


def test_class_folders_alone_hold_out_every_tenth(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(20):
            (tmp_path / name / f"{i:02d}.png").write_bytes(b"")
    _, splits = folders.listing(tmp_path)
    assert splits["val"] == [("a/09.png", 0), ("a/19.png", 0), ("b/09.png", 1), ("b/19.png", 1)] and len(splits["train"]) == 36
    assert not {path for path, _ in splits["train"]} & {path for path, _ in splits["val"]}


def test_killed_preparation_goes_on_and_ends_as_an_unbroken_one(source, prepared, tmp_path):
    output = tmp_path / "set"
    code = ("import sys, time; from data import imagenet; imagenet.JOB = 4; slow, appended = imagenet.Growing.append, []\n"
            "def append(*a): slow(*a); print('appended', flush=True); appended.append(a); time.sleep(60 * (len(appended) == 2))\n"
            f"imagenet.Growing.append = append; imagenet.prepare({str(source)!r}, {str(output)!r}, {SIDE}, 2)")
    for number in (signal.SIGKILL, signal.SIGINT):
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        process.stdout.readline(), process.stdout.readline()
        process.send_signal(number)
        process.communicate()
        assert not [path for path in output.iterdir() if path.suffix in (".rec", ".idx", ".lst", ".json")]
        with open(output / "train.rec.partial", "ab") as file:
            file.write(b"half a record")
    assert json.loads((output / "train.state.partial").read_text())["images"] in range(12, 36)
    unbroken, folder = prepared
    made = imagenet.prepare(source, output, SIDE, 2)
    assert (output / "train.lst").read_bytes() == (folder / "train.lst").read_bytes()
    assert (output / "train.rec").read_bytes() == (folder / "train.rec").read_bytes()
    assert np.allclose(made.mean, unbroken.mean) and not list(output.glob("*.partial"))


@pytest.mark.parametrize("missing", [100000, 100])  # seen by MXNet as it writes, and by nobody as it closes the file
def test_preparation_goes_on_after_the_disk_was_full(source, prepared, tmp_path, missing):
    whole = (prepared[1] / "train.rec").read_bytes()
    code = (f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole) - missing}, -1))\n"
            "from common import errors; from data import imagenet; errors.run(imagenet.main)")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, source, "--output", tmp_path, "--side", str(SIDE)], cwd=ROOT,
                          text=True, capture_output=True)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and last.startswith("error: ") and "goes on" in last and "Traceback" not in done.stderr, done.stderr
    imagenet.prepare(source, tmp_path, SIDE, 1)
    assert (tmp_path / "train.rec").read_bytes() == whole


@pytest.mark.parametrize("place, name", [(imagenet.Growing, "finish"), (imagenet, "_write")])
def test_preparation_that_ends_between_its_last_steps_goes_on(source, prepared, tmp_path, monkeypatch, place, name):
    true = getattr(place, name)

    def broken(self, *text):
        if name == "finish" and "val" in str(self._state_path) or name == "_write" and self.name == "set.json":
            raise KeyboardInterrupt
        return true(self, *text)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, name, broken)
        imagenet.prepare(source, tmp_path, SIDE, 2)
    assert (tmp_path / "train.rec").exists() and not (tmp_path / "set.json").exists()
    monkeypatch.setattr(imagenet.Growing, "append", None)  # there is nothing left to prepare
    made = imagenet.prepare(source, tmp_path, SIDE, 2)
    assert made.fingerprint == prepared[0].fingerprint and not list(tmp_path.glob("*.partial"))


def test_prepared_again_is_nothing_and_otherwise_is_refused(source, prepared):
    _, folder = prepared
    before = (folder / "train.rec").stat().st_mtime_ns
    imagenet.prepare(source, folder, SIDE)
    assert (folder / "train.rec").stat().st_mtime_ns == before
    refusal(lambda: imagenet.prepare(source, folder, 64), "another set", "--output")


def copy_of(prepared, folder):
    shutil.copytree(str(prepared[1]), str(folder))
    return folder


@pytest.mark.parametrize("name, damage, said", [
    ("val.rec", lambda content: content[:-5], "val.rec"), ("train.rec", lambda content: content[:len(content) // 2], "train.rec"),
    ("val.rec", lambda content: content + b"1234", "val.rec"), ("train.idx", lambda content: content[:-8], "train.rec"),
    ("set.json", lambda content: content.replace(b'"side": 137', b'"side": "137"'), "set.json"),
    ("set.json", lambda content: content.replace(b'"settings"', b'"sittings"'), "set.json"),
    ("set.json", lambda content: b"[]", "set.json")])
def test_damaged_set_is_refused_when_it_is_loaded(prepared, tmp_path, name, damage, said):
    folder = copy_of(prepared, tmp_path / "set")
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    refusal(lambda: imagenet.load(folder), folder, said, "anew")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("place", [0, 8 + 24])  # the frame of the record, then the picture behind its header
def test_damaged_record_is_refused_when_it_comes(prepared, tmp_path, split, place):
    folder = copy_of(prepared, tmp_path / "set")
    made = imagenet.load(folder)
    records = made.train_images if split == "train" else made.test_images
    with open(folder / f"{split}.rec", "r+b") as file:
        file.seek(int(records.offsets[5]) + place)
        file.write(bytes(int(records.offsets[6] - records.offsets[5]) - place))
    batches = feed(made).stream(1, 6) if split == "train" else TestCrops(made.test_images, made.mean, 5, 64)
    refusal(lambda: list(batches), f"{split}.rec is damaged", "anew")


def test_damage_is_seen(source, prepared, tmp_path):
    made, _ = prepared
    pairs = folders.listing(source)[1]["val"]
    for kind in ("rec", "idx", "lst"):
        (tmp_path / f"val.{kind}.partial").write_bytes(made.test_images.path.with_suffix("." + kind).read_bytes())
    imagenet.verify(tmp_path, {"val": pairs})
    refusal(lambda: imagenet.verify(tmp_path, {"val": pairs[1:]}), "each file once")
    content = bytearray((tmp_path / "val.rec.partial").read_bytes())
    content[int(made.test_images.offsets[5]) + 4] ^= 4  # the length of a record
    (tmp_path / "val.rec.partial").write_bytes(content)
    refusal(lambda: imagenet.verify(tmp_path, {"val": pairs}), "record 5 is damaged")


# --- training batches ---

def feed(made, **options):
    return CropBatches(made.train_images, made.mean, **{**dict(batch_size=7, seed=3, image_size=64, side=SIDE), **options})


def shown(batches, iteration):
    batch = batches.data_batch(iteration)
    assert not batch.pad
    return batch.data[0].asnumpy(), batch.label[0].asnumpy()


def test_batch_is_a_function_of_seed_and_iteration_whatever_came_before(prepared):
    made, _ = prepared
    first, second = feed(made, threads=1), feed(made, threads=2)
    expected = [shown(first, i) for i in range(1, 9)]
    for i in (6, 2):
        images, labels = shown(second, i)
        assert (images == expected[i - 1][0]).all() and (labels == expected[i - 1][1]).all()
    streamed = list(second.stream(5, 8))
    assert all((batch.data[0].asnumpy() == expected[i][0]).all() for i, batch in enumerate(streamed, 4))
    assert (shown(feed(made, seed=4), 1)[0] != expected[0][0]).any()


def test_each_epoch_shows_each_picture_once_and_fills_its_last_batch_from_the_next(prepared):
    batches = feed(prepared[0])  # 36 pictures in batches of 7
    seen = [sample for i in range(1, 37) for sample in batches.samples(i)]
    for epoch in range(7):
        assert sorted(sample for e, sample in seen if e == epoch) == list(range(36))
    labels = prepared[0].train_images.labels
    for i in (5, 6):  # 6 is of two epochs
        assert (shown(batches, i)[1] == labels[[sample for _, sample in batches.samples(i)]]).all()


def test_same_picture_is_cropped_anew_in_every_batch(prepared):
    # ImageRecordIter with seed_aug does to the k-th picture of every batch what it does to that of the first
    made, _ = prepared
    batches = feed(made, batch_size=36)
    flips = []
    for i in (1, 2, 3):
        batches.samples = lambda iteration: [(0, 0)] * 36
        flips.append(shown(batches, i)[0])
    assert all(abs(one - other).max(axis=(1, 2, 3)).min() > 1 for one, other in ((flips[0], flips[1]), (flips[1], flips[2])))
    assert len({row.tobytes() for row in flips[0]}) > 30


def test_batches_leave_no_memory_behind(prepared):
    # an ImageRecordIter that is not asked to its end keeps a batch for ever: 1,728 KB of each of these
    code = ("import training; from data import imagenet; from data.crops import CropBatches\n"
            f"made = imagenet.load({str(prepared[1])!r})\n"
            f"batches = CropBatches(made.train_images, made.mean, 36, 3, 64, {SIDE}, threads=1).stream(1, 100)\n"
            "held = [int(open('/proc/self/statm').read().split()[1]) * 4 for batch in batches]\n"
            "print((held[-1] - held[49]) / 50)")
    # each iterator has threads of its own, and by default malloc an arena for each, which come to their full size one by one
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, text=True, capture_output=True,
                          env={**os.environ, "MALLOC_ARENA_MAX": "1"})
    assert float(done.stdout) < 600, done.stdout + done.stderr


def ramp(tmp_path, colours):
    """A set of one picture: its red is its column, its green its row."""
    side = SIDE
    y, x = np.mgrid[0:side, 0:side]
    pixels = np.stack([x, y, np.full_like(x, 100)] if colours else [np.full_like(x, 120)] * 3, axis=2).astype(np.uint8)
    for name in ("a/1.png", "b/1.png"):
        for split in ("train", "val"):
            path = tmp_path / "source" / split / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return imagenet.prepare(tmp_path / "source", tmp_path / "set", side, 1)


def test_crops_have_the_papers_scales_places_and_flips(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "COLOUR_NOISE", 0)
    batches = feed(ramp(tmp_path, True), batch_size=200)
    batches.samples = lambda iteration: [(0, 0)] * 200
    images = shown(batches, 1)[0] + batches_mean(tmp_path).reshape(3, 1, 1)
    slope = (images[:, 0, 32, 56] - images[:, 0, 32, 8]) / 48  # columns of the prepared picture for one of the crop
    down = (images[:, 1, 56, 32] - images[:, 1, 8, 32]) / 48
    assert np.allclose(abs(slope), down, atol=0.1)
    short = SIDE / down
    assert short.min() > 70 and short.max() < 141 and short.min() < 78 and short.max() > 132  # [256, 480] of 224 is [73, 137] of 64
    assert 95 < short.mean() < 115 and 0.4 < (slope < 0).mean() < 0.6
    room = short - 64
    top = (images[:, 1, 8, 32] / down - 8) / room
    assert top.min() > -0.2 and top.max() < 1.2 and 0.4 < top.mean() < 0.6 and top.std() > 0.2


def batches_mean(tmp_path):
    return imagenet.load(tmp_path / "set").mean


def test_aspect_ratio_and_area_are_googlenets(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "COLOUR_NOISE", 0)
    batches = feed(ramp(tmp_path, True), batch_size=300, kind="aspect")
    batches.samples = lambda iteration: [(0, 0)] * 300
    images = shown(batches, 1)[0]
    width, height = (abs(images[:, c][(slice(None), *end)] - images[:, c][(slice(None), *begin)]) * 64 / 48
                     for c, begin, end in ((0, (32, 8), (32, 56)), (1, (8, 32), (56, 32))))
    area, ratio = width * height / SIDE**2, width / height
    assert 0.05 < area.min() < 0.15 and area.max() > 0.85
    assert 0.70 < ratio.min() < 0.82 and 1.22 < ratio.max() < 1.42


def test_colour_noise_is_alexnets(tmp_path):
    batches = feed(ramp(tmp_path, False), batch_size=400)
    batches.samples = lambda iteration: [(0, 0)] * 400
    noise = shown(batches, 1)[0][:, :, 20, 20]
    covariance = np.cov((noise - noise.mean(axis=0)).T)
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    expected = vectors @ np.diag((0.1 * np.array([55.46, 4.794, 1.148])) ** 2) @ vectors.T
    assert abs(covariance - expected).max() < 0.2 * abs(expected).max()


def test_pictures_too_small_for_the_scales_are_refused(prepared):
    refusal(lambda: feed(prepared[0], image_size=224), "137", "480", "--side")


# --- testing ---

def by_numpy(pixels, side, crop):
    """Shorter side and centre crop, in NumPy: bilinear, with the kernel widened where the picture shrinks."""
    height, width = pixels.shape[:2]
    short = min(height, width)
    for axis, (old, new) in enumerate(((height, round(height * side / short)), (width, round(width * side / short)))):
        scale = max(old / new, 1)
        centres = (np.arange(new) + 0.5) * old / new - 0.5
        weights = np.maximum(1 - abs(np.arange(old)[None] - centres[:, None]) / scale, 0)
        weights /= weights.sum(axis=1, keepdims=True)
        pixels = np.moveaxis(np.tensordot(weights, pixels, (1, axis)), 0, axis)
    return pixels


@pytest.mark.parametrize("width, height", [(300, 211), (97, 160), (64, 64), (480, 333)])
@pytest.mark.parametrize("name", ["224", "320", "ten"])
def test_crops_by_each_rule_are_those_of_plain_numpy(width, height, name):
    image = Image.fromarray(np.random.RandomState(width).randint(0, 256, (height, width, 3), dtype=np.uint8))
    side, crop = {"224": (256, 224), "320": (320, 320), "ten": (256, 224)}[name]
    whole = by_numpy(np.asarray(image).astype(float), side, crop)
    bottom, right = whole.shape[0] - crop, whole.shape[1] - crop
    places = [(bottom // 2, right // 2)]
    if name == "ten":
        places = [(0, 0), (0, right), (bottom, 0), (bottom, right), *places]
    expected = [whole[top:top + crop, left:left + crop] for top, left in places]
    if name == "ten":
        expected += [view[:, ::-1] for view in expected]
    ours = crops.crops(image, crops.RULES[name]).transpose(0, 2, 3, 1)
    assert ours.shape == (len(expected), crop, crop, 3) and abs(ours - np.array(expected)).max() < 1.5


@pytest.mark.parametrize("rule", ["224", "320", "ten"])
@pytest.mark.parametrize("batch_size", [5, 12])
def test_each_picture_counts_once_whatever_the_batch(prepared, rule, batch_size):
    made, _ = prepared
    test = TestCrops(made.test_images, made.mean, batch_size, 32, rule)
    shape = test.provide_data[0].shape
    assert shape[2:] == ((46, 46) if rule == "320" else (32, 32))
    # a network without weights: its logits are the mean colour of the crop
    data = mx.sym.Variable("data")
    module = mx.mod.Module(mx.sym.softmax(mx.sym.mean(data, axis=(2, 3)) * 0.05), label_names=None)
    with without_notes():
        module.bind([("data", shape)], for_training=False)
    module.init_params()
    loss, top1, top2 = evaluate(module, test, top=2)
    probabilities = []
    for i in range(12):
        header, pixels = decoded(made.test_images, i)
        views = crops.crops(Image.fromarray(pixels), test._rule) - made.mean.reshape(3, 1, 1)
        logits = 0.05 * views.mean(axis=(2, 3))
        soft = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities.append((soft / soft.sum(axis=1, keepdims=True)).mean(axis=0))
    probabilities, labels = np.array(probabilities), made.test_images.labels.astype(int)
    order = probabilities.argsort(axis=1)[:, ::-1]
    assert top1 == pytest.approx(100 * (order[:, 0] != labels).mean(), abs=1e-6)
    assert top2 == pytest.approx(100 * (order[:, :2] != labels[:, None]).all(axis=1).mean(), abs=1e-6)
    assert loss == pytest.approx(-np.log(probabilities[np.arange(12), labels]).mean(), rel=0.02)


# --- the whole way ---

def command(*arguments):
    return subprocess.Popen([sys.executable, "-W", "ignore", "train_imagenet.py", *map(str, arguments)], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def call(*arguments):
    process = command(*arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


EXACT = ("iteration", "learning_rate", "train_loss", "train_error", "test_loss", "test_error")


def small(folder, output, depth, iterations):
    return ["--data-dir", folder, "--image-size", 64, "--batch-size", 5, "--iterations", iterations, "--activation", "preact",
            "--depth", depth, "--output", output]


def test_stopped_run_ends_as_an_unbroken_one(prepared, tmp_path):
    _, folder = prepared
    code, out, err = call(*small(folder, tmp_path / "whole", 18, 12), "--test-every", 6)
    assert code == 0 and "on 12 images" in out and "will take about" in out and "MB" in out, err
    process = command(*small(folder, tmp_path / "broken", 18, 12), "--test-every", 6)
    while process.poll() is None and not any(row["iteration"] >= 3 for row in read_log(tmp_path / "broken")):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143 and 3 <= read_log(tmp_path / "broken")[-1]["iteration"] < 12
    assert call(*small(folder, tmp_path / "broken", 18, 12), "--test-every", 6)[0] == 0
    rows = [[[row[name] for name in EXACT] for row in read_log(tmp_path / name)] for name in ("whole", "broken")]
    assert rows[0] == rows[1] and [row[1] for row in rows[0]] == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 6)
    assert json.loads((tmp_path / "whole" / "config.json").read_text())["recipe"]["warmup_iterations"] == 0


def test_bottleneck_network_is_trained_and_tested_by_each_rule(prepared, tmp_path):
    _, folder = prepared
    code, _, err = call(*small(folder, tmp_path / "run", 50, 3))
    assert code == 0, err
    code, out, err = call("--data-dir", folder, "--test-only", "--output", tmp_path / "run", "--crop", "224,320,ten")
    assert code == 0 and out.count("on 12 images") == 3, err  # the run knows its network
    tested = json.loads((tmp_path / "run" / "test.json").read_text())
    assert tested["224"]["top1"] == pytest.approx(read_log(tmp_path / "run")[-1]["test_error"], abs=1e-4)
    assert set(tested) == {"224", "320", "ten"} and all(result["top5"] == 0 for result in tested.values())  # of three classes
    assert {result["iteration"] for result in tested.values()} == {read_log(tmp_path / "run")[-1]["iteration"]}


@pytest.mark.parametrize("arguments, words", [
    (["--data-dir", "/nowhere"], ["/nowhere", "imagenet-data"]), (["--depth", "20"], ["20 layers", "200"]),
    (["--scale", "pocket"], ["SCALE=pocket"]), (["--crop", "7", "--test-only"], ["--crop 7"]),
    (["--crop", "320"], ["--test-only"]),
    (["--image-size", "224"], ["--side"]), (["--test-only"], ["no checkpoint"]), (["--checkpoint", "/dev/null"], ["/dev/null"]),
    (["--batch-size", "37"], ["36 training images"]), (["--pretrained", "vgg16"], ["resnet18"]),
    (["--pretrained", "resnet18_v2-00000000"], ["resnet18_v2-00000000"])])
def test_mistake_gets_one_line(prepared, tmp_path, monkeypatch, arguments, words):
    monkeypatch.setattr(sys, "argv", ["train_imagenet.py", *map(str, [*small(prepared[1], tmp_path / "run", 18, 10), *arguments])])
    refusal(train_imagenet.main, *words)
    assert not (tmp_path / "run").exists()


def untrained(depth):
    module = mx.mod.Module(get_symbol(depth, "preact", family="imagenet", classes=3))
    with without_notes():
        module.bind([("data", (1, 3, 64, 64))], [("softmax_label", (1,))])
    module.init_params()
    return collect(module)


def call_main(prepared, monkeypatch, *arguments):
    """train_imagenet.py as a function, to test and not to train."""
    monkeypatch.setattr(sys, "argv", ["train_imagenet.py", "--data-dir", str(prepared[1]), "--image-size", "64",
                                      "--activation", "preact", *map(str, arguments)])
    return train_imagenet.main()


def test_params_file_is_tested_only_if_it_is_sound_and_of_that_very_network(prepared, tmp_path, monkeypatch, capsys):
    file = tmp_path / "some.params"
    mx.nd.save(str(file), untrained(34))
    assert call_main(prepared, monkeypatch, "--depth", 34, "--checkpoint", file) == 0 and "on 12 images" in capsys.readouterr().out
    # all that 18 layers want is there among 34, and the rest went unnoticed
    refusal(lambda: call_main(prepared, monkeypatch, "--depth", 18, "--checkpoint", file), "some.params", "--depth")
    content = bytearray(file.read_bytes())
    content[32:40] = b"\xff" * 8  # the first array's shape: MXNet 1.9.1 ends with SIGSEGV
    file.write_bytes(content)
    refusal(lambda: call_main(prepared, monkeypatch, "--depth", 34, "--checkpoint", file), "some.params", "damaged")


def test_test_is_of_the_newest_sound_checkpoint_and_says_of_which_iteration(prepared, tmp_path, monkeypatch, capsys):
    run, options = tmp_path / "run", ["--activation", "preact", "--depth", "18", "--image-size", "64"]
    recipe = {key: vars(train_imagenet.parser().parse_args(options))[key] for key in train_imagenet.NETWORK}
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"recipe": {**recipe, "shortcut_args": {}}}))
    for iteration in (5, 10):
        checkpoint.save(run, untrained(18), {"iteration": iteration, "log": "", "run": {}})

    def tested(*arguments):
        assert call_main(prepared, monkeypatch, "--test-only", *arguments) == 0
        return {rule: test["iteration"] for rule, test in json.loads((run / "test.json").read_text()).items()}

    assert tested("--output", run) == {"224": 10}
    assert tested("--checkpoint", run / "checkpoint-0000005", "--crop", "320") == {"224": 10, "320": 5}
    with open(run / "checkpoint-0000010" / "arrays.params", "r+b") as file:
        file.truncate(1000)
    assert tested("--checkpoint", run) == {"224": 5, "320": 5} and "checkpoint-0000010 is damaged" in capsys.readouterr().out
    for damage in ("{", "[1]"):
        (run / "test.json").write_text(damage)
        assert tested("--checkpoint", run) == {"224": 5} and "test.json was damaged" in capsys.readouterr().out
    for damage in ("{", "[]", '{"recipe": {}}'):
        (run / "config.json").write_text(damage)
        refusal(lambda: call_main(prepared, monkeypatch, "--checkpoint", run), "config.json is damaged", "--depth")


def test_tables_count_a_test_of_the_last_iteration_alone(results, capsys):
    row = next(row for row in experiments.TABLES["table5"] if row.experiment and row.crop == "320")
    results(row.experiment, [30.0], scale="full")
    folder, = (files.RESULTS / "full").glob("*/seed0")
    last = int(read_log(folder)[-1]["iteration"])
    for text, errors, words in [
            ({"320": {"top1": 21.5, "iteration": last}}, [21.5], ""), ("{", [], "damaged"), ("[]", [], "damaged"),
            ({"320": {"top1": 75.0, "iteration": last // 2}}, [], "last iteration"), ({"320": {"top1": 75.0}}, [], "last iter"),
            ({"320": {"iteration": last}}, [], "damaged")]:
        runs.say_once.cache_clear()
        (folder / "test.json").write_text(text if isinstance(text, str) else json.dumps(text))
        assert tables.ours(row.experiment, "full", "320").errors == errors
        said = capsys.readouterr().out
        assert words in said and said.count("\n") == (not errors)


# --- gluoncv's weights ---

@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "resnet50_v1", "resnet50_v2"])
def test_gluoncvs_weights_give_gluoncvs_logits(tmp_path, monkeypatch, name):
    from gluoncv.model_zoo import get_model
    from test_gluoncv import randomize
    net = get_model(name)
    net.initialize()
    pictures = np.random.RandomState(1).randint(0, 256, (2, 3, 64, 64)).astype(np.float32)
    normalized = mx.nd.array((pictures / 255 - np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1))
                             / np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1))
    net(normalized)
    randomize(net, np.random.RandomState(5))
    for key, parameter in net.collect_params().items():
        if key.endswith("bias"):
            parameter.set_data(mx.nd.random.normal(shape=parameter.shape))
    expected = net(normalized).asnumpy()
    models = tmp_path / "models"
    models.mkdir()
    net.save_parameters(str(models / "file"))
    tag = hashlib.sha1((models / "file").read_bytes()).hexdigest()[:8]
    (models / "file").rename(models / f"{name}-{tag}.params")
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))

    symbol, states, mean = pretrained.load(f"{name}-{tag}")
    module = mx.mod.Module(symbol.get_internals()["fc_output"], label_names=None)
    with without_notes():
        module.bind([("data", pictures.shape)], for_training=False)
    module.set_params(*states)
    module.forward(mx.io.DataBatch([mx.nd.array(pictures - mean.reshape(3, 1, 1))]), is_train=False)
    assert abs(module.get_outputs()[0].asnumpy() - expected).max() < 1e-4 * abs(expected).max()
    # and where the paper's network is gluoncv's, it has the same parameters
    if name != "resnet18_v2" and name != "resnet50_v2":
        assert symbol.tojson() == get_symbol(int(name[6:8]), family="imagenet", option="B").tojson()


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    monkeypatch.setenv("MXNET_GLUON_REPO", "http://127.0.0.1:9/")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "resnet18_v2-01234567.params").write_bytes(b"not the weights of that checksum")
    refusal(lambda: pretrained.load("resnet18_v2-01234567"), "resnet18_v2-01234567", "no sound file")
