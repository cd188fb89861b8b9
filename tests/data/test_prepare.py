"""A folder of images becomes indexed RecordIO, also after every kind of stop."""

import json
import os
import shutil
import signal

import mxnet as mx
import numpy as np
import pytest
from conftest import begin, refusal, typed
from made_runs import full_disk
from PIL import Image
from trees import SIDE, decoded, picture, tree

from data import folders, imagenet, prepare
from data.crops import CropBatches, TestCrops


def test_every_image_occurs_once_with_its_class_and_shorter_side(source, prepared):
    result, folder = prepared
    assert (len(result.train_images), len(result.test_images), result.classes) == (36, 12, 3)
    rows = [line.split("\t") for line in (folder / "train.lst").read_text().splitlines()]
    files = [os.path.relpath(path, source) for path in (source / "train").glob("*/*")]
    assert sorted(path for _, _, path in rows) == sorted(files)
    means = []
    for i, (number, label, path) in enumerate(rows):
        header, pixels = decoded(result.train_images, i)
        assert (header.id, header.label) == (int(number), float(label))
        assert result.train_images.labels[i] == float(label)
        assert path.startswith(f"train/class {float(label):g}/")
        with Image.open(source / path) as image:
            ratio = image.size[0] / image.size[1]
        assert min(pixels.shape[:2]) == SIDE
        assert abs(pixels.shape[1] / pixels.shape[0] - ratio) < 0.02
        means.append(pixels.mean(axis=(0, 1)))
    assert np.allclose(result.mean, np.mean(means, axis=0), atol=1)
    assert not list(folder.glob("*.partial"))
    reader = mx.io.ImageRecordIter(
        path_imgrec=str(folder / "train.rec"),
        path_imgidx=str(folder / "train.idx"),
        data_shape=(3, 64, 64),
        batch_size=36,
        verbose=False,
    )
    assert (reader.next().label[0].asnumpy() == result.train_images.labels).all()


def test_unreadable_files_are_named_and_left_out_on_request(tmp_path, capsys):
    source = tree(tmp_path / "source", classes=2, train=5, val=2)
    for path in (source / "val/class 0").iterdir():
        path.unlink()
    sound = (source / "train/class 1/a picture 0.JPEG").read_bytes()
    names = ["train/class 0/notes.txt", "train/class 1/truncated.JPEG", "val/class 0/empty.JPEG"]
    for name, content in zip(names, (b"no image", sound[: len(sound) // 2], b"")):
        (source / name).write_bytes(content)
    (source / "train/class 0/.DS_Store").write_bytes(b"hidden files are ignored")
    output = tmp_path / "set"
    words = ("3 files", "notes.txt", "truncated.JPEG", "--skip-unreadable")
    refusal(lambda: prepare.prepare(source, output, 64, 2), *words)
    assert len((output / "unreadable.txt").read_text().splitlines()) == 3
    assert not (output / "set.json").exists()
    result = prepare.prepare(source, output, 64, 2, skip_unreadable=True)
    at_once = prepare.prepare(source, tmp_path / "other set", 64, 2, skip_unreadable=True)
    assert result.fingerprint == at_once.fingerprint
    assert (len(result.train_images), len(result.test_images)) == (10, 2)
    assert "1 classes have no test image, the first class 0" in capsys.readouterr().out


def test_killed_preparation_resumes_and_gives_the_same_files(source, prepared, tmp_path):
    output = tmp_path / "set"
    code = f"""
import time
from data import prepare

append = prepare.SplitWriter.append
appended = []

def append_and_wait(*arguments):
    append(*arguments)
    print("appended", flush=True)
    appended.append(arguments)
    time.sleep(60 * (len(appended) == 2))

prepare.JOB = 4
prepare.SplitWriter.append = append_and_wait
prepare.prepare({str(source)!r}, {str(output)!r}, {SIDE}, 2)
"""
    for number in (signal.SIGKILL, signal.SIGINT):
        process = begin(code)
        process.stdout.readline(), process.stdout.readline()
        process.send_signal(number)
        process.communicate()
        refusal(lambda: imagenet.load(output), "no prepared set")
        with open(output / "train.rec", "ab") as file:
            file.write(b"half a record")
    assert json.loads((output / "train.state.partial").read_text())["images"] in range(12, 36)
    result = prepare.prepare(source, output, SIDE, 2)
    assert_same(output, prepared[1])
    assert np.allclose(result.mean, prepared[0].mean)
    assert result.fingerprint == prepared[0].fingerprint


def test_two_processes_do_not_prepare_one_folder(source, tmp_path):
    code = f"""
import fcntl, time
lock = open({str(tmp_path / ".lock")!r}, "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)
"""
    process = begin(code)
    process.stdout.readline()
    refusal(lambda: prepare.prepare(source, tmp_path, SIDE, 1), "another process prepares")
    process.kill()
    process.communicate()
    assert list(tmp_path.iterdir()) == [tmp_path / ".lock"]
    assert len(prepare.prepare(source, tmp_path, SIDE, 1).train_images)


def assert_same(output, folder):
    for name in ("train.rec", "train.idx", "train.lst", "val.rec", "val.idx"):
        assert (output / name).read_bytes() == (folder / name).read_bytes()
    assert not list(output.glob("*.partial"))


def test_preparation_resumes_after_the_disk_was_full(source, prepared, tmp_path):
    limit = (prepared[1] / "train.rec").stat().st_size - 100
    with full_disk(limit):
        refusal(lambda: prepare.prepare(source, tmp_path, SIDE, 2), "full", "resume")
    prepare.prepare(source, tmp_path, SIDE, 2)
    assert_same(tmp_path, prepared[1])


def test_preparation_that_ends_before_its_last_step_resumes(
    source, prepared, tmp_path, monkeypatch
):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folders, "readable", interrupt)
        prepare.prepare(source, tmp_path, SIDE, 2)
    assert (tmp_path / "train.rec").exists() and not (tmp_path / "set.json").exists()
    monkeypatch.setattr(prepare.SplitWriter, "append", None)  # nothing is left to prepare
    prepare.prepare(source, tmp_path, SIDE, 2)
    assert_same(tmp_path, prepared[1])


def test_second_preparation_does_nothing_or_is_rejected(source, prepared):
    _, folder = prepared
    before = (folder / "train.rec").stat().st_mtime_ns
    prepare.prepare(source, folder, SIDE)
    assert (folder / "train.rec").stat().st_mtime_ns == before
    refusal(lambda: prepare.prepare(source, folder, 64), "another set", "--output")


@pytest.fixture
def small(tmp_path):
    return tree(tmp_path / "source", classes=2, train=3, val=1)


def test_finished_set_is_not_of_a_file_that_was_replaced(small, tmp_path):
    output = tmp_path / "set"
    fingerprint = prepare.prepare(small, output, 64, 1).fingerprint
    shutil.copytree(str(small), str(tmp_path / "copy"))
    assert prepare.prepare(tmp_path / "copy", output, 64).fingerprint == fingerprint
    picture(small / "val/class 1/a picture 0.JPEG", 60, 190, seed=9)
    refusal(lambda: prepare.prepare(small, output, 64), "another set", "--output")


def test_stopped_preparation_of_other_files_starts_again(small, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(folders, "readable", lambda *_: 1 / 0)
        prepare.prepare(small, tmp_path / "resumed", 64, 1)
    picture(small / "train/class 0/a picture 0.JPEG", 60, 190, seed=9)
    resumed = prepare.prepare(small, tmp_path / "resumed", 64, 1)
    assert capsys.readouterr().out.count("starts again") == 1  # val/ is the same
    new = prepare.prepare(small, tmp_path / "new", 64, 1)
    assert (resumed.fingerprint, resumed.mean.tolist()) == (new.fingerprint, new.mean.tolist())


def copied(prepared, folder):
    shutil.copytree(str(prepared[1]), str(folder / "set"))
    return folder / "set"


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
        ("train.lst", lambda content: content.replace(b"\t0.000000", b"\t7.000000"), "train.rec"),
        ("train.idx", lambda content: content.replace(b"0\t0\n", b"0\t-8\n"), "train.rec"),
    ],
)
def test_corrupt_set_is_rejected_when_it_is_loaded(prepared, tmp_path, name, damage, message):
    folder = copied(prepared, tmp_path)
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    refusal(lambda: imagenet.load(folder), folder, message, "imagenet-data")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("place", [0, 8 + 24])  # the frame of a record, its image
def test_corrupt_record_is_rejected_when_it_is_read(prepared, tmp_path, split, place):
    folder = copied(prepared, tmp_path)
    result = imagenet.load(folder)
    records = result.train_images if split == "train" else result.test_images
    begin, end = map(int, records.offsets[5:7])
    with open(folder / f"{split}.rec", "r+b") as file:
        file.seek(begin + place)
        file.write(bytes(end - begin - place))
    batches = TestCrops(result.test_images, result.mean, 5, 64)
    if split == "train":
        batches = CropBatches(result.train_images, result.mean, 7, 3, 64, SIDE).stream(1, 6)
    refusal(lambda: list(batches), f"{split}.rec is corrupt", "imagenet-data")


@pytest.mark.parametrize("name", ["train.rec", "val.rec", "train.idx", "val.lst"])
def test_files_of_another_program_are_not_replaced(source, tmp_path, name):
    (tmp_path / name).write_bytes(b"im2rec's, and the only copy")
    refusal(lambda: prepare.prepare(source, tmp_path, 64, 1), tmp_path / name, "move")
    assert (tmp_path / name).read_bytes() == b"im2rec's, and the only copy"


def test_names_outside_utf8_are_prepared_and_printed(tmp_path, monkeypatch, capsys):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    for name in (b"ros\xe9", b"tree"):
        os.makedirs(folder + b"/" + name)
        for number in range(3):
            path = os.fsdecode(folder + b"/" + name + b"/\xe9%d.png" % number)
            Image.new("RGB", (20, 20)).save(path)
    output = tmp_path / "set"
    words = [os.fsdecode(folder), "--output", output, "--side", "16"]
    typed(monkeypatch, prepare.main, *words)
    out = capsys.readouterr().out
    assert "caf\ufffd (4 + 2 images in 2 classes)" in out
    assert imagenet.load(output).class_names == ("ros\ufffd", "tree")
    assert imagenet.load(output).name.startswith("caf\ufffd")
