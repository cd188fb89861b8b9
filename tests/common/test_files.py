"""A file is written completely or not at all, also when the machine loses power."""

import os

import mxnet as mx
import pytest
from conftest import refusal

from common import files
from training import checkpoint


def save_checkpoint(folder):
    checkpoint.save(folder, {"arg:a": mx.nd.ones(1)}, {"iteration": 5})


@pytest.mark.parametrize(
    "write, contents",
    [
        (lambda folder: files.write_whole(folder / "a.csv", "content"), ["a.csv"]),
        (save_checkpoint, ["arrays.params", "checkpoint", "state.json"]),
    ],
)
def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch, write, contents):
    done = []
    sync, replace = os.fsync, os.replace

    def recorded_sync(descriptor):
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def recorded_replace(before, after):
        done.append("replaced")
        replace(before, after)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    write(tmp_path)
    *written, replaced, folder = done
    names = [name.replace(f"-{os.getpid()}", "").replace(".partial", "") for name in written]
    assert sorted(names) == contents
    assert (replaced, folder) == ("replaced", tmp_path.name)  # the folder, too: it has the name


def test_folder_in_place_of_a_file_is_no_full_disk(tmp_path):
    assert "full" not in refusal(lambda: files.write_whole(tmp_path, "text"), "Is a directory")


def test_stopped_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    files.write_whole(tmp_path / "a.csv", "old")

    def stopped(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "sync", stopped)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "a.csv", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
