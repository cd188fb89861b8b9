"""Archives are untrusted input: only the files of the set are unpacked."""

import errno
import gzip
import io
import shutil
import tarfile
import zlib
from pathlib import Path

import pytest
from archives import FILES, INSIDE, everything, is_whole, member, packed, whole
from conftest import refusal

from common.errors import UserError
from data import download


@pytest.fixture
def room(tmp_path):
    """room/folder is where an archive is unpacked; nothing else below room may change."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "test_batch.bin").write_bytes(b"mine")
    return tmp_path


def unpack(room, content):
    (room / "set.tar.gz").write_bytes(content)
    download.extract(room / "set.tar.gz", room / "folder", INSIDE, FILES)


def nothing_outside(room):
    outside = {k: v for k, v in everything(room).items() if not k.startswith("folder/")}
    archive = (room / "set.tar.gz").read_bytes()
    mine = {"folder": False, "outside": False, "outside/test_batch.bin": b"mine"}
    return outside == {**mine, "set.tar.gz": archive}


def test_unpacked_folder_has_the_wanted_files_and_nothing_else(room):
    folder = member(INSIDE, type=tarfile.DIRTYPE, mode=0o755)
    unpack(room, packed([folder, *whole(), member(f"{INSIDE}/readme.html", b"hello")]))
    assert is_whole(room / "folder" / INSIDE) and nothing_outside(room)
    assert [path.name for path in (room / "folder").iterdir()] == [INSIDE]


def evil_extras(room):
    """Members that an archive may have besides the wanted files."""
    up, link, hard = "../../outside/", dict(type=tarfile.SYMTYPE), dict(type=tarfile.LNKTYPE)
    return {
        "parent": [
            member("../evil", b"evil"),
            member(f"{INSIDE}/{up}evil", b"evil"),
            member(f"{INSIDE}/{up}test_batch.bin", b"evil"),
        ],
        "absolute": [
            member(str(room / "evil"), b"evil"),
            member(str(room / "outside/test_batch.bin"), b"evil"),
        ],
        "symlink": [
            member(f"{INSIDE}/link", linkname="../../outside", **link),
            member(f"{INSIDE}/link/evil", b"evil"),
        ],
        "hard link": [
            member(f"{INSIDE}/link", linkname=str(room / "outside/test_batch.bin"), **hard)
        ],
        "symlink for the folder": [member(INSIDE, linkname="../outside", **link)],
        "symlink for the temporary folder": [
            member(f"{INSIDE}.partial", linkname="../outside", **link)
        ],
    }


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", evil_extras(Path("/")))
def test_evil_member_besides_the_wanted_files_writes_nothing(room, kind, first):
    extras = evil_extras(room)[kind]
    unpack(room, packed(extras + whole() if first else whole() + extras))
    assert nothing_outside(room)
    assert is_whole(room / "folder" / INSIDE) and not (room / "folder" / INSIDE).is_symlink()
    assert [path.name for path in (room / "folder").iterdir()] == [INSIDE]


@pytest.mark.parametrize("kind", ["symlink", "hard link", "fifo", "device", "folder"])
@pytest.mark.parametrize("name", [FILES[0], FILES[-1]])
def test_wanted_name_that_is_no_regular_file_is_refused(room, name, kind):
    target = str(room / "outside" / "test_batch.bin")
    attributes = {
        "symlink": dict(type=tarfile.SYMTYPE, linkname=target),
        "hard link": dict(type=tarfile.LNKTYPE, linkname=target),
        "fifo": dict(type=tarfile.FIFOTYPE),
        "device": dict(type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        "folder": dict(type=tarfile.DIRTYPE),
    }[kind]
    evil = member(f"{INSIDE}/{name}", **attributes)
    members = [evil if info.name == evil[0].name else (info, content) for info, content in whole()]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", f"{INSIDE}/{name}")
    assert nothing_outside(room) and not (room / "folder" / INSIDE).exists()


def test_hard_link_to_another_member_is_refused(room):
    members = whole()[:-1] + [
        member(f"{INSIDE}/{FILES[-1]}", type=tarfile.LNKTYPE, linkname=f"{INSIDE}/{FILES[0]}")
    ]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", FILES[-1])
    assert not (room / "folder" / INSIDE).exists()


@pytest.mark.parametrize("missing", [FILES[0], FILES[-1]])
def test_archive_that_lacks_a_wanted_file_is_refused(room, missing):
    members = [pair for pair in whole() if not pair[0].name.endswith(missing)] + [
        member(f"elsewhere/{missing}", b"x")
    ]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", missing)
    assert not (room / "folder" / INSIDE).exists()


def spoilt(archive):
    """Ways in which an archive can be broken."""
    with gzip.open(io.BytesIO(packed(whole()))) as file:
        tar = file.read()
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    start = deflate.compress(tar[:100_000]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return {
        "empty": b"",
        "web page": b"<html>\nnot found\n</html>",
        "half": archive[: len(archive) // 2],
        "start": archive[:100],
        "last file cut": archive[:-2000],
        "bad deflate code": start + b"\xff" * 1000,  # 1 bits are not a block of deflate
        "one file only": packed(whole()[:1]),
    }


@pytest.mark.parametrize("kind", spoilt(bytes(1000)))
def test_broken_archive_is_refused_and_leaves_no_set(room, archive, kind):
    refusal(lambda: unpack(room, spoilt(archive)[kind]), room / "set.tar.gz", "delete it")
    assert nothing_outside(room) and not (room / "folder" / INSIDE).exists()
    unpack(room, archive)
    assert is_whole(room / "folder" / INSIDE)


@pytest.mark.parametrize(
    "stop", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"]
)
def test_set_appears_whole_or_not_at_all(room, archive, monkeypatch, stop):
    copied = []

    def copy(source, target):
        assert not (room / "folder" / INSIDE).exists()
        if len(copied) == 4:
            target.write(source.read(1000))
            raise stop
        copied.append(target.name)
        target.write(source.read())

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", copy)
        with pytest.raises(UserError if isinstance(stop, OSError) else KeyboardInterrupt):
            unpack(room, archive)
    assert len(copied) == 4 and not (room / "folder" / INSIDE).exists()
    for left in (room / "folder").iterdir():
        (left / "stray").write_bytes(b"from an older attempt")
    unpack(room, archive)
    assert is_whole(room / "folder" / INSIDE)
    assert [path.name for path in (room / "folder").iterdir()] == [INSIDE]


def test_failed_extraction_leaves_an_older_folder_alone(room, archive):
    old = room / "folder" / INSIDE
    old.mkdir()
    (old / FILES[0]).write_bytes(b"older")
    refusal(lambda: unpack(room, archive[: len(archive) // 2]))
    assert everything(old) == {FILES[0]: b"older"}
