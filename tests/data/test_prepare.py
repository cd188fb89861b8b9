"""A folder of images becomes indexed RecordIO, also after every kind of stop."""

import json
import os
import shutil
import signal

import mxnet as mx
import numpy as np
import pytest
from conftest import begin, refusal
from PIL import Image
from trees import SIDE, decoded, picture, tree

from data import folders, imagenet, prepare, split_writer
from data.crops import CropBatches, TestCrops


def test_every_image_occurs_once_with_its_class_and_shorter_side(source, prepared):
    result, folder = prepared
    assert (len(result.train_images), len(result.test_images), result.classes) == (36, 12, 3)
    listed = [line.split("\t") for line in (folder / "train.lst").read_text().splitlines()]
    files = [os.path.relpath(path, source) for path in (source / "train").glob("*/*")]
    assert sorted(path for _, _, path in listed) == sorted(files)
    means = []
    for i, (number, label, path) in enumerate(listed):
        header, pixels = decoded(result.train_images, i)
        label = float(label)
        assert (header.id, header.label, result.train_images.labels[i]) == (
            int(number),
            label,
            label,
        )
        assert path.startswith(f"train/class {int(label)}/")
        with Image.open(source / path) as image:
            ratio = image.size[0] / image.size[1]
        assert min(pixels.shape[:2]) == SIDE
        assert abs(pixels.shape[1] / pixels.shape[0] - ratio) < 0.02
        means.append(pixels.mean(axis=(0, 1)))
    assert np.allclose(result.mean, np.mean(means, axis=0), atol=1)
    assert not list(folder.glob("*.partial"))


def test_im2rec_reader_of_mxnet_reads_it(prepared):
    result, folder = prepared
    rows = mx.io.ImageRecordIter(
        path_imgrec=str(folder / "train.rec"),
        path_imgidx=str(folder / "train.idx"),
        data_shape=(3, 64, 64),
        batch_size=36,
        verbose=False,
    )
    assert (rows.next().label[0].asnumpy() == result.train_images.labels).all()


def test_unreadable_files_are_named_and_left_out_on_request(tmp_path):
    source = tree(tmp_path / "source", classes=2, train=5, val=2)
    whole = (source / "train/class 1/a picture 0.JPEG").read_bytes()
    (source / "train/class 1/truncated.JPEG").write_bytes(whole[: len(whole) // 2])
    (source / "train/class 0/notes.txt").write_text("no picture")
    (source / "val/class 0/empty.JPEG").write_bytes(b"")
    (source / "train/class 0/.DS_Store").write_bytes(b"hidden files are nobody's pictures")
    output = tmp_path / "set"
    words = ("3 files", "notes.txt", "truncated.JPEG", "--skip-unreadable")
    refusal(lambda: prepare.prepare(source, output, 64, 2), *words)
    assert len((output / "unreadable.txt").read_text().splitlines()) == 3
    assert not (output / "set.json").exists()
    result = prepare.prepare(source, output, 64, 2, skip_unreadable=True)
    assert (len(result.train_images), len(result.test_images)) == (10, 4)
    assert json.loads((output / "set.json").read_text())["unreadable"] == sorted(
        ["train/class 0/notes.txt", "train/class 1/truncated.JPEG", "val/class 0/empty.JPEG"]
    )


def test_negative_number_of_workers_is_rejected(source, tmp_path):
    refusal(lambda: prepare.prepare(source, tmp_path / "set", SIDE, workers=-1), "--workers -1")


def test_killed_preparation_resumes_and_gives_the_same_files(source, prepared, tmp_path):
    output = tmp_path / "set"
    code = (
        "import sys, time; from data import prepare; prepare.JOB = 4; slow, appended ="
        " prepare.SplitWriter.append, []\ndef append(*a): slow(*a); print('appended', flush=True);"
        " appended.append(a); time.sleep(60 * (len(appended) == 2))\nprepare.SplitWriter.append ="
        f" append; prepare.prepare({str(source)!r}, {str(output)!r}, {SIDE}, 2)"
    )
    for number in (signal.SIGKILL, signal.SIGINT):
        process = begin(code)
        process.stdout.readline(), process.stdout.readline()
        process.send_signal(number)
        process.communicate()
        endings = {path.suffix for path in output.iterdir()}
        assert not endings & {".rec", ".idx", ".lst", ".json"}
        with open(output / "train.rec.partial", "ab") as file:
            file.write(b"half a record")
    assert json.loads((output / "train.state.partial").read_text())["images"] in range(12, 36)
    unbroken, folder = prepared
    result = prepare.prepare(source, output, SIDE, 2)
    assert (output / "train.lst").read_bytes() == (folder / "train.lst").read_bytes()
    assert (output / "train.rec").read_bytes() == (folder / "train.rec").read_bytes()
    assert np.allclose(result.mean, unbroken.mean) and not list(output.glob("*.partial"))


@pytest.mark.parametrize(
    "missing", [100000, 100]
)  # seen by MXNet as it writes, and by nobody as it closes the file
def test_preparation_resumes_after_the_disk_was_full(source, prepared, tmp_path, missing):
    whole = (prepared[1] / "train.rec").read_bytes()
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole) - missing},"
        " -1))\nfrom common import errors; from data import prepare; errors.run_main(prepare.main)"
    )
    process = begin(code, source, "--output", tmp_path, "--side", SIDE)
    _, err = process.communicate()
    last = err.splitlines()[-1]
    assert process.returncode == 2 and last.startswith("error: ") and "resume" in last, err
    assert "Traceback" not in err
    prepare.prepare(source, tmp_path, SIDE, 1)
    assert (tmp_path / "train.rec").read_bytes() == whole


@pytest.mark.parametrize(
    "place, name", [(split_writer.SplitWriter, "finish"), (prepare, "_write_facts")]
)
def test_preparation_that_ends_between_its_last_steps_resumes(
    source, prepared, tmp_path, monkeypatch, place, name
):
    original = getattr(place, name)

    def broken(self, *text):
        if name == "finish" and "train" in str(self._state_path):
            return original(self, *text)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, name, broken)
        prepare.prepare(source, tmp_path, SIDE, 2)
    assert (tmp_path / "train.rec").exists() and not (tmp_path / "set.json").exists()
    monkeypatch.setattr(
        split_writer.SplitWriter, "append", None
    )  # there is nothing left to prepare
    result = prepare.prepare(source, tmp_path, SIDE, 2)
    assert result.fingerprint == prepared[0].fingerprint and not list(tmp_path.glob("*.partial"))


def test_second_preparation_does_nothing_or_is_rejected(source, prepared):
    _, folder = prepared
    before = (folder / "train.rec").stat().st_mtime_ns
    prepare.prepare(source, folder, SIDE)
    assert (folder / "train.rec").stat().st_mtime_ns == before
    refusal(lambda: prepare.prepare(source, folder, 64), "another set", "--output")


def copy_of(prepared, folder):
    shutil.copytree(str(prepared[1]), str(folder))
    return folder


@pytest.mark.parametrize(
    "name, damage, message",
    [
        ("val.rec", lambda content: content[:-5], "val.rec"),
        ("train.rec", lambda content: content[: len(content) // 2], "train.rec"),
        ("val.rec", lambda content: content + b"1234", "val.rec"),
        ("train.idx", lambda content: content[:-8], "train.rec"),
        ("set.json", lambda content: content.replace(b'"side": 137', b'"side": "137"'), "set.json"),
        ("set.json", lambda content: content.replace(b'"settings"', b'"sittings"'), "set.json"),
        ("set.json", lambda content: b"[]", "set.json"),
    ],
)
def test_corrupt_set_is_rejected_when_it_is_loaded(prepared, tmp_path, name, damage, message):
    folder = copy_of(prepared, tmp_path / "set")
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    refusal(lambda: imagenet.load(folder), folder, message, "imagenet-data")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    "place", [0, 8 + 24]
)  # the frame of the record, then the picture behind its header
def test_corrupt_record_is_rejected_when_it_is_read(prepared, tmp_path, split, place):
    folder = copy_of(prepared, tmp_path / "set")
    result = imagenet.load(folder)
    records = result.train_images if split == "train" else result.test_images
    with open(folder / f"{split}.rec", "r+b") as file:
        file.seek(int(records.offsets[5]) + place)
        file.write(bytes(int(records.offsets[6] - records.offsets[5]) - place))
    options = dict(batch_size=7, seed=3, image_size=64, side=SIDE)
    if split == "train":
        batches = CropBatches(result.train_images, result.mean, **options).stream(1, 6)
    else:
        batches = TestCrops(result.test_images, result.mean, 5, 64)
    refusal(lambda: list(batches), f"{split}.rec is corrupt", "imagenet-data")


def test_damage_is_seen(source, prepared, tmp_path):
    result, _ = prepared
    pairs = folders.listing(source).splits["val"]
    for kind in ("rec", "idx", "lst"):
        (tmp_path / f"val.{kind}.partial").write_bytes(
            result.test_images.path.with_suffix("." + kind).read_bytes()
        )
    imagenet.verify(tmp_path, {"val": pairs})
    refusal(lambda: imagenet.verify(tmp_path, {"val": pairs[1:]}), "each file once")
    content = bytearray((tmp_path / "val.rec.partial").read_bytes())
    content[int(result.test_images.offsets[5]) + 4] ^= 4  # the length of a record
    (tmp_path / "val.rec.partial").write_bytes(content)
    refusal(lambda: imagenet.verify(tmp_path, {"val": pairs}), "record 5 is corrupt")


def test_files_of_another_program_are_not_replaced(source, tmp_path):
    for name in ("train.rec", "val.rec", "train.idx", "val.lst"):
        path = tmp_path / name / name
        path.parent.mkdir()
        path.write_bytes(b"im2rec's, and the only copy")
        refusal(lambda: prepare.prepare(source, path.parent, 64, 1), path, "move")  # noqa: B023
        assert path.read_bytes() == b"im2rec's, and the only copy"


def test_phones_photograph_is_prepared_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned: what is stored as a row is a column
    stored = Image.new("RGB", (128, 64), "red")
    stored.paste("blue", (64, 0, 128, 64))
    stored.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    jpeg, *_ = prepare.encode(tmp_path / "photo.jpg", 64)
    pixels = mx.image.imdecode(jpeg).asnumpy()
    assert pixels.shape == (128, 64, 3)
    colours = [half.mean(axis=(0, 1)).argmax() for half in (pixels[:60], pixels[68:])]
    assert colours == [0, 2]


def test_names_outside_utf8_are_prepared_and_printed(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    for name in (b"ros\xe9", b"tree"):
        os.makedirs(folder + b"/" + name)
        for number in range(3):
            path = os.fsdecode(folder + b"/" + name + b"/\xe9%d.png" % number)
            Image.new("RGB", (20, 20)).save(path)
    output = tmp_path / "set"
    code = "from common import errors; from data import prepare; errors.run_main(prepare.main)"
    words = [os.fsdecode(folder), "--output", output, "--side", "16"]
    process = begin(code, *words, PYTHONUTF8="1")
    out, err = process.communicate()
    assert process.returncode == 0 and "Traceback" not in err, err
    assert "caf\ufffd (4 + 2 images in 2 classes)" in out
    assert imagenet.load(output).class_names == ("ros\ufffd", "tree")
    assert imagenet.load(output).name.startswith("caf\ufffd")


def test_tiny_imagenet_is_prepared_as_it_is_downloaded(tmp_path):
    source = tmp_path / "tiny-imagenet-200"
    for label, name in enumerate(("n01", "n02")):
        for number in range(3):
            path = source / "train" / name / "images" / f"{name}_{number}.JPEG"
            picture(path, 64, 64, seed=label)
        boxes = source / "train" / name / f"{name}_boxes.txt"
        boxes.write_text(f"{name}_0.JPEG\t0\t32\t44\t62\n")
    for number in range(2):
        picture(source / "val" / "images" / f"val_{number}.JPEG", 64, 64)
        picture(source / "test" / "images" / f"test_{number}.JPEG", 64, 64)
    (source / "val" / "val_annotations.txt").write_text(
        "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t1\t2\t3\t4\n"
    )
    result = prepare.prepare(source, tmp_path / "set", 64, 1)
    assert (result.classes, len(result.train_images)) == (2, 6)
    assert result.test_images.labels.tolist() == [1, 0]
