"""A server on the loopback that breaks and lies, and archives, for the tests of the download."""

import hashlib
import http.server
import io
import random
import socket
import tarfile
import threading

import pytest

from data import download

INSIDE, FILES = (
    "cifar-10-batches-bin",
    [
        *(f"data_batch_{k}.bin" for k in range(1, 6)),
        "test_batch.bin",
    ],
)
SET = {
    name: random.Random(name).getrandbits(8 * 60_000).to_bytes(60_000, "big") for name in FILES
}  # does not compress


class Server:
    """Serves self.content at any path.

    What it does wrong is set by attributes; what was asked and sent is in requests.
    """

    def __init__(self):
        self.content, self.ranges, self.breaks, self.status = b"", True, 0, None
        self.wrong = 0  # how many requests get wrong bytes
        self.headers = {}  # to send besides, or instead
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
        asked_range, start, status = handler.headers.get("Range"), 0, 200
        if self.ranges and asked_range:
            start, status = int(asked_range[len("bytes=") : -1]), 206
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
            body = body[: length // 2]
        # noted before it is sent: the client may be done, and the test at its end, as soon as it
        # has read the last byte
        self.requests.append((handler.path, asked_range, status, len(body)))
        handler.send_response(status)
        for name, value in {"Content-Length": str(length), **self.headers}.items():
            handler.send_header(name, value)
        if status == 206:
            handler.send_header(
                "Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
            )
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
        listener.bind(
            ("127.0.0.1", 0)
        )  # bound and not listening: refused, and nobody else can take the port meanwhile
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


@pytest.fixture(scope="session")
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
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() and not path.is_symlink() else path.is_symlink()
        )
        for path in sorted(folder.rglob("*"))
    }
