"""A file is written completely or not at all, also when the machine loses power."""

import json
import os
import threading

import mxnet as mx
import pytest
from conftest import refusal

from common import files
from paper import run_files
from training import checkpoint


def test_arrays_in_a_path_that_is_not_utf8_are_an_error_of_the_place(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    with files.writing(folder):
        refusal(lambda: save_checkpoint(folder), "cannot write into")


def test_two_tests_of_one_run_at_the_same_time_are_both_recorded(tmp_path):
    path = tmp_path / "run" / "test.json"
    late = threading.Thread(target=run_files.add_tests, args=(path, {"late": {"top1": 2}}))
    with files.locked(path.parent):
        late.start()
        late.join(1)
        assert late.is_alive() and not path.exists()
        files.write_whole(path, '{"early": {"top1": 1}}')
    late.join()
    assert json.loads(path.read_text()) == {"early": {"top1": 1}, "late": {"top1": 2}}


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
