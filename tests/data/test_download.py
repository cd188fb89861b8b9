"""The download from a server on the loopback that breaks connections and sends wrong content."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from archives import INSIDE, archives, everything, is_whole, md5
from conftest import ROOT, refusal

from data import download


@pytest.fixture
def get(server, tmp_path, archive):
    """get() downloads the archive as a.bin; get(host=..., attempts=...) otherwise."""
    server.content = archive

    def call(host=server.host, **options):
        download.download(host + "a.bin", tmp_path / "a.bin", md5(archive), **options)

    return call


@pytest.fixture
def fetch(server, tmp_path, archive):
    """fetch() gets CIFAR-10 from the server; its folder."""
    server.content = archive

    def call(host=server.host, content=archive):
        return download.fetch("cifar10", tmp_path, host, archives(content))

    return call


@pytest.fixture
def broken(server, tmp_path, archive, get):
    """The part of a download whose connection broke, and a server that is sound again."""
    server.breaks = 1
    refusal(lambda: get(attempts=1), server.host + "a.bin", "is kept", "--data-dir")
    (partial,) = tmp_path.iterdir()
    del server.requests[:]
    assert partial.name != "a.bin" and archive.startswith(partial.read_bytes())
    assert len(partial.read_bytes()) > len(archive) // 4
    return partial


def test_file_arrives_in_one_request_and_nothing_else(server, tmp_path, archive, get):
    get()
    assert server.requests == [("/a.bin", None, 200, len(archive))]
    assert everything(tmp_path) == {"a.bin": archive}


def test_broken_download_resumes_where_it_broke(server, tmp_path, archive, get):
    server.breaks = 1
    get()
    first, second = server.requests
    assert first[1:3] == (None, 200)
    start = int(second[1][len("bytes=") : -1])
    assert second[1:] == (f"bytes={start}-", 206, len(archive) - start)
    assert first[3] - (1 << 16) <= start <= first[3], "most of what had arrived was thrown away"
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_download_that_breaks_several_times_still_arrives(server, tmp_path, archive, get):
    server.breaks = 4
    get()
    starts = [int(sent[len("bytes=") : -1]) for _, sent, _, _ in server.requests[1:]]
    assert len(server.requests) == 5 and starts == sorted(starts) and starts[0] > 0
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_broken_download_starts_again_if_the_server_ignores_ranges(server, tmp_path, archive, get):
    server.breaks, server.ranges = 1, False
    get()
    assert [request[2] for request in server.requests] == [200, 200]
    assert server.requests[1][1] is not None
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_next_command_resumes_a_broken_download(server, tmp_path, archive, get, broken):
    have = len(broken.read_bytes())
    get()
    assert server.requests == [("/a.bin", f"bytes={have}-", 206, len(archive) - have)]
    assert everything(tmp_path) == {"a.bin": archive}


def test_server_that_is_down_is_reported_and_the_part_is_kept(closed_host, tmp_path, get, broken):
    before = everything(tmp_path)
    refusal(lambda: get(closed_host), closed_host + "a.bin", "is kept", "--data-dir")
    assert everything(tmp_path) == before


@pytest.mark.parametrize("ranges", [True, False])
def test_wrong_checksum_is_rejected_and_leaves_nothing(server, tmp_path, get, ranges):
    server.wrong, server.ranges = 1000, ranges
    message = refusal(get, server.host + "a.bin", "MD5", "--data-dir")
    assert "is kept" not in message and everything(tmp_path) == {} and len(server.requests) <= 5


def test_download_without_end_is_rejected_and_leaves_nothing(
    server, tmp_path, archive, get, monkeypatch
):
    monkeypatch.setattr(download, "LARGEST", len(archive) // 2)
    refusal(get, server.host + "a.bin", "--data-dir")
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("breaks, fresh", [(0, [True, True]), (1, [True, False, True])])
def test_wrong_bytes_once_are_downloaded_again_from_the_beginning(
    server, tmp_path, archive, get, breaks, fresh
):
    server.wrong, server.breaks = 1, breaks
    get()
    assert [request[1] is None for request in server.requests] == fresh
    assert everything(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize("extra, statuses", [(b"", [416]), (b"and more", [416, 200])])
def test_complete_part_is_finished_whatever_the_server_says(
    server, tmp_path, archive, get, broken, extra, statuses
):
    """A server answers 416 to a range that begins at the end."""
    broken.write_bytes(archive + extra)
    get()
    assert everything(tmp_path) == {"a.bin": archive}
    assert [request[2] for request in server.requests] == statuses


@pytest.mark.parametrize("status", [404, 416, 503])
def test_error_of_the_server_is_reported_and_leaves_nothing(server, tmp_path, get, status):
    server.status = status
    refusal(get, server.host + "a.bin", status, "--data-dir")
    assert everything(tmp_path) == {} and 1 <= len(server.requests) <= 5


def test_complete_file_is_not_downloaded_again_but_a_corrupt_one_is(server, tmp_path, archive, get):
    (tmp_path / "a.bin").write_bytes(archive)
    get()
    assert server.requests == []
    (tmp_path / "a.bin").write_bytes(archive[:-1])
    get()
    assert len(server.requests) == 1 and everything(tmp_path) == {"a.bin": archive}


def test_error_without_a_message_has_a_reason(get, monkeypatch):
    def fail(*arguments, **options):
        raise download.requests.ConnectionError()

    monkeypatch.setattr(download.requests, "get", fail)
    refusal(get, "ConnectionError")


@pytest.mark.parametrize("length", ["garbage", "", "-5", "{0}, {0}", "1e3", "9" * 30])
def test_invalid_length_leaves_the_checksum_to_decide(server, tmp_path, archive, get, length):
    server.headers = {"Content-Length": length.format(len(archive)), "Connection": "close"}
    get()
    assert everything(tmp_path) == {"a.bin": archive}


def test_archive_that_the_server_calls_an_encoding_arrives_as_it_is(server, tmp_path, archive, get):
    server.headers = {"Content-Encoding": "gzip"}
    get()
    assert everything(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize(
    "location",
    ["http://", "ftp://a/b", "http://[::1", "http://a:b/", "http://.a/", "http://127.0.0.1:99999/"],
)
def test_invalid_redirection_is_one_line(server, tmp_path, get, location):
    server.status, server.headers = 302, {"Location": location}
    refusal(get, server.host + "a.bin", "--data-dir")
    assert everything(tmp_path) == {}


def test_attempts_have_growing_pauses_between_them(server, get, monkeypatch):
    pauses = []
    server.breaks = 1000
    monkeypatch.setattr(download, "PAUSE", 1.0)
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    refusal(get)
    assert pauses == [1, 2, 4, 8]


def test_two_commands_at_once_share_one_download(server, fetch):
    with ThreadPoolExecutor(2) as pool:
        assert all(is_whole(call.result()) for call in [pool.submit(fetch), pool.submit(fetch)])
    assert len(server.requests) == 1


def test_fetched_set_is_in_its_folder_and_the_archive_is_removed(server, tmp_path, fetch):
    server.breaks = 1
    assert fetch() == tmp_path / INSIDE and is_whole(tmp_path / INSIDE)
    assert {path.name for path in tmp_path.iterdir()} == {INSIDE, "set.tar.gz.lock"}
    assert server.requests[0][0] == "/set.tar.gz"


def test_existing_set_is_not_downloaded_again_and_needs_no_lock(
    closed_host, server, tmp_path, fetch
):
    fetch()
    lock = tmp_path / "set.tar.gz.lock"
    lock.unlink()
    lock.mkdir()  # nobody can open it, not even root
    before = everything(tmp_path)
    assert fetch() == fetch(closed_host) == tmp_path / INSIDE
    assert len(server.requests) == 1 and everything(tmp_path) == before


def test_set_that_lacks_a_file_is_fetched_again(tmp_path, fetch):
    fetch()
    (tmp_path / INSIDE / "data_batch_4.bin").unlink()
    assert is_whole(fetch())


def test_failed_fetch_names_the_other_way(closed_host, server, tmp_path, archive, fetch):
    server.wrong = 1000
    refusal(lambda: fetch(closed_host), closed_host, "--data-dir", "DATA=")
    refusal(fetch, server.host, "--data-dir", "DATA=")
    server.wrong, server.content = 0, archive[: len(archive) // 2]  # truncated, with its checksum
    refusal(lambda: fetch(content=server.content), tmp_path / "set.tar.gz", "delete")
    assert not (tmp_path / INSIDE).exists()


def test_command_without_a_data_set_says_how_to_use_it():
    command = [sys.executable, "-m", "data.download", "imagenet"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "cifar10|cifar100" in result.stderr
