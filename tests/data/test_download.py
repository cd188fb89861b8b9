"""The download from a server on the loopback that breaks connections and sends wrong content, and
archives, which are untrusted input.
"""

import errno
import fcntl
import gzip
import hashlib
import http.server
import io
import random
import shutil
import socket
import tarfile
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import refusal

from common.errors import UserError
from data import download, layouts

CIFAR10 = layouts.LAYOUTS["cifar10"]
INSIDE = CIFAR10.folders[0]
FILES = [f"{name}.bin" for name in (*CIFAR10.train, CIFAR10.test)]
# random bytes cannot be compressed
SET = {name: random.Random(name).getrandbits(480_000).to_bytes(60_000, "big") for name in FILES}


class Server:
    """Serves self.content at any path, with the faults that its attributes describe."""

    def __init__(self):
        self.content = b""
        self.accepts_ranges = True
        self.breaks = 0  # number of answers that end after half of their bytes
        self.wrong = 0  # number of answers with wrong bytes
        self.status = None
        self.headers = {}
        self.requests = []  # (path, Range header or None, status, bytes sent)
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self):
                server.answer(self)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *arguments: None  # a client can hang up early
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler):
        text = handler.headers.get("Range")
        start = int(text[len("bytes=") : -1]) if text and self.accepts_ranges else 0
        status = self.status or (206 if start else 200)
        if start >= len(self.content):
            status = 416
        body = self.content[start:] if status in (200, 206) else b"no\n"
        if self.wrong:
            self.wrong -= 1
            body = bytes(byte ^ 1 for byte in body)
        length = len(body)
        if self.breaks:
            self.breaks -= 1
            body = body[: length // 2]
        # before the answer: the client may have ended when it has read the last byte
        self.requests.append((handler.path, text, status, len(body)))
        handler.send_response(status)
        for name, value in {"Content-Length": str(length), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    yield running
    running.close()


@pytest.fixture
def closed_host(monkeypatch):
    """The address of a server that is down."""
    monkeypatch.setattr(download, "PAUSE", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # without listen() connections are refused
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def member(name, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def members():
    return [member(f"{INSIDE}/{name}", content) for name, content in SET.items()]


def packed(pairs):
    """tar.gz of (TarInfo, content) pairs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for info, content in pairs:
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture(scope="module")
def archive():
    return packed(members())


def md5(content):
    return hashlib.md5(content).hexdigest()


def contents(folder):
    """{relative path: content, or whether it is a link} of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() and not path.is_symlink() else path.is_symlink()
        )
        for path in sorted(folder.rglob("*"))
    }


# ---- download


@pytest.fixture
def get(server, tmp_path, archive):
    """get() downloads the archive as a.bin."""
    server.content = archive

    def call(host=server.host, **options):
        download.download(host + "a.bin", tmp_path / "a.bin", md5(archive), **options)

    return call


def starts(server):
    """The first byte of each request."""
    return [int(text[len("bytes=") : -1]) if text else 0 for _, text, _, _ in server.requests]


@pytest.mark.parametrize("breaks", [0, 1, 4])
def test_broken_download_resumes_where_it_broke(server, tmp_path, archive, get, breaks):
    server.breaks = breaks
    get()
    assert contents(tmp_path) == {"a.bin": archive}
    assert len(server.requests) == breaks + 1 and starts(server) == sorted(set(starts(server)))
    if breaks:
        sent = server.requests[0][3]
        assert sent - (1 << 16) <= starts(server)[1] <= sent, "most of it was thrown away"


def test_broken_download_starts_again_if_the_server_ignores_ranges(server, tmp_path, archive, get):
    server.breaks = 1
    server.accepts_ranges = False
    get()
    assert [request[2] for request in server.requests] == [200, 200] and starts(server)[1] > 0
    assert contents(tmp_path) == {"a.bin": archive}


def test_next_command_resumes_a_broken_download(server, closed_host, tmp_path, archive, get):
    server.breaks = 1
    refusal(lambda: get(attempts=1), server.host + "a.bin", "is kept", "--data-dir")
    before = contents(tmp_path)
    refusal(lambda: get(closed_host), closed_host + "a.bin", "is kept", "--data-dir")
    assert contents(tmp_path) == before and archive.startswith(before["a.bin"])
    get()
    assert starts(server) == [0, len(before["a.bin"])]
    assert contents(tmp_path) == {"a.bin": archive}


def test_wrong_checksum_is_rejected_and_leaves_nothing(server, tmp_path, get):
    server.wrong = 1000
    message = refusal(get, server.host + "a.bin", "MD5", "--data-dir")
    assert "is kept" not in message and contents(tmp_path) == {} and len(server.requests) == 2


@pytest.mark.parametrize("breaks, fresh", [(0, [True, True]), (1, [True, False, True])])
def test_wrong_bytes_once_are_downloaded_again(server, tmp_path, archive, get, breaks, fresh):
    server.wrong = 1
    server.breaks = breaks
    get()
    assert [start == 0 for start in starts(server)] == fresh
    assert contents(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize(
    "before, statuses",
    [
        (lambda archive: archive, []),
        (lambda archive: archive[:-1], [206]),
        (lambda archive: archive[:-1] + b"x", [416, 200]),
        (lambda archive: archive + b"and more", [416, 200]),
    ],
)
def test_existing_file_is_completed_or_replaced(server, tmp_path, archive, get, before, statuses):
    """A server answers 416 to a range that begins at the end."""
    (tmp_path / "a.bin").write_bytes(before(archive))
    get()
    assert contents(tmp_path) == {"a.bin": archive}
    assert [request[2] for request in server.requests] == statuses


@pytest.mark.parametrize(
    "status, headers",
    [
        (404, {}),
        (503, {}),
        *((302, {"Location": place}) for place in ("http://", "ftp://a/b", "http://[::1")),
        *((302, {"Location": f"http://{host}/"}) for host in ("a:b", ".a", "127.0.0.1:99999")),
    ],
)
def test_error_of_the_server_is_one_line_and_leaves_nothing(server, tmp_path, get, status, headers):
    server.status = status
    server.headers = headers
    refusal(get, server.host + "a.bin", "--data-dir", *([status] if status > 302 else []))
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("header", [{"Content-Length": "garbage"}, {"Content-Encoding": "gzip"}])
def test_wrong_header_leaves_the_checksum_to_decide(server, tmp_path, archive, get, header):
    server.headers = {**header, "Connection": "close"}
    get()
    assert contents(tmp_path) == {"a.bin": archive}


# ---- fetch


@pytest.fixture
def fetch(server, tmp_path, archive, monkeypatch):
    """fetch() gets CIFAR-10 from the server; its folder."""
    server.content = archive

    def call(host=server.host):
        layout = CIFAR10._replace(archive="set.tar.gz", md5=md5(archive))
        monkeypatch.setitem(layouts.LAYOUTS, "cifar10", layout)
        return download.fetch("cifar10", tmp_path, host)

    return call


def test_file_system_without_locks_has_a_remedy(fetch, tmp_path, monkeypatch):
    def flock(file, operation):
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    refusal(fetch, f"{tmp_path} has no locks (not implemented)", "set.tar.gz", "DATA=")


def test_two_commands_at_once_share_one_download(server, fetch):
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(fetch), pool.submit(fetch)]
        assert all(contents(call.result()) == SET for call in calls)
    assert len(server.requests) == 1


def test_fetched_set_is_in_its_folder_and_complete(closed_host, server, tmp_path, fetch):
    server.breaks = 1
    assert fetch() == tmp_path / INSIDE and contents(tmp_path / INSIDE) == SET
    lock = tmp_path / "set.tar.gz.lock"
    assert {path.name for path in tmp_path.iterdir()} == {INSIDE, lock.name}
    lock.unlink()
    lock.mkdir()  # nobody can open it, not even root
    assert fetch() == fetch(closed_host) == tmp_path / INSIDE
    lock.rmdir()
    (tmp_path / INSIDE / "data_batch_4.bin").unlink()
    assert contents(fetch()) == SET


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()])
def test_set_appears_complete_or_not_at_all(tmp_path, fetch, monkeypatch, stop):
    copied = []

    def copy(source, target):
        if len(copied) == 4:
            target.write(source.read(1000))
            raise stop
        copied.append(target.name)
        target.write(source.read())

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", copy)
        with pytest.raises(UserError if isinstance(stop, OSError) else KeyboardInterrupt):
            fetch()
    assert len(copied) == 4 and not (tmp_path / INSIDE).exists()
    assert contents(fetch()) == SET


# ---- archives


@pytest.fixture
def room(tmp_path):
    """room/folder is where an archive is unpacked; nothing else below room may change."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "test_batch.bin").write_bytes(b"mine")
    return tmp_path


def unpack(room, content):
    """What an archive leaves in room/folder."""
    (room / "set.tar.gz").write_bytes(content)
    before = contents(room)
    try:
        layouts.unpack(room / "set.tar.gz", CIFAR10, room / "folder")
    finally:
        after = contents(room)
        unpacked = {name: after.pop(name) for name in list(after) if name.startswith("folder/")}
        assert after == before
    return {name[len("folder/") :]: content for name, content in unpacked.items()}


UP = f"{INSIDE}/../../outside"
LINK = dict(type=tarfile.SYMTYPE)
EVIL = {
    "parent": [member("../evil", b"evil"), member(f"{UP}/evil", b"evil")],
    "symlink for the folder": [member(INSIDE, linkname="../outside", **LINK)],
    "link for a file": [member(f"{INSIDE}/{FILES[0]}", linkname="/etc/passwd", **LINK)],
    "fifo for a file": [member(f"{INSIDE}/{FILES[0]}", type=tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("kind", EVIL)
def test_only_regular_files_of_the_set_are_unpacked(room, kind, is_first):
    pairs = [*EVIL[kind], *members()] if is_first else [*members(), *EVIL[kind]]
    assert unpack(room, packed(pairs)) == SET


def test_a_member_larger_than_any_file_of_the_set_is_not_unpacked(room, monkeypatch):
    monkeypatch.setattr(layouts, "LARGEST", 100)
    pairs = [member(f"{INSIDE}/{FILES[0]}", b"x" * 101), *members()[1:]]
    assert FILES[0] not in unpack(room, packed(pairs))


def spoilt(archive):
    """Ways in which an archive can be corrupt."""
    tar = gzip.decompress(archive)
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    start = deflate.compress(tar[:100_000]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return {
        "empty": b"",
        "web page": b"<html>\nnot found\n</html>",
        "half": archive[: len(archive) // 2],
        "start": archive[:100],
        "last file cut": archive[:-2000],
        "bad deflate code": start + b"\xff" * 1000,  # 1 bits are not a block of deflate
    }


@pytest.mark.parametrize("kind", spoilt(packed([])))
def test_corrupt_archive_is_rejected(room, archive, kind):
    refusal(lambda: unpack(room, spoilt(archive)[kind]), room / "set.tar.gz", "again")
