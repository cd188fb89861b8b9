"""Record files of MXNet's im2rec.py are read directly; nothing is written beside them."""

import gc
import io
import json
import os
import runpy
import shutil
import sys
import types
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from conftest import refusal, run_here, scored
from PIL import Image

import train_imagenet
from data import im2rec, image_files, imagenet, records
from data.crops import CropBatches, TestCrops
from training.log import read_log

IM2REC = Path(mx.__file__).parent / "tools" / "im2rec.py"


@pytest.fixture(scope="module")
def made_by_im2rec(source, tmp_path_factory):
    """train and val by im2rec.py itself, which imports OpenCV but does not use it here."""
    folder = tmp_path_factory.mktemp("im2rec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cv2", types.ModuleType("cv2"))
        for split in ("train", "val"):
            words = [str(IM2REC), str(folder / split), str(source / split)]
            for options in (["--list", "--recursive"], ["--pass-through"]):
                patch.setattr(sys, "argv", words + options)
                runpy.run_path(str(IM2REC), run_name="__main__")
    gc.collect()  # im2rec.py leaves it to Python's end to close its files
    return folder


def encoded(image, kind="JPEG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(width=90, height=70, kind="JPEG"):
    """The bytes of an image file of one colour."""
    return encoded(Image.new("RGB", (width, height), (200, 40, 40)), kind)


def write(path, rows):
    """A record file of [(label, content)], packed as im2rec.py packs them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = mx.recordio.MXIndexedRecordIO(os.devnull, str(path), "w")
    for number, (label, content) in enumerate(rows):
        header = mx.recordio.IRHeader(0, label, number, 0)
        writer.write_idx(number, mx.recordio.pack(header, content))
    writer.close()


def folder_of(folder, train, val):
    """A folder of two record files with images of these labels."""
    write(folder / "train.rec", [(label, picture()) for label in train])
    write(folder / "val.rec", [(label, picture()) for label in val])
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_im2recs_files_are_used_as_they_are(made_by_im2rec, prepared, tmp_path, capsys):
    before = contents(made_by_im2rec)
    dataset = imagenet.load(made_by_im2rec)
    assert contents(made_by_im2rec) == before
    assert (len(dataset.train_images), len(dataset.test_images), dataset.classes) == (36, 12, 3)
    rows = [line.split("\t") for line in before["train.lst"].decode().splitlines()]
    assert dataset.train_images.labels.tolist() == [float(label) for _, label, _ in rows]
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    assert np.allclose(dataset.mean, prepared[0].mean, atol=1)
    output = capsys.readouterr().out
    assert output.count("\n") == 1 and "labels from 0 to 2" in output and "from 60 to" in output
    for name in ("train.rec", "val.rec"):  # the other files are not needed
        (tmp_path / name).write_bytes(before[name])
    assert imagenet.load(tmp_path).fingerprint == dataset.fingerprint
    with open(tmp_path / "val.rec", "r+b") as file:
        file.seek(12)
        file.write(np.float32(2 - dataset.test_images.labels[0]).tobytes())
    assert imagenet.load(tmp_path).fingerprint != dataset.fingerprint


def test_network_is_trained_and_tested_on_them(made_by_im2rec, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    words = "--image-size 64 --batch-size 5 --iterations 2 --depth 18 --widths 64,64,64,64".split()
    words += ["--output", run, "--data-dir", made_by_im2rec]
    monkeypatch.setattr(train_imagenet, "print_own_cost", lambda folder: None)
    code, out, err = run_here(*words, main=train_imagenet.main)
    assert code == 0 and "records of im2rec" in out, err
    config = json.loads((run / "config.json").read_text())
    assert (config["train_images"], config["test_images"]) == (36, 12)
    scored(monkeypatch, run, "--data-dir", made_by_im2rec, "--crop", "224,ten")
    assert "other files" not in capsys.readouterr().out
    tested = json.loads((run / "test.json").read_text())["224"]
    assert tested["top1"] == pytest.approx(read_log(run)[-1]["test_error"], abs=1e-4)


def test_images_keep_their_labels(made_by_im2rec):
    dataset = imagenet.load(made_by_im2rec)
    batches = CropBatches(dataset.train_images, dataset.mean, 36, 3, 64, dataset.side)
    tests = TestCrops(dataset.test_images, dataset.mean, 12, 64)
    for batch in (batches.data_batch(1), next(iter(tests))):
        labels = batch.label[0].asnumpy()
        means = (batch.data[0].asnumpy() + dataset.mean.reshape(3, 1, 1)).mean(axis=(2, 3))
        coloured = np.ptp(means, axis=1) > 90  # not the grey ones
        assert coloured.sum() > len(labels) / 2
        # trees.py: red, green, blue
        assert (means.argmax(axis=1) == labels)[coloured].all()


@pytest.mark.parametrize("size", [(150, 100), (300, 430)])
def test_images_of_any_size_get_the_papers_scales(tmp_path, size, monkeypatch):
    width, height = size
    monkeypatch.setattr("data.crops.COLOUR_NOISE", 0)
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[:, :, 1] = (np.arange(height) * 250 / height)[:, None]
    content = encoded(Image.fromarray(ramp), "PNG")
    write(tmp_path / "train.rec", [(k % 2, content) for k in range(4)])
    write(tmp_path / "val.rec", [(0, content)])
    dataset = imagenet.load(tmp_path)
    batches = CropBatches(dataset.train_images, dataset.mean, 200, 3, 64, dataset.side)
    batches.samples = lambda iteration: [(0, 0)] * 200
    green = batches.data_batch(1).data[0].asnumpy()[:, 1]
    whole_height = 250 * 48 / (green[:, 56, 32] - green[:, 8, 32])
    short = whole_height * min(width, height) / height
    # [256, 480] of 224 is [73, 137] of 64
    assert 70 < short.min() < 78 and 132 < short.max() < 141


@pytest.mark.parametrize(
    "kind, mode, exif",
    [
        ("JPEG", "RGB", None),
        ("JPEG", "RGB", 6),
        ("JPEG", "L", None),
        ("PNG", "RGBA", None),
        ("PNG", "L", None),
    ],
)
def test_images_are_tested_as_mxnets_reader_decodes_them(tmp_path, kind, mode, exif):
    stored = Image.new("RGB", (64, 64), (240, 30, 20))
    stored.paste((20, 30, 240), (32, 0, 64, 64))
    options = {}
    if exif:
        options["exif"] = Image.Exif()
        options["exif"][274] = exif  # the camera was turned
    content = encoded(stored.convert(mode), kind, **options)
    write(tmp_path / "a.rec", [(0, content)])
    (batch,) = mx.io.ImageRecordIter(
        path_imgrec=str(tmp_path / "a.rec"), data_shape=(3, 64, 64), batch_size=1, verbose=False
    )
    ours = np.asarray(image_files.read(content)).transpose(2, 0, 1)
    assert abs(batch.data[0].asnumpy()[0] - ours).max() < 6


def test_labels_that_do_not_start_at_0_are_renumbered(tmp_path):
    dataset = imagenet.load(folder_of(tmp_path, [7, 2, 1, 7, 2], [7, 1]))
    assert dataset.classes == 3 and dataset.class_names == ("class 1", "class 2", "class 7")
    assert dataset.train_images.labels.tolist() == [2, 1, 0, 2, 1]
    assert dataset.test_images.labels.tolist() == [2, 0]
    batches = CropBatches(dataset.train_images, dataset.mean, 5, 3, 64, dataset.side)
    order = [sample for _, sample in batches.samples(1)]
    shown = batches.data_batch(1).label[0].asnumpy()
    assert (shown == dataset.train_images.labels[order]).all()


def test_label_behind_the_header_is_read(tmp_path):
    dataset = imagenet.load(folder_of(tmp_path, [[0.0], [1.0], [1.0]], [[1.0]]))
    assert dataset.train_images.labels.tolist() == [0, 1, 1]
    assert dataset.train_images.image(1) == picture()
    assert CropBatches(dataset.train_images, dataset.mean, 3, 3, 64, None).data_batch(1)
    assert next(iter(TestCrops(dataset.test_images, dataset.mean, 1, 64))).label[0].asscalar() == 1


def test_synset_txt_names_the_classes(tmp_path):
    folder_of(tmp_path, [0, 1], [0])
    (tmp_path / "synset.txt").write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")
    names = imagenet.load(tmp_path).class_names
    assert names == ("n01440764 tench, Tinca tinca", "n01443537 goldfish")
    (tmp_path / "synset.txt").write_text("n01440764\n")
    refusal(lambda: imagenet.load(tmp_path), "synset.txt", "1 lines", "2 classes")


@pytest.mark.parametrize(
    "train, val, words",
    [
        ([[0.0, 1.0, 0.5], [1.0]], [0], ["train.rec", "record 0 has 3 labels", "--pack-label"]),
        ([0, 0.5], [0], ["train.rec", "label 0.5"]),
        ([0, 1], [-1], ["val.rec", "label -1"]),
        ([0, float("nan")], [0], ["train.rec", "nan"]),
        ([0, 0], [0], ["only the label 0", "--recursive"]),
        ([0, 1], [0, 2], ["val.rec has the label 2", "train.rec"]),
        ([0, 1], [], ["val.rec is corrupt"]),
    ],
)
def test_invalid_labels_get_one_line(tmp_path, train, val, words):
    refusal(lambda: imagenet.load(folder_of(tmp_path, train, val)), *words)


@pytest.mark.parametrize("missing", ["train", "val"])
def test_files_of_other_names_get_one_line(made_by_im2rec, tmp_path, missing):
    folder = tmp_path / "set"
    shutil.copytree(made_by_im2rec, folder)
    (folder / f"{missing}.rec").rename(folder / "my-256.rec")
    refusal(lambda: imagenet.load(folder), f"no {missing}.rec", "my-256.rec", "rename")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-7],
        lambda content: content + b"1234",
        lambda content: b"1234" + content,
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:4] + b"\4\0\0\0" + content[8:],
        lambda content: content[:8] + b"\1\0\0\0" + content[12:32],
    ],
)
def test_damaged_records_are_refused_when_they_are_loaded(made_by_im2rec, tmp_path, damage):
    for name, content in contents(made_by_im2rec).items():
        (tmp_path / name).write_bytes(damage(content) if name == "val.rec" else content)
    # the remedy is im2rec.py: the file may be the only copy
    refusal(lambda: imagenet.load(tmp_path), "val.rec is corrupt", "im2rec.py")


def truncated(kind):
    content = picture(300, 300, kind)
    return content[: len(content) // 2]


FAULTS = {
    "GIF": picture(kind="GIF"),  # MXNet's reader ends the process with SIGFPE
    "not an image": b"<html>not found</html>" + bytes(100),
    "image file is truncated (": truncated("JPEG"),  # MXNet's reader shows the missing part in grey
    "image file is truncated": truncated("PNG"),
    "record 3: ": picture().replace(b"\xff\xc0", b"\xff\xc4"),  # a header without a size
    "transparent": encoded(Image.new("RGBA", (90, 70), (0, 0, 0, 40)), "PNG"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("split", ["train", "val"])
def test_images_that_mxnet_cannot_decode_are_found_before_training(tmp_path, fault, split):
    sound = [(0, picture()), (1, picture(kind="PNG")), (1, picture(kind="BMP") + b"trailing")]
    write(tmp_path / "train.rec", sound)
    write(tmp_path / "val.rec", sound)
    im2rec.check_images(imagenet.load(tmp_path).train_images)
    write(tmp_path / f"{split}.rec", [*sound, (0, FAULTS[fault])])
    message = refusal(lambda: imagenet.load(tmp_path), f"{split}.rec", "1 of 4", "record 3", fault)
    assert "make imagenet-data" in message


def test_record_in_pieces_is_read_and_written_as_by_mxnet(tmp_path):
    magic = records.MAGIC.to_bytes(4, "little")
    images = [b"12345678" + magic + b"1234" + magic, magic, b"1234", b"12" + magic, 2 * magic]
    write(tmp_path / "pieces.rec", enumerate(images))
    read = records.scan(tmp_path / "pieces.rec", "")
    assert read.labels.tolist() == [0, 1, 2, 3, 4]
    reader = mx.recordio.MXRecordIO(str(tmp_path / "pieces.rec"), "r")
    for number, image in enumerate(images):
        assert read.image(number) == image == mx.recordio.unpack(reader.read())[1]
        assert read.raw(number) == records.packed(number, number, image)
