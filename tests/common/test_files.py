"""A file is written completely or not at all, also when the machine loses power."""

import os

import pytest

from common import files


def test_content_is_on_the_disk_before_the_file_has_its_name(tmp_path, monkeypatch):
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
    files.write_whole(tmp_path / "a.csv", "content")
    written, *rest = done
    assert written.startswith("a.csv") and written.endswith(".partial")
    assert rest == ["replaced", tmp_path.name]  # the folder, too: it has the name
    assert (tmp_path / "a.csv").read_text() == "content"


def test_stopped_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    files.write_whole(tmp_path / "a.csv", "old")

    def stopped(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "sync", stopped)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "a.csv", "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
