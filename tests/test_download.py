"""The download from a server on the loopback that breaks, lies and refuses; the archive is not trusted either."""
import errno
import gzip
import hashlib
import http.server
import io
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import refusal

from common.errors import UserError
from data import download

INSIDE, FILES = "cifar-10-batches-bin", [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
SET = {name: random.Random(name).getrandbits(8 * 60_000).to_bytes(60_000, "big") for name in FILES}  # does not compress


class Server:
    """Serves self.content at any path. What it does wrong is set by attributes; what was asked and sent is in requests."""

    def __init__(self):
        self.content, self.ranges, self.breaks, self.status = b"", True, 0, None
        self.wrong = 0  # how many requests get wrong bytes
        self.requests = []  # (path, Range header or None, status, bytes sent)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *arguments: None  # a client that hangs up early is none
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self._thread.start()
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, handler):
        asked, start, status = handler.headers.get("Range"), 0, 200
        if self.ranges and asked:
            start, status = int(asked[len("bytes="):-1]), 206
            if start >= len(self.content):
                status = 416
        status = self.status or status
        body = self.content[start:] if status in (200, 206) else b"no\n"
        if self.wrong:
            self.wrong -= 1
            body = bytes(byte ^ 1 for byte in body)
        length = len(body)
        if self.breaks and status in (200, 206):
            self.breaks -= 1
            body = body[:length // 2]
        # noted before it is sent: the client may be done, and the test at its end, as soon as it has read the last byte
        self.requests.append((handler.path, asked, status, len(body)))
        handler.send_response(status)
        handler.send_header("Content-Length", str(length))
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    yield running
    running.close()


@pytest.fixture
def closed_host():
    """The address of a server that is down."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take the port meanwhile
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def member(name, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def whole():
    return [member(f"{INSIDE}/{name}", content) for name, content in SET.items()]


def packed(members):
    """tar.gz of (TarInfo, content) pairs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture(scope="module")
def archive():
    return packed(whole())


def md5(content):
    return hashlib.md5(content).hexdigest()


def archives(content):
    return {"cifar10": ("set.tar.gz", md5(content), INSIDE, FILES)}


def is_whole(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} == SET


def everything(folder):
    """{relative path: content, or what else it is} of all that is below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else path.is_symlink()
            for path in sorted(folder.rglob("*"))}


# ---- download


def test_file_arrives_whole_in_one_request(server, tmp_path, archive):
    server.content = archive
    download.download(server.host + "a.bin", tmp_path / "new" / "a.bin", md5(archive))
    assert server.requests == [("/a.bin", None, 200, len(archive))]
    assert everything(tmp_path / "new") == {"a.bin": archive}, "something was left beside the file"


def test_broken_download_goes_on_where_it_broke(server, tmp_path, archive):
    server.content, server.breaks = archive, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    first, second = server.requests
    assert first[1:3] == (None, 200)
    start = int(second[1][len("bytes="):-1])
    assert second[1:] == (f"bytes={start}-", 206, len(archive) - start), "more than the remainder was sent"
    assert first[3] - (1 << 16) <= start <= first[3], "most of what had arrived was thrown away"
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_download_that_breaks_several_times_still_arrives(server, tmp_path, archive):
    server.content, server.breaks = archive, 4
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    starts = [int(asked[len("bytes="):-1]) for _, asked, _, _ in server.requests[1:]]
    assert len(server.requests) == 5 and starts == sorted(starts) and starts[0] > 0
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_broken_download_starts_again_if_the_server_ignores_ranges(server, tmp_path, archive):
    server.content, server.breaks, server.ranges = archive, 1, False
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[2:] for request in server.requests] == [(200, server.requests[0][3]), (200, len(archive))]
    assert server.requests[1][1] is not None
    assert (tmp_path / "a.bin").read_bytes() == archive, "the second answer was appended to the first"


def test_what_has_arrived_is_kept_for_the_next_command(server, tmp_path, archive):
    server.content, server.breaks = archive, 1000
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
            server.host + "a.bin", "is kept", "--data-dir")
    (partial,) = tmp_path.iterdir()
    kept = partial.read_bytes()
    assert partial.name != "a.bin" and archive.startswith(kept) and len(kept) > len(archive) // 4
    server.breaks = 0
    del server.requests[:]
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert server.requests == [("/a.bin", f"bytes={len(kept)}-", 206, len(archive) - len(kept))]
    assert everything(tmp_path) == {"a.bin": archive}


def test_server_that_is_down_is_reported_and_what_has_arrived_is_kept(closed_host, server, tmp_path, archive):
    server.content, server.breaks = archive, 1
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive), attempts=1))
    before = everything(tmp_path)
    refusal(lambda: download.download(closed_host + "a.bin", tmp_path / "a.bin", md5(archive)),
            closed_host + "a.bin", "is kept", "--data-dir")
    assert before and everything(tmp_path) == before


@pytest.mark.parametrize("ranges", [True, False])
def test_wrong_checksum_is_refused_and_leaves_nothing(server, tmp_path, archive, ranges):
    server.content, server.wrong, server.ranges = archive, 1000, ranges
    message = refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
                      server.host + "a.bin", "MD5", "--data-dir")
    assert "is kept" not in message, "it was not kept, and should not be"
    assert everything(tmp_path) == {}
    assert len(server.requests) <= 5


def test_download_without_end_is_refused_and_leaves_nothing(server, tmp_path, archive, monkeypatch):
    server.content = archive
    monkeypatch.setattr(download, "LARGEST", len(archive) // 2)
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)), server.host + "a.bin", "--data-dir")
    assert everything(tmp_path) == {}


def test_wrong_bytes_once_are_downloaded_again_from_the_beginning(server, tmp_path, archive):
    server.content, server.wrong = archive, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[1] for request in server.requests] == [None, None]
    assert everything(tmp_path) == {"a.bin": archive}


def test_wrong_beginning_does_not_spoil_the_download_for_ever(server, tmp_path, archive):
    server.content, server.wrong, server.breaks = archive, 1, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[1] is None for request in server.requests] == [True, False, True]
    assert everything(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize("extra", [b"", b"and more"])
def test_download_that_was_whole_already_is_finished_whatever_the_server_says(server, tmp_path, archive, extra):
    """It ended between the last byte and the renaming: the server answers 416 to a range that begins at the end."""
    server.content, server.breaks = archive, 1000
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive), attempts=1))
    (partial,) = tmp_path.iterdir()
    partial.write_bytes(archive + extra)
    server.breaks = 0
    del server.requests[:]
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert everything(tmp_path) == {"a.bin": archive}
    assert [request[2] for request in server.requests] == ([416, 200] if extra else [416])


@pytest.mark.parametrize("status", [404, 416, 503])
def test_refusing_server_is_reported_and_leaves_nothing(server, tmp_path, archive, status):
    server.content, server.status = archive, status
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
            server.host + "a.bin", status, "--data-dir")
    assert everything(tmp_path) == {}
    assert 1 <= len(server.requests) <= 5


def test_whole_file_is_not_downloaded_again_but_a_spoilt_one_is(server, tmp_path, archive):
    server.content = archive
    (tmp_path / "a.bin").write_bytes(archive)
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert server.requests == []
    (tmp_path / "a.bin").write_bytes(archive[:-1])
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert len(server.requests) == 1 and everything(tmp_path) == {"a.bin": archive}


def test_error_without_words_still_gives_a_reason(closed_host, tmp_path, monkeypatch):
    def get(*arguments, **options):
        raise download.requests.ConnectionError()

    monkeypatch.setattr(download.requests, "get", get)
    refusal(lambda: download.download(closed_host + "a.bin", tmp_path / "a.bin", md5(b"")), "ConnectionError")


# ---- fetch


def test_two_commands_at_once_share_one_download(server, tmp_path, archive):
    server.content = archive
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(download.fetch, "cifar10", tmp_path / "data", server.host, archives(archive)) for _ in range(2)]
        assert all(is_whole(call.result()) for call in calls)
    assert len(server.requests) == 1


def test_fetched_set_lies_in_its_folder_and_the_archive_is_gone(server, tmp_path, archive):
    server.content, server.breaks = archive, 1
    target = download.fetch("cifar10", tmp_path / "data", server.host, archives(archive))
    assert target == tmp_path / "data" / INSIDE and is_whole(target)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {INSIDE, "set.tar.gz.lock"}
    assert server.requests[0][0] == "/set.tar.gz"


def test_existing_set_is_not_downloaded_again(closed_host, server, tmp_path, archive):
    server.content = archive
    download.fetch("cifar10", tmp_path, server.host, archives(archive))
    before = everything(tmp_path)
    assert download.fetch("cifar10", tmp_path, server.host, archives(archive)) == tmp_path / INSIDE
    assert download.fetch("cifar10", tmp_path, closed_host, archives(archive)) == tmp_path / INSIDE
    assert len(server.requests) == 1 and everything(tmp_path) == before


def test_set_that_lacks_a_file_is_fetched_again(server, tmp_path, archive):
    server.content = archive
    download.fetch("cifar10", tmp_path, server.host, archives(archive))
    (tmp_path / INSIDE / "data_batch_4.bin").unlink()
    assert is_whole(download.fetch("cifar10", tmp_path, server.host, archives(archive)))


def test_failed_fetch_names_the_other_way(closed_host, server, tmp_path, archive):
    server.content, server.wrong = archive, 1000
    refusal(lambda: download.fetch("cifar10", tmp_path, closed_host, archives(archive)), closed_host, "--data-dir", "DATA=")
    refusal(lambda: download.fetch("cifar10", tmp_path, server.host, archives(archive)), server.host, "--data-dir", "DATA=")
    assert not (tmp_path / INSIDE).exists()


def test_archive_that_cannot_be_unpacked_is_refused_by_fetch(server, tmp_path, archive):
    server.content = archive[:len(archive) // 2]  # cut, with the checksum that goes with it
    refusal(lambda: download.fetch("cifar10", tmp_path, server.host, archives(server.content)), tmp_path / "set.tar.gz", "delete")
    assert not (tmp_path / INSIDE).exists()


def test_command_without_a_data_set_says_how_to_use_it():
    result = subprocess.run([sys.executable, "-m", "data.download", "imagenet"], cwd=Path(__file__).resolve().parents[1],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "cifar10|cifar100" in result.stderr


# ---- extract


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
    return {name: content for name, content in everything(room).items() if not name.startswith("folder/")} == {
        "folder": False, "outside": False, "outside/test_batch.bin": b"mine", "set.tar.gz": (room / "set.tar.gz").read_bytes()}


def test_unpacked_folder_has_the_wanted_files_and_nothing_else(room):
    unpack(room, packed([member(INSIDE, type=tarfile.DIRTYPE, mode=0o755), *whole(), member(f"{INSIDE}/readme.html", b"hello")]))
    assert is_whole(room / "folder" / INSIDE) and nothing_outside(room)
    assert [path.name for path in (room / "folder").iterdir()] == [INSIDE]


def evil_extras(room):
    """Members that an archive may have besides the wanted files."""
    up, link, hard = "../../outside/", dict(type=tarfile.SYMTYPE), dict(type=tarfile.LNKTYPE)
    return {
        "parent": [member("../evil", b"evil"), member(f"{INSIDE}/{up}evil", b"evil"),
                   member(f"{INSIDE}/{up}test_batch.bin", b"evil")],
        "absolute": [member(str(room / "evil"), b"evil"), member(str(room / "outside/test_batch.bin"), b"evil")],
        "symlink": [member(f"{INSIDE}/link", linkname="../../outside", **link), member(f"{INSIDE}/link/evil", b"evil")],
        "hard link": [member(f"{INSIDE}/link", linkname=str(room / "outside/test_batch.bin"), **hard)],
        "symlink for the folder": [member(INSIDE, linkname="../outside", **link)],
        "symlink for the temporary folder": [member(f"{INSIDE}.partial", linkname="../outside", **link)],
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
    attributes = {"symlink": dict(type=tarfile.SYMTYPE, linkname=target), "hard link": dict(type=tarfile.LNKTYPE, linkname=target),
                  "fifo": dict(type=tarfile.FIFOTYPE), "device": dict(type=tarfile.CHRTYPE, devmajor=1, devminor=5),
                  "folder": dict(type=tarfile.DIRTYPE)}[kind]
    evil = member(f"{INSIDE}/{name}", **attributes)
    members = [evil if info.name == evil[0].name else (info, content) for info, content in whole()]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", f"{INSIDE}/{name}")
    assert nothing_outside(room) and not (room / "folder" / INSIDE).exists()


def test_hard_link_to_another_member_is_refused(room):
    members = whole()[:-1] + [member(f"{INSIDE}/{FILES[-1]}", type=tarfile.LNKTYPE, linkname=f"{INSIDE}/{FILES[0]}")]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", FILES[-1])
    assert not (room / "folder" / INSIDE).exists()


@pytest.mark.parametrize("missing", [FILES[0], FILES[-1]])
def test_archive_that_lacks_a_wanted_file_is_refused(room, missing):
    members = [pair for pair in whole() if not pair[0].name.endswith(missing)] + [member(f"elsewhere/{missing}", b"x")]
    refusal(lambda: unpack(room, packed(members)), room / "set.tar.gz", missing)
    assert not (room / "folder" / INSIDE).exists()


def spoilt(archive):
    """Ways in which an archive can be broken."""
    with gzip.open(io.BytesIO(packed(whole()))) as file:
        tar = file.read()
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    start = deflate.compress(tar[:100_000]) + deflate.flush(zlib.Z_SYNC_FLUSH)  # what follows 1 bits is no block of deflate
    return {"empty": b"", "web page": b"<html>\nnot found\n</html>", "half": archive[:len(archive) // 2], "start": archive[:100],
            "last file cut": archive[:-2000], "bad deflate code": start + b"\xff" * 1000, "one file only": packed(whole()[:1])}


@pytest.mark.parametrize("kind", spoilt(bytes(1000)))
def test_broken_archive_is_refused_and_leaves_no_set(room, archive, kind):
    refusal(lambda: unpack(room, spoilt(archive)[kind]), room / "set.tar.gz", "delete it")
    assert nothing_outside(room) and not (room / "folder" / INSIDE).exists()
    unpack(room, archive)
    assert is_whole(room / "folder" / INSIDE)


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
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
    assert [path.name for path in (room / "folder").iterdir()] == [INSIDE], "the first attempt left something behind"


def test_failed_extraction_leaves_an_older_folder_alone(room, archive):
    old = room / "folder" / INSIDE
    old.mkdir()
    (old / FILES[0]).write_bytes(b"older")
    refusal(lambda: unpack(room, archive[:len(archive) // 2]))
    assert everything(old) == {FILES[0]: b"older"}
